// Sums of Xilinx 7: each bit one LUT of six inputs, carries in CARRY4; O = S ^ cin, and cin goes on
// where S = 1, else DI. A full adder of three plain bits is one LUT with two outputs.

// y = a + b + cin with p = a ^ b worked out by whoever asks.
module \$__hwgen_carry #(parameter WIDTH = 1) (
    input [WIDTH-1:0] p, g,
    input cin,
    output [WIDTH:0] y
);
    localparam CELLS = (WIDTH + 3) / 4;
    wire [4*CELLS-1:0] s = p, di = g, o, co;
    assign y = {co[WIDTH-1], o[WIDTH-1:0]};
    genvar k;
    generate for (k = 0; k < CELLS; k = k + 1) begin : cells
        if (k == 0)
            CARRY4 first (.CI(1'b0), .CYINIT(cin), .S(s[3:0]), .DI(di[3:0]), .O(o[3:0]),
                          .CO(co[3:0]));
        else
            CARRY4 next (.CI(co[4*k-1]), .CYINIT(1'b0), .S(s[4*k +: 4]), .DI(di[4*k +: 4]),
                         .O(o[4*k +: 4]), .CO(co[4*k +: 4]));
    end endgenerate
endmodule

module hwgen_add #(parameter WIDTH = 1, parameter COUNT = 1, parameter MASK = 0) (
    input [COUNT*WIDTH-1:0] a, b,
    input [COUNT-1:0] x, w,
    output [COUNT*(WIDTH+1)-1:0] y
);
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        \$__hwgen_carry #(.WIDTH(WIDTH)) chain (
            .p(a[WIDTH*k +: WIDTH] ^ b[WIDTH*k +: WIDTH]), .g(a[WIDTH*k +: WIDTH]),
            .cin(MASK != 0 ? x[k] & w[k] : x[k] ^ w[k]), .y(y[(WIDTH+1)*k +: WIDTH+1]));
    end endgenerate
endmodule

module hwgen_load_add #(parameter WIDTH = 1, parameter MASK = 0) (
    input first, x, w,
    input [WIDTH-1:0] start, acc, addend,
    output [WIDTH-1:0] y
);
    wire unused;
    \$__hwgen_carry #(.WIDTH(WIDTH)) chain (
        .p(addend ^ (first ? start : acc)), .g(addend), .cin(MASK != 0 ? x & w : x ^ w),
        .y({unused, y}));
endmodule

// The carry of a + ~t + 1.
module hwgen_at_least #(parameter WIDTH = 1) (
    input [WIDTH-1:0] a, t0, t1,
    input high,
    output y
);
    wire [WIDTH-1:0] unused;
    \$__hwgen_carry #(.WIDTH(WIDTH)) chain (
        .p(~(a ^ (high ? t1 : t0))), .g(a), .cin(1'b1), .y({y, unused}));
endmodule

module hwgen_count3 #(parameter COUNT = 1, parameter MASK = 0) (
    input [3*COUNT-1:0] x, w,
    output [2*COUNT-1:0] y
);
    // Inputs from the lowest: x0, w0, x1, w1, x2, w2.
    localparam [63:0] SUM = MASK != 0 ? 64'h8777_7888_7888_7888 : 64'h6996_9669_9669_6996;
    localparam [63:0] CARRY = MASK != 0 ? 64'hF888_8000_8000_8000 : 64'h0660_6FF6_6FF6_0660;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        LUT6 #(.INIT(SUM)) sum (.O(y[2*k]), .I0(x[3*k]), .I1(w[3*k]), .I2(x[3*k+1]),
                                .I3(w[3*k+1]), .I4(x[3*k+2]), .I5(w[3*k+2]));
        LUT6 #(.INIT(CARRY)) carry (.O(y[2*k+1]), .I0(x[3*k]), .I1(w[3*k]), .I2(x[3*k+1]),
                                    .I3(w[3*k+1]), .I4(x[3*k+2]), .I5(w[3*k+2]));
    end endgenerate
endmodule

module hwgen_sum3 #(parameter COUNT = 1) (
    input [3*COUNT-1:0] a,
    output [2*COUNT-1:0] y
);
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        LUT6_2 #(.INIT(64'h9696_9696_E8E8_E8E8)) sum (
            .O6(y[2*k]), .O5(y[2*k+1]), .I0(a[3*k]), .I1(a[3*k+1]), .I2(a[3*k+2]),
            .I3(1'b0), .I4(1'b0), .I5(1'b1));
    end endgenerate
endmodule

module hwgen_sum6 #(parameter COUNT = 1) (
    input [6*COUNT-1:0] a,
    output [3*COUNT-1:0] y
);
    localparam [191:0] BITS = {
        64'hFEE8_E880_E880_8000, 64'h8117_177E_177E_7EE8, 64'h6996_9669_9669_6996};
    genvar k, j;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        for (j = 0; j < 3; j = j + 1) begin : digit
            LUT6 #(.INIT(BITS[64*j +: 64])) lut (
                .O(y[3*k+j]), .I0(a[6*k]), .I1(a[6*k+1]), .I2(a[6*k+2]), .I3(a[6*k+3]),
                .I4(a[6*k+4]), .I5(a[6*k+5]));
        end
    end endgenerate
endmodule

// A carry of two XORs (four inputs) and the parity with the third (two): where both are equal it is
// theirs, else the third's, which then is not the parity.
module \$__hwgen_parity_carry (input [2:0] x, w, output y);
    LUT6 #(.INIT(64'h6FF6_0660_0660_6FF6)) lut (
        .O(y), .I0(x[0]), .I1(w[0]), .I2(x[1]), .I3(w[1]), .I4(x[2]), .I5(w[2]));
endmodule

module hwgen_parity3 #(parameter COUNT = 1) (
    input [3*COUNT-1:0] x, w,
    output [2*COUNT-1:0] y
);
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign y[2*k] = x[3*k+2] ^ w[3*k+2];
        \$__hwgen_parity_carry carry (.x(x[3*k +: 3]), .w(w[3*k +: 3]), .y(y[2*k+1]));
    end endgenerate
endmodule

module hwgen_parity9 #(parameter COUNT = 1) (
    input [9*COUNT-1:0] x, w,
    output [5*COUNT-1:0] y
);
    genvar k, t;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        for (t = 0; t < 3; t = t + 1) begin : triple
            \$__hwgen_parity_carry carry (
                .x(x[9*k+3*t +: 3]), .w(w[9*k+3*t +: 3]), .y(y[5*k+1+t]));
        end
        hwgen_count3 sum (.x({x[9*k+8], x[9*k+5], x[9*k+2]}),
                          .w({w[9*k+8], w[9*k+5], w[9*k+2]}), .y({y[5*k+4], y[5*k]}));
    end endgenerate
endmodule
