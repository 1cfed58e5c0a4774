// A DSP48E1 with its registers at operands and product. Narrow products are left to `synth_xilinx`.
// Its `xilinx_dsp` would take a register or an adder in front of A in, as if AREG were 0, and so lose
// a cycle of A against B: ADREG and D, which count for nothing without the adder, keep it from that.

module hwgen_multiply #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output [A_WIDTH+B_WIDTH-1:0] y
);
    wire _TECHMAP_FAIL_ = A_WIDTH - A_SIGNED > 24 || B_WIDTH - B_SIGNED > 17
                          || A_WIDTH + B_WIDTH < 9;
    wire [54:0] wa = {{30{A_SIGNED != 0 && a[A_WIDTH-1]}}, a};
    wire [35:0] wb = {{18{B_SIGNED != 0 && b[B_WIDTH-1]}}, b};
    wire [47:0] p;
    assign y = p;
    DSP48E1 #(
        .AREG(1), .ACASCREG(1), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(0), .CREG(0), .DREG(0),
        .ADREG(1), .ALUMODEREG(0), .CARRYINREG(0), .CARRYINSELREG(0), .INMODEREG(0),
        .OPMODEREG(0), .USE_MULT("MULTIPLY"), .USE_SIMD("ONE48"), .USE_DPORT("FALSE")
    ) block (
        .CLK(clk), .CEA2(1'b1), .CEB2(1'b1), .CEM(1'b1), .A(wa[29:0]), .B(wb[17:0]), .C(48'b0),
        .D(25'h1FFFFFF), .P(p), .INMODE(5'b00000), .ALUMODE(4'b0000), .OPMODE(7'b0000101),
        .CARRYINSEL(3'b000), .CARRYIN(1'b0), .ACIN(30'b0), .BCIN(18'b0), .PCIN(48'b0),
        .RSTA(1'b0), .RSTB(1'b0), .RSTM(1'b0)
    );
endmodule
