// MULT18X18D, a multiplier block of an ECP5: of operands A and B, signed where SIGNEDA and SIGNEDB
// are 1; with registers of CLK0 at operands and product, or without.
module MULT18X18D (
    input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
    input C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17, P18,
    P19, P20, P21, P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_OUTPUT_CLK = "NONE";

    // A refused mode names a module that nobody defines.
    generate
        if ((REG_INPUTA_CLK != "NONE" && REG_INPUTA_CLK != "CLK0")
                || (REG_INPUTB_CLK != "NONE" && REG_INPUTB_CLK != "CLK0")
                || (REG_OUTPUT_CLK != "NONE" && REG_OUTPUT_CLK != "CLK0"))
            MULT18X18D_must_have_registers_of_CLK0 refused ();
    endgenerate

    wire [17:0] a =
        {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b =
        {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
    wire [17:0] xa, xb;
    wire signed [18:0] sa = {SIGNEDA & xa[17], xa}, sb = {SIGNEDB & xb[17], xb};
    wire [35:0] product = sa * sb, p;
    \$__hwgen_register #(.WIDTH(18), .CLK(REG_INPUTA_CLK)) ra (
        .clk(CLK0), .ce(CE0), .rst(RST0), .d(a), .q(xa));
    \$__hwgen_register #(.WIDTH(18), .CLK(REG_INPUTB_CLK)) rb (
        .clk(CLK0), .ce(CE0), .rst(RST0), .d(b), .q(xb));
    \$__hwgen_register #(.WIDTH(36), .CLK(REG_OUTPUT_CLK)) rp (
        .clk(CLK0), .ce(CE0), .rst(RST0), .d(product), .q(p));
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19,
    P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p;
endmodule

// A register, or with CLK = "NONE" wires.
module \$__hwgen_register #(parameter WIDTH = 1, parameter CLK = "NONE") (
    input clk, ce, rst,
    input [WIDTH-1:0] d,
    output [WIDTH-1:0] q
);
    generate if (CLK == "NONE")
        assign q = d;
    else begin : register
        reg [WIDTH-1:0] r;
        assign q = r;
        always @(posedge clk)
            if (rst)
                r <= 0;
            else if (ce)
                r <= d;
    end endgenerate
endmodule
