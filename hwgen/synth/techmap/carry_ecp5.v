// The carry cell of an ECP5 as ABC9 is to see it: delays (ps, of yosys' model), and no contents.
// What it knows of the contents it uses, and `&mfs` then changes what a chain means; see
// docs/decisions/0011-carry-cells-are-opaque.md.

(* abc9_box, blackbox *)
module CCU2C(
    (* abc9_carry *) input CIN,
    input A0, B0, C0, D0, A1, B1, C1, D1,
    output S0, S1,
    (* abc9_carry *) output COUT
);
    parameter [15:0] INIT0 = 0;
    parameter [15:0] INIT1 = 0;
    parameter INJECT1_0 = "YES";
    parameter INJECT1_1 = "YES";

    specify
        (A0 => S0) = 379;
        (B0 => S0) = 379;
        (C0 => S0) = 275;
        (D0 => S0) = 141;
        (CIN => S0) = 257;
        (A0 => S1) = 630;
        (B0 => S1) = 630;
        (C0 => S1) = 526;
        (D0 => S1) = 392;
        (A1 => S1) = 379;
        (B1 => S1) = 379;
        (C1 => S1) = 275;
        (D1 => S1) = 141;
        (CIN => S1) = 273;
        (A0 => COUT) = 516;
        (B0 => COUT) = 516;
        (C0 => COUT) = 412;
        (D0 => COUT) = 278;
        (A1 => COUT) = 516;
        (B1 => COUT) = 516;
        (C1 => COUT) = 412;
        (D1 => COUT) = 278;
        (CIN => COUT) = 43;
    endspecify
endmodule
