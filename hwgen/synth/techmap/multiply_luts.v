// A multiplier in LUTs where yosys would take a block: what it multiplies later than those.

module hwgen_multiply_luts #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output reg [A_WIDTH+B_WIDTH-1:0] y
);
    // Both operands must be of one sign; one bit more makes an unsigned one signed.
    localparam IS_SIGNED = A_SIGNED != 0 || B_SIGNED != 0;
    localparam WA = A_WIDTH + (IS_SIGNED && A_SIGNED == 0);
    localparam WB = B_WIDTH + (IS_SIGNED && B_SIGNED == 0);
    reg [A_WIDTH-1:0] ra;
    reg [B_WIDTH-1:0] rb;
    wire [A_WIDTH+B_WIDTH-1:0] product;
    \$__soft_mul #(
        .A_SIGNED(IS_SIGNED), .B_SIGNED(IS_SIGNED), .A_WIDTH(WA), .B_WIDTH(WB),
        .Y_WIDTH(A_WIDTH + B_WIDTH)
    ) soft (.A({{WA-A_WIDTH{1'b0}}, ra}), .B({{WB-B_WIDTH{1'b0}}, rb}), .Y(product));
    always @(posedge clk) begin
        ra <= a;
        rb <= b;
        y <= product;
    end
endmodule
