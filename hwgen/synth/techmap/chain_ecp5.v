// Sums as CCU2C chains. A slot gives s = p ^ cin and passes cin on where p = LUT4(a, b, c, d), else
// g = LUT2(a, b), whose table is the lowest quarter of the other's. With p = 0 it brings out the
// carry of the chain before and starts a new one with g, so sums follow each other in one chain.

// SLOTS slots of one chain, slot 0 first; its carry-in is 0.
module \$__hwgen_chain #(parameter SLOTS = 1, parameter [16*SLOTS-1:0] INIT = 0) (
    input [SLOTS-1:0] a, b, c, d,
    output [SLOTS-1:0] s
);
    localparam CELLS = (SLOTS + 1) / 2;
    wire [CELLS:0] carry;
    wire [2*CELLS-1:0] pa = a, pb = b, pc = c, pd = d, ps;
    localparam [32*CELLS-1:0] TABLE = INIT;
    assign carry[0] = 1'b0;
    assign s = ps[SLOTS-1:0];
    genvar k;
    generate for (k = 0; k < CELLS; k = k + 1) begin : cells
        CCU2C #(
            .INIT0(TABLE[32*k +: 16]), .INIT1(TABLE[32*k+16 +: 16]),
            .INJECT1_0("NO"), .INJECT1_1("NO")
        ) slots (
            .CIN(carry[k]), .COUT(carry[k+1]),
            .A0(pa[2*k]), .B0(pb[2*k]), .C0(pc[2*k]), .D0(pd[2*k]), .S0(ps[2*k]),
            .A1(pa[2*k+1]), .B1(pb[2*k+1]), .C1(pc[2*k+1]), .D1(pd[2*k+1]), .S1(ps[2*k+1])
        );
    end endgenerate
endmodule

// Two slots a sum: the carry-in (and the carry-out of the sum before), the sum.
module hwgen_count3 #(parameter COUNT = 1, parameter MASK = 0) (
    input [3*COUNT-1:0] x, w,
    output [2*COUNT-1:0] y
);
    localparam SLOTS = 2*COUNT + 1;
    localparam [31:0] SUM = MASK != 0 ? 32'h7888_0008 : 32'h6996_0006;
    wire [SLOTS-1:0] a, b, c, d, s;
    \$__hwgen_chain #(.SLOTS(SLOTS), .INIT({16'h0000, {COUNT{SUM}}})) chain (
        .a(a), .b(b), .c(c), .d(d), .s(s));
    assign {a[2*COUNT], b[2*COUNT], c[2*COUNT], d[2*COUNT]} = 4'b0011;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign {a[2*k], b[2*k], c[2*k], d[2*k]} = {x[3*k], w[3*k], 2'b11};
        assign {a[2*k+1], b[2*k+1]} = {x[3*k+1], w[3*k+1]};
        assign {c[2*k+1], d[2*k+1]} = {x[3*k+2], w[3*k+2]};
        assign y[2*k +: 2] = {s[2*k+2], s[2*k+1]};
    end endgenerate
endmodule

// WIDTH + 1 slots a sum: the carry-in (and the carry-out of the sum before), the bits.
module hwgen_add #(parameter WIDTH = 1, parameter COUNT = 1, parameter MASK = 0) (
    input [COUNT*WIDTH-1:0] a, b,
    input [COUNT-1:0] x, w,
    output [COUNT*(WIDTH+1)-1:0] y
);
    localparam EACH = WIDTH + 1;
    localparam SLOTS = COUNT*EACH + 1;
    localparam [15:0] CARRY = MASK != 0 ? 16'h0008 : 16'h0006;
    localparam [16*EACH-1:0] SUM = {{WIDTH{16'h666A}}, CARRY};
    wire [SLOTS-1:0] ca, cb, s;
    \$__hwgen_chain #(.SLOTS(SLOTS), .INIT({16'h0000, {COUNT{SUM}}})) chain (
        .a(ca), .b(cb), .c({SLOTS{1'b1}}), .d({SLOTS{1'b1}}), .s(s));
    assign {ca[SLOTS-1], cb[SLOTS-1]} = 2'b00;
    genvar k;
    generate for (k = 0; k < COUNT; k = k + 1) begin : each
        assign ca[EACH*k +: EACH] = {a[WIDTH*k +: WIDTH], x[k]};
        assign cb[EACH*k +: EACH] = {b[WIDTH*k +: WIDTH], w[k]};
        assign y[EACH*k +: EACH] = s[EACH*k+1 +: EACH];
    end endgenerate
endmodule

// One slot for the carry-in, one a bit: p = addend ^ (first ? start : acc), g = addend.
module hwgen_load_add #(parameter WIDTH = 1, parameter MASK = 0) (
    input first, x, w,
    input [WIDTH-1:0] start, acc, addend,
    output [WIDTH-1:0] y
);
    localparam [15:0] CARRY = MASK != 0 ? 16'h0008 : 16'h0006;
    wire unused;
    \$__hwgen_chain #(.SLOTS(WIDTH + 1), .INIT({{WIDTH{16'h596A}}, CARRY})) chain (
        .a({addend, x}), .b({{WIDTH{first}}, w}), .c({start, 1'b1}), .d({acc, 1'b1}),
        .s({y, unused}));
endmodule

// The carry of ~a + t says t > a; the last slot brings it out, inverted.
module hwgen_at_least #(parameter WIDTH = 1) (
    input [WIDTH-1:0] a, t0, t1,
    input high,
    output y
);
    wire [WIDTH-1:0] unused;
    \$__hwgen_chain #(.SLOTS(WIDTH + 1), .INIT({16'hFFFF, {WIDTH{16'hA695}}})) chain (
        .a({1'b1, a}), .b({1'b1, {WIDTH{high}}}), .c({1'b1, t1}), .d({1'b1, t0}),
        .s({y, unused}));
endmodule
