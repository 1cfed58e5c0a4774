"""Cells of the fixed-point core on Xilinx 7, whose multiplier blocks add and hold registers too."""

import pytest

from hwgen.bench.cost_parts.fixed_sweep import FixedCase
from hwgen.bench.cost_parts.measure import TARGETS
from hwgen.plan.stages.fixed_cells import fixed_parts

# What yosys 0.69 counts: LUT, FF, block RAM, multiplier blocks; `hwgen bench cost` counts all.
MEASURED = {(16, 32, 1, 1): (159, 141, 1, 1), (16, 32, 2, 4): (233, 305, 2, 8),
            (64, 64, 4, 8): (551, 830, 8, 32)}


@pytest.mark.parametrize("size", MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(size):
    case, target = FixedCase(*size), TARGETS["xc7"]
    found, (lut, ff, bram, dsp) = case.estimate(case.stage(6), target), MEASURED[size]
    assert found.lut == pytest.approx(lut, rel=0.05)
    assert found.ff == pytest.approx(ff, rel=0.05)
    assert (found.bram, found.dsp) == (bram, dsp)


def test_blocks_take_in_an_adder_of_each_two_products_and_luts_none():
    target = TARGETS["xc7"]
    inside, later, outside = (
        fixed_parts(FixedCase(16, 32, 2, 4, **more).stage(6), target)
        for more in ({}, {"levels": 2}, {"multipliers": "luts"}))
    assert outside["wide_add"] - inside["wide_add"] == 2 * 2 * 17
    assert later["wide_add"] == inside["wide_add"]
    assert min(inside.values()) >= 0


def parts_of(*size, **more):
    return fixed_parts(FixedCase(*size, **more).stage(6), TARGETS["xc7"])


def test_blocks_take_in_registers_behind_products_and_sums():
    # Of 5 products two sums and the odd product have their register inside, those of 17 and 18
    # bits that follow are outside: one sum and the odd product, then the last sum.
    inside, outside = parts_of(8, 40, 2, 5), parts_of(8, 40, 2, 5, multipliers="luts")
    assert inside["wide_add"] == 2 * (18 + 19)
    assert outside["wide_add"] == 2 * (17 + 17 + 18 + 19)
    # A register behind every second level: the block of a third product adds the other two's sum.
    assert parts_of(8, 24, 2, 3, levels=2)["wide_add"] == 0
    assert parts_of(8, 40, 2, 5, levels=2)["wide_add"] == inside["wide_add"]
    waits = inside["ff"] - parts_of(8, 40, 2, 5, levels=2)["ff"]
    assert waits == 2 * (18 + 16 + 19 - 18) + 3 * 2    # sums, and flags of two registers fewer


def test_packed_products_are_added_in_blocks_until_they_are_taken_apart():
    case = FixedCase(30, 32, 5, 4, 4, 8, packing="25x18")
    stage = case.stage(6)
    assert (stage.pairs, stage.packed.levels, stage.tree_levels) == (2, 2, 2)
    both = stage.packed.low_bits + 5 + 8       # bits of a product of two weights
    assert parts_of(30, 32, 5, 4, w=4, packing="25x18")["wide_add"] == 2 * (both + 2) + 14


def test_operands_of_blocks_pass_no_shift_registers_though_a_requantise_has_luts():
    parts = parts_of(24, 48, 4, 6, w=6, kind="channel", has_bias=False, levels=3)
    assert parts["masks"] > 0
    assert parts["shift"] == 0
