"""What stands above the tables of each part."""

__all__ = ["BINARY_TEXT", "FIXED_TEXT"]

BINARY_TEXT = """\
# How good the cost model is

The planner chooses foldings by an estimate of LUTs, flip-flops and block RAMs that needs no
synthesis. It counts the parts that the generator makes (slots of carry chains, columns of
constant memories, registers, banks of LUT RAM, counters) and multiplies each kind by what one of
it costs on the device family; those few constants, `COSTS` in
`hwgen/plan/stages/binary_cells.py`, are fitted to this table. Cycles need no estimate: intervals
are formulas that simulation holds exactly.

`hwgen bench cost` writes this file. Random weights of seed {seed}; stages alone, not placed;
{tool}. LUTs are LUT4 with those of carry cells and LUT RAM (ECP5, Gowin), logic cells with lone
flip-flops (iCE40), LUT6 with route-throughs (Xilinx 7). A case names weights, inputs and outputs
(`1` one bit, `u2`, `u8` unsigned, `s2` signed, `t` ternary, `r2` two residual levels), the matrix
and its folding; `side`: all planes side by side, else one after another; `levels`: adder levels
between registers. `window` (a beat at a time), `wide` (a window a cycle) and `pool` are the units
around the matrix of a convolution, `unrolled` cores have their weights in logic, `argmax` and
`thermometer` are the ends of a network, `lanes` what stands between beats of two sizes. Cases that
are `held out` are drawn from a seed, formats and foldings alike: no constant was fitted to them.

"""

FIXED_TEXT = """\
# How good the cost model of the fixed-point core is

As [docs/cost.md](cost.md) for the binarised cores, of the folded fixed-point core and what
requantises behind it (a threshold behind it is a stage of its own), of where branches leave and
join (`fork`, `add`), and of pools behind a sliding window (`window-max`, `window-sum`, a tap at a
time or `wide`). Parts of the folded core are counted from what the generator makes, adders and
registers that a block of Xilinx 7 takes in among them. What one of each costs, `COSTS` in
`hwgen/plan/stages/fixed_cells.py`, is fitted to all cases of that core that are not held out;
block RAMs, multiplier blocks, those that yosys takes by itself too, and flip-flops are counted and
not fitted, but for 14 flip-flops of each core.

`hwgen bench cost --part fixed` writes this file. Random weights of seed {seed}; stages alone, not
placed; {tool}. LUTs are LUT4 with those of carry cells and LUT RAM (ECP5), logic cells with lone
flip-flops (iCE40, an UP5K), LUT6 with route-throughs (Xilinx 7). A case names bits of weights and
inputs, what follows (`sums`; a requantise by `shift`, by one multiplier, by one of each `channel`,
with two roundings, `doubling`, with a shift of each channel, `dynamic`, or a slope, `leaky`; and
the bits of its results), the matrix, its folding, and of what products are made. Cases that are
`held out` are drawn from a seed that was chosen after the last constant: none was fitted to them.
Those of an earlier seed, the last ones of each table before these, are fitted to like all others.
Cases that need more LUTs or blocks than the device has are left out.

"""
