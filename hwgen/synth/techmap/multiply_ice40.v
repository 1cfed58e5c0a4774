// The multiplier block of an iCE40 UltraPlus with its own registers: 16x16, or 8x8 twice. Narrow
// products are left to LUTs, as `synth_ice40 -dsp` leaves them.

module \$__hwgen_mac16 #(
    parameter PAIR = 0, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [15:0] a, b,
    output [31:0] y
);
    SB_MAC16 #(
        .A_REG(1'b1), .B_REG(1'b1), .MODE_8x8(PAIR ? 1'b1 : 1'b0),
        .TOP_8x8_MULT_REG(PAIR ? 1'b1 : 1'b0), .BOT_8x8_MULT_REG(PAIR ? 1'b1 : 1'b0),
        .PIPELINE_16x16_MULT_REG2(PAIR ? 1'b0 : 1'b1),
        .TOPOUTPUT_SELECT(PAIR ? 2'b10 : 2'b11), .BOTOUTPUT_SELECT(PAIR ? 2'b10 : 2'b11),
        .A_SIGNED(A_SIGNED ? 1'b1 : 1'b0), .B_SIGNED(B_SIGNED ? 1'b1 : 1'b0)
    ) block (
        .CLK(clk), .CE(1'b1), .A(a), .B(b), .C(16'b0), .D(16'b0), .O(y),
        .AHOLD(1'b0), .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0), .OHOLDTOP(1'b0), .OHOLDBOT(1'b0),
        .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0), .OLOADTOP(1'b0),
        .OLOADBOT(1'b0), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0), .CI(1'b0), .ACCUMCI(1'b0),
        .SIGNEXTIN(1'b0)
    );
endmodule

module hwgen_multiply #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output [A_WIDTH+B_WIDTH-1:0] y
);
    wire _TECHMAP_FAIL_ = A_WIDTH > 16 || B_WIDTH > 16 || A_WIDTH + B_WIDTH < 11;
    wire [31:0] wa = {{16{A_SIGNED != 0 && a[A_WIDTH-1]}}, a}, p;
    wire [31:0] wb = {{16{B_SIGNED != 0 && b[B_WIDTH-1]}}, b};
    assign y = p;
    \$__hwgen_mac16 #(.A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED)) block (
        .clk(clk), .a(wa[15:0]), .b(wb[15:0]), .y(p));
endmodule

module hwgen_multiply_pair #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [2*A_WIDTH-1:0] a,
    input [2*B_WIDTH-1:0] b,
    output [2*(A_WIDTH+B_WIDTH)-1:0] y
);
    wire _TECHMAP_FAIL_ = A_WIDTH > 8 || B_WIDTH > 8;
    wire [15:0] al = {{8{A_SIGNED != 0 && a[A_WIDTH-1]}}, a[A_WIDTH-1:0]};
    wire [15:0] ah = {{8{A_SIGNED != 0 && a[2*A_WIDTH-1]}}, a[2*A_WIDTH-1:A_WIDTH]};
    wire [15:0] bl = {{8{B_SIGNED != 0 && b[B_WIDTH-1]}}, b[B_WIDTH-1:0]};
    wire [15:0] bh = {{8{B_SIGNED != 0 && b[2*B_WIDTH-1]}}, b[2*B_WIDTH-1:B_WIDTH]};
    wire [31:0] p;
    assign y = {p[16 +: A_WIDTH+B_WIDTH], p[0 +: A_WIDTH+B_WIDTH]};
    \$__hwgen_mac16 #(.PAIR(1), .A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED)) block (
        .clk(clk), .a({ah[7:0], al[7:0]}), .b({bh[7:0], bl[7:0]}), .y(p));
endmodule
