"""The sparse stage's cells: estimated, and as synthesis counts them."""

import numpy as np
import pytest
from cases.sparse_stages import TARGETS, U6, draw, stage_of
from plan.synthesis import counted

from hwgen.ir import Requantise
from hwgen.numeric import Fixed

# What Yosys 0.69 counts, by `counted` of plan/synthesis.py: LUT equivalents on ECP5, logic cells on
# iCE40. `test_counts_are_those_of_synthesis` counts some of them again.
MEASURED = [  # n_out, n_in, pe, density, queue_depth, requantised: {family: lut, ff, bram, dsp}
    ((64, 64, 8, 0.15, 8, False),
     {"ecp5": (2941, 1014, 3, 8), "ice40": (6188, 2898, 21, 8)}),
    ((64, 64, 4, 0.15, 4, True),
     {"ecp5": (1239, 587, 6, 4), "ice40": (2273, 1238, 15, 4)}),
    ((10, 64, 2, 0.3, 8, False),
     {"ecp5": (867, 305, 1, 2), "ice40": (1825, 857, 6, 2)}),
    ((128, 256, 16, 0.1, 8, True),
     {"ecp5": (4731, 2165, 21, 16), "ice40": (10838, 5804, 59, 16)}),
    ((256, 128, 8, 0.1, 4, False),
     {"ecp5": (3058, 960, 11, 8), "ice40": (4760, 2444, 39, 8)}),
]


def measured_stage(n_out, n_in, pe, density, depth, requantised):
    weights, bias = draw(0, n_out, n_in, density)
    post = Requantise("act", ("fc",), np.array([7]), 9, "half_up", U6) if requantised else None
    return stage_of(weights, pe, depth, bias=bias, post=post)


@pytest.mark.synth
@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_counts_are_those_of_synthesis(family, tmp_path):
    case, cells = MEASURED[2]
    found = counted(measured_stage(*case), family, tmp_path)
    assert (found.lut, found.ff, found.bram, found.dsp) == cells[family]


@pytest.mark.parametrize(("case", "family", "cells"), [
    (case, family, found) for case, cells in MEASURED for family, found in cells.items()], ids=str)
def test_estimate_is_close_to_what_synthesis_counts(case, family, cells):
    stage = measured_stage(*case)
    estimate, (lut, ff, bram, dsp) = stage.estimate(TARGETS[family]), cells
    assert 0.9 * lut <= estimate.lut <= 1.15 * lut
    assert 0.9 * ff <= estimate.ff <= 1.15 * ff
    assert (estimate.bram, estimate.dsp) == (bram, dsp)


def test_narrow_products_and_small_banks_take_no_blocks():
    stage = stage_of(np.ones((2, 2), int), 2, fmt=Fixed(2), x=Fixed(2, 0, False))
    cells = stage.estimate(TARGETS["ice40"])
    assert (cells.bram, cells.dsp) == (0, 0)
