"""Cells of the fixed-point core: counted parts, and estimates against what synthesis counts."""

from dataclasses import replace

import pytest
from cases.targets import ECP5, UP5K
from plan.synthesis import counted

from hwgen.bench.cost_parts.fixed_sweep import (
    FIXED_CASES,
    FIXED_DRAWN,
    FIXED_HELD_OUT,
    KINDS,
    FixedCase,
)
from hwgen.bench.cost_parts.measure import target_of
from hwgen.plan.stages.fixed_cells import COSTS, PARTS, fixed_cells, fixed_parts
from hwgen.plan.target import FAMILIES

TARGETS = {"ecp5": ECP5, "ice40": UP5K, "xc7": target_of(FIXED_CASES[0], "xc7")}

# What yosys 0.69 counts for cases of the sweep: LUT, FF, block RAM, multiplier blocks.
MEASURED = {
    ("w8 s8 sums 32 to 16 pe 1 simd 1 blocks levels 1", "ecp5"): (318, 141, 1, 1),
    ("w8 s8 sums 32 to 16 pe 1 simd 1 blocks levels 1", "ice40"): (352, 205, 2, 1),
    ("w8 s8 sums 64 to 64 pe 8 simd 8 blocks levels 1", "ecp5"): (1738, 1454, 15, 64),
    ("w8 s8 sums 48 to 10 pe 5 simd 4 luts levels 1", "ecp5"): (4892, 1329, 0, 0),
    ("w3 s1 sums 32 to 16 pe 2 simd 4 luts levels 1", "ecp5"): (227, 197, 1, 0),
    ("w3 s1 sums 32 to 16 pe 2 simd 4 luts levels 1", "ice40"): (566, 345, 2, 0),
    ("w16 s16 sums 32 to 16 pe 2 simd 4 blocks levels 1", "ecp5"): (647, 531, 4, 8),
    ("w16 s16 sums 32 to 16 pe 2 simd 4 blocks levels 1", "ice40"): (1265, 888, 12, 8),
    ("w16 s16 sums 32 to 16 pe 2 simd 4 luts levels 1", "ecp5"): (6979, 979, 4, 0),
    ("w8 s8 sums 64 to 32 pe 2 simd 8 luts levels 1", "ecp5"): (3583, 979, 4, 0),
    ("w8 s8 sums 64 to 32 pe 2 simd 8 luts levels 1", "ice40"): (4081, 1216, 12, 0),
    ("w8 u8 channel u8 32 to 16 pe 2 simd 4 blocks levels 1", "ecp5"): (507, 417, 2, 12),
    ("w4 s4 channel u4 32 to 16 pe 4 simd 2 luts levels 1", "ecp5"): (1976, 1207, 1, 0),
    ("w4 s4 channel u4 32 to 16 pe 4 simd 2 luts levels 1", "ice40"): (2199, 1282, 3, 0),
    ("w8 u8 doubling u8 32 to 16 pe 2 simd 4 blocks levels 1", "ecp5"): (720, 635, 2, 16),
    ("w8 u8 dynamic u8 32 to 16 pe 2 simd 4 blocks levels 1", "ecp5"): (468, 386, 2, 8),
    ("w8 u8 dynamic u8 32 to 16 pe 2 simd 4 blocks levels 1", "ice40"): (660, 487, 6, 8),
    ("w4 s4 leaky u4 32 to 16 pe 4 simd 2 luts levels 1", "ecp5"): (734, 366, 1, 0),
    ("w4 s4 leaky u4 32 to 16 pe 4 simd 2 luts levels 1", "ice40"): (861, 442, 3, 0),
    ("w6 s6 sums 32 to 32 pe 4 simd 8 blocks 18x18 levels 1", "ecp5"): (1479, 1452, 0, 16),
    ("w5 s8 sums 32 to 16 pe 2 simd 4 blocks 18x18 levels 1", "ecp5"): (373, 392, 2, 4),
    ("w4 s8 channel u8 32 to 32 pe 4 simd 8 blocks 18x18 levels 1", "ecp5"): (1401, 1158, 0, 20),
    ("w4 s4 shift u8 32 to 16 pe 2 simd 4 blocks 8x8 levels 1", "ice40"): (477, 328, 3, 4),
    ("w12 s8 sums 32 to 16 pe 2 simd 4 luts levels 1", "ecp5"): (2555, 640, 3, 0),
    ("w12 s8 sums 32 to 16 pe 2 simd 4 luts levels 1", "ice40"): (3066, 901, 8, 0),
    ("w8 s8 sums 32 to 16 pe 2 simd 4 blocks levels 1", "ecp5"): (400, 312, 2, 8),
    ("w8 s8 sums 32 to 16 pe 2 simd 4 blocks levels 1", "ice40"): (745, 509, 6, 8),
    ("w8 s8 sums 32 to 16 pe 1 simd 1 blocks levels 1", "xc7"): (159, 141, 1, 1),
    ("w8 s8 sums 48 to 10 pe 5 simd 4 blocks levels 1", "xc7"): (621, 645, 0, 20),
    ("w8 s8 sums 64 to 64 pe 8 simd 8 blocks levels 1", "xc7"): (929, 1420, 15, 64),
    ("w2 s8 sums 32 to 16 pe 2 simd 4 blocks levels 1", "xc7"): (267, 240, 0, 8),
    ("w2 s2 sums 32 to 16 pe 2 simd 4 luts levels 1", "xc7"): (271, 160, 0, 0),
    ("w6 s6 sums 32 to 16 pe 2 simd 4 luts levels 1", "xc7"): (805, 398, 2, 0),
    ("w3 s1 sums 32 to 16 pe 2 simd 4 luts levels 1", "xc7"): (181, 206, 1, 0),
    ("w4 s8 sums 48 to 10 pe 5 simd 4 luts levels 2", "xc7"): (1814, 460, 0, 0),
    ("w4 s4 shift u4 32 to 16 pe 4 simd 2 luts levels 1", "xc7"): (437, 341, 1, 0),
    ("w8 u8 doubling u8 32 to 16 pe 2 simd 4 blocks levels 1", "xc7"): (450, 491, 2, 16),
    ("w6 s8 channel u8 48 to 24 pe 4 simd 6 blocks no bias levels 3", "xc7"): (633, 729, 4, 28),
    ("w4 s8 sums 32 to 30 pe 5 simd 4 blocks 25x18 levels 1", "xc7"): (344, 417, 3, 12),
    ("w4 s4 doubling u4 32 to 16 pe 4 simd 2 luts levels 1", "ice40"): (3165, 2061, 3, 0),
}


def case(text):
    return next(case for case in FIXED_CASES if str(case) == text)


@pytest.mark.parametrize(("text", "family"), MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(text, family):
    found = case(text).stage().estimate(TARGETS[family])
    lut, ff, bram, dsp = MEASURED[text, family]
    assert 0.8 * lut <= found.lut <= 1.2 * lut
    assert 0.95 * ff <= found.ff <= 1.05 * ff
    assert (found.bram, found.dsp) == (bram, dsp)


@pytest.mark.synth
def test_counts_are_those_of_synthesis(tmp_path):
    text, family = next(iter(MEASURED))
    found = counted(case(text).stage(), family, tmp_path)
    assert (found.lut, found.ff, found.bram, found.dsp) == pytest.approx(MEASURED[text, family],
                                                                         rel=0.05)


def test_costs_are_of_parts_there_are():
    assert set(COSTS) <= set(FAMILIES)
    assert all(set(costs) <= set(PARTS) for costs in COSTS.values())


def test_sweep_has_every_width_end_and_way_to_multiply():
    assert len(FIXED_CASES) >= 40
    assert {case.kind for case in FIXED_CASES} == set(KINDS)
    assert {case.w for case in FIXED_CASES} >= {2, 3, 4, 5, 6, 8, 12, 16}
    assert {case.packing for case in FIXED_CASES} == {"none", "18x18", "25x18", "8x8"}
    assert not set(map(str, (*FIXED_CASES, *FIXED_DRAWN))) & set(map(str, FIXED_HELD_OUT))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_an_estimate(family):
    for number in range(0, len(FIXED_CASES), 3):
        cells = fixed_cells(FIXED_CASES[number].stage(), replace(ECP5, family=family))
        assert cells.lut > 50
        assert cells.ff > 50


def test_products_are_in_luts_where_a_device_has_no_blocks():
    stage = FixedCase(16, 32, 2, 4).stage()
    assert fixed_parts(stage, ECP5)["dsp"] == 8
    without = fixed_parts(stage, replace(ECP5, dsps=0))
    assert (without["dsp"], without["product"], without["edge"]) == (0, 8 * 49, 8 * 16)
    in_luts = replace(stage, multipliers="luts")
    assert fixed_parts(in_luts, ECP5) == without


def test_counters_that_wrap_before_a_power_of_two_are_told_apart():
    # 2 rows of 5 folds: 4 values of a place wrap by themselves, 5 and 10 do not.
    parts = fixed_parts(FixedCase(10, 16, 2, 8).stage(), ECP5)
    assert parts["wrap"] == 3 + 3 + 4
    assert fixed_parts(FixedCase(16, 32, 2, 4).stage(), ECP5)["wrap"] == 0


def test_parts_of_a_tree():
    # Of 4 products of 16 bits 2 sums of 17 and one of 18; a register behind each level.
    parts = fixed_parts(FixedCase(16, 32, 2, 4).stage(), ECP5)
    assert parts["wide_add"] == 2 * (2 * 17 + 18)
    joined = fixed_parts(FixedCase(16, 32, 2, 4, levels=2).stage(), ECP5)
    assert joined["joined"] == joined["wide_add"] == parts["wide_add"]
    assert parts["joined"] == 0
    assert parts["ff"] - joined["ff"] == 2 * 2 * 17 + 3     # and three flags
