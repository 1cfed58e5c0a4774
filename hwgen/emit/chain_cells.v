// Sums that synthesis may build as carry chains; here as what they compute.

// y[k] = (x[3k] op w[3k]) + (x[3k+1] op w[3k+1]) + (x[3k+2] op w[3k+2]); op is XOR, with MASK AND.
module hwgen_count3 #(parameter COUNT = 1, parameter MASK = 0) (
    input [3*COUNT-1:0] x,
    input [3*COUNT-1:0] w,
    output [2*COUNT-1:0] y
);
    wire [3*COUNT-1:0] p = MASK != 0 ? x & w : x ^ w;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[2*k +: 2] = {1'b0, p[3*k]} + {1'b0, p[3*k+1]} + {1'b0, p[3*k+2]};
    end endgenerate
endmodule

// y[k] = a[k] + b[k] + (x[k] op w[k]), one bit wider than a[k].
module hwgen_add #(parameter WIDTH = 1, parameter COUNT = 1, parameter MASK = 0) (
    input [COUNT*WIDTH-1:0] a,
    input [COUNT*WIDTH-1:0] b,
    input [COUNT-1:0] x,
    input [COUNT-1:0] w,
    output [COUNT*(WIDTH+1)-1:0] y
);
    wire [COUNT-1:0] p = MASK != 0 ? x & w : x ^ w;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[(WIDTH+1)*k +: WIDTH+1] = {1'b0, a[WIDTH*k +: WIDTH]}
            + {1'b0, b[WIDTH*k +: WIDTH]} + {{WIDTH{1'b0}}, p[k]};
    end endgenerate
endmodule

// y = (first ? start : acc) + addend + (x op w), modulo 2**WIDTH.
module hwgen_load_add #(parameter WIDTH = 1, parameter MASK = 0) (
    input first,
    input [WIDTH-1:0] start,
    input [WIDTH-1:0] acc,
    input [WIDTH-1:0] addend,
    input x,
    input w,
    output [WIDTH-1:0] y
);
    wire [WIDTH:0] carry = {{WIDTH{1'b0}}, MASK != 0 ? x & w : x ^ w};
    assign y = (first ? start : acc) + addend + carry[WIDTH-1:0];
endmodule

// y = a >= (high ? t1 : t0).
module hwgen_at_least #(parameter WIDTH = 1) (
    input [WIDTH-1:0] a,
    input [WIDTH-1:0] t0,
    input [WIDTH-1:0] t1,
    input high,
    output y
);
    assign y = a >= (high ? t1 : t0);
endmodule

// y[k] = a[3k] + a[3k+1] + a[3k+2].
module hwgen_sum3 #(parameter COUNT = 1) (
    input [3*COUNT-1:0] a,
    output [2*COUNT-1:0] y
);
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[2*k +: 2] = {1'b0, a[3*k]} + {1'b0, a[3*k+1]} + {1'b0, a[3*k+2]};
    end endgenerate
endmodule

// y[k] = a[6k] + .. + a[6k+5].
module hwgen_sum6 #(parameter COUNT = 1) (
    input [6*COUNT-1:0] a,
    output [3*COUNT-1:0] y
);
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[3*k +: 3] = {2'b0, a[6*k]} + {2'b0, a[6*k+1]} + {2'b0, a[6*k+2]}
            + {2'b0, a[6*k+3]} + {2'b0, a[6*k+4]} + {2'b0, a[6*k+5]};
    end endgenerate
endmodule

// Of three XORs p = x ^ w, of which the third is given as the parity of all: y[k] = sum and carry.
module hwgen_parity3 #(parameter COUNT = 1) (
    input [3*COUNT-1:0] x,
    input [3*COUNT-1:0] w,
    output [2*COUNT-1:0] y
);
    wire [3*COUNT-1:0] p = x ^ w;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[2*k +: 2] = {p[3*k] == p[3*k+1] ? p[3*k] : !p[3*k+2], p[3*k+2]};
    end endgenerate
endmodule

// Nine XORs as three such triples: y[k] = the sum bit, the triples' carries, the carry of their sums.
module hwgen_parity9 #(parameter COUNT = 1) (
    input [9*COUNT-1:0] x,
    input [9*COUNT-1:0] w,
    output [5*COUNT-1:0] y
);
    wire [9*COUNT-1:0] p = x ^ w;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[5*k] = p[9*k+2] ^ p[9*k+5] ^ p[9*k+8];
        assign y[5*k+1] = p[9*k] == p[9*k+1] ? p[9*k] : !p[9*k+2];
        assign y[5*k+2] = p[9*k+3] == p[9*k+4] ? p[9*k+3] : !p[9*k+5];
        assign y[5*k+3] = p[9*k+6] == p[9*k+7] ? p[9*k+6] : !p[9*k+8];
        assign y[5*k+4] = p[9*k+2] == p[9*k+5] ? p[9*k+2] : p[9*k+8];
    end endgenerate
endmodule
