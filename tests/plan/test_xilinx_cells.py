"""Cells of the fixed-point core on Xilinx 7, whose multiplier blocks add and hold registers too."""

import pytest

from hwgen.bench.cost_parts.fixed_sweep import FixedCase
from hwgen.bench.cost_parts.measure import TARGETS
from hwgen.plan.stages.fixed_cells import fixed_parts

# What yosys 0.69 counts: LUT, FF, block RAM, multiplier blocks; `hwgen bench cost` counts all.
MEASURED = {(16, 32, 1, 1): (159, 133, 1, 1), (16, 32, 2, 4): (233, 241, 2, 8),
            (64, 64, 4, 8): (551, 574, 8, 32)}


@pytest.mark.parametrize("size", MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(size):
    case, target = FixedCase(*size), TARGETS["xc7"]
    found, (lut, ff, bram, dsp) = case.estimate(case.stage(6), target), MEASURED[size]
    assert found.lut == pytest.approx(lut, rel=0.05)
    assert found.ff == pytest.approx(ff, rel=0.03)
    assert (found.bram, found.dsp) == (bram, dsp)


def test_blocks_take_in_an_adder_of_each_two_products_and_luts_none():
    target = TARGETS["xc7"]
    inside, later, outside = (
        fixed_parts(FixedCase(16, 32, 2, 4, **more).stage(6), target)
        for more in ({}, {"levels": 2}, {"multipliers": "luts"}))
    assert outside["wide_add"] - inside["wide_add"] == 2 * 2 * 17
    assert later["wide_add"] == inside["wide_add"]
    assert min(inside.values()) >= 0
