// A multiplier block of an ECP5 with its own registers at operands and product.

module hwgen_multiply #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output [A_WIDTH+B_WIDTH-1:0] y
);
    wire _TECHMAP_FAIL_ = A_WIDTH > 18 || B_WIDTH > 18;
    wire [35:0] wa = {{36{A_SIGNED != 0 && a[A_WIDTH-1]}}, a}, p;
    wire [35:0] wb = {{36{B_SIGNED != 0 && b[B_WIDTH-1]}}, b};
    assign y = p;
    MULT18X18D #(
        .REG_INPUTA_CLK("CLK0"), .REG_INPUTB_CLK("CLK0"), .REG_OUTPUT_CLK("CLK0")
    ) block (
        .CLK0(clk), .CE0(1'b1), .RST0(1'b0), .SOURCEA(1'b0), .SOURCEB(1'b0),
        .SIGNEDA(A_SIGNED != 0 ? 1'b1 : 1'b0), .SIGNEDB(B_SIGNED != 0 ? 1'b1 : 1'b0),
        .A0(wa[0]), .B0(wb[0]), .C0(1'b0), .A1(wa[1]), .B1(wb[1]), .C1(1'b0),
        .A2(wa[2]), .B2(wb[2]), .C2(1'b0), .A3(wa[3]), .B3(wb[3]), .C3(1'b0),
        .A4(wa[4]), .B4(wb[4]), .C4(1'b0), .A5(wa[5]), .B5(wb[5]), .C5(1'b0),
        .A6(wa[6]), .B6(wb[6]), .C6(1'b0), .A7(wa[7]), .B7(wb[7]), .C7(1'b0),
        .A8(wa[8]), .B8(wb[8]), .C8(1'b0), .A9(wa[9]), .B9(wb[9]), .C9(1'b0),
        .A10(wa[10]), .B10(wb[10]), .C10(1'b0), .A11(wa[11]), .B11(wb[11]), .C11(1'b0),
        .A12(wa[12]), .B12(wb[12]), .C12(1'b0), .A13(wa[13]), .B13(wb[13]), .C13(1'b0),
        .A14(wa[14]), .B14(wb[14]), .C14(1'b0), .A15(wa[15]), .B15(wb[15]), .C15(1'b0),
        .A16(wa[16]), .B16(wb[16]), .C16(1'b0), .A17(wa[17]), .B17(wb[17]), .C17(1'b0),
        .P0(p[0]), .P1(p[1]), .P2(p[2]), .P3(p[3]), .P4(p[4]), .P5(p[5]),
        .P6(p[6]), .P7(p[7]), .P8(p[8]), .P9(p[9]), .P10(p[10]), .P11(p[11]),
        .P12(p[12]), .P13(p[13]), .P14(p[14]), .P15(p[15]), .P16(p[16]), .P17(p[17]),
        .P18(p[18]), .P19(p[19]), .P20(p[20]), .P21(p[21]), .P22(p[22]), .P23(p[23]),
        .P24(p[24]), .P25(p[25]), .P26(p[26]), .P27(p[27]), .P28(p[28]), .P29(p[29]),
        .P30(p[30]), .P31(p[31]), .P32(p[32]), .P33(p[33]), .P34(p[34]), .P35(p[35])
    );
endmodule
