// Multipliers with registers at their operands and their product; here as what they compute.

// y = a * b of two cycles before.
module hwgen_multiply #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output reg [A_WIDTH+B_WIDTH-1:0] y
);
    reg signed [A_WIDTH:0] ra;
    reg signed [B_WIDTH:0] rb;
    always @(posedge clk) begin
        ra <= {A_SIGNED != 0 && a[A_WIDTH-1], a};
        rb <= {B_SIGNED != 0 && b[B_WIDTH-1], b};
        y <= ra * rb;
    end
endmodule

// Two of them: the product of the low halves of a and b, and that of the high ones.
module hwgen_multiply_pair #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [2*A_WIDTH-1:0] a,
    input [2*B_WIDTH-1:0] b,
    output [2*(A_WIDTH+B_WIDTH)-1:0] y
);
    genvar k;
    generate for (k = 0; k < 2; k = k + 1) begin : each
        wire [A_WIDTH-1:0] wa = a[A_WIDTH*k +: A_WIDTH];
        wire [B_WIDTH-1:0] wb = b[B_WIDTH*k +: B_WIDTH];
        reg signed [A_WIDTH:0] ra;
        reg signed [B_WIDTH:0] rb;
        reg [A_WIDTH+B_WIDTH-1:0] p;
        always @(posedge clk) begin
            ra <= {A_SIGNED != 0 && wa[A_WIDTH-1], wa};
            rb <= {B_SIGNED != 0 && wb[B_WIDTH-1], wb};
            p <= ra * rb;
        end
        assign y[(A_WIDTH+B_WIDTH)*k +: A_WIDTH+B_WIDTH] = p;
    end endgenerate
endmodule

// y = a * b of two cycles before, in no multiplier block.
module hwgen_multiply_luts #(
    parameter A_WIDTH = 1, parameter B_WIDTH = 1, parameter A_SIGNED = 0, parameter B_SIGNED = 0
) (
    input clk,
    input [A_WIDTH-1:0] a,
    input [B_WIDTH-1:0] b,
    output reg [A_WIDTH+B_WIDTH-1:0] y
);
    reg signed [A_WIDTH:0] ra;
    reg signed [B_WIDTH:0] rb;
    (* use_dsp = "no", multstyle = "logic", syn_multstyle = "logic" *)
    wire signed [A_WIDTH+B_WIDTH-1:0] product = ra * rb;
    always @(posedge clk) begin
        ra <= {A_SIGNED != 0 && a[A_WIDTH-1], a};
        rb <= {B_SIGNED != 0 && b[B_WIDTH-1], b};
        y <= product;
    end
endmodule
