"""Cells of the binarised core on a Gowin, against what synthesis counted for a GW2A-55."""

from dataclasses import replace

import pytest

from hwgen.bench.binary_parts.works import binary_mlp, folded
from hwgen.bench.cost_parts.sweep import CASES
from hwgen.bench.frame.devices import Z020, xilinx_target

GOWIN = replace(xilinx_target(Z020, 100_000_000), family="gowin")

# What yosys 0.69 counts: LUT, FF, block RAM.
MEASURED = {
    "1-1-1 64 to 16 pe 1 simd 8 levels 1": (240, 135, 0),
    "1-1-scores 64 to 10 pe 10 simd 8 levels 1": (549, 385, 0),
    "1-1-1 512 to 64 pe 4 simd 32 levels 1": (706, 600, 4),
    "1-1-scores 256 to 10 pe 2 simd 32 levels 1": (443, 347, 2),
    "t-1-1 256 to 32 pe 4 simd 32 levels 1": (679, 690, 8),
    "s2-u2-u2 128 to 32 pe 4 simd 32 levels 1": (847, 776, 4),
    "1-u2-u2 128 to 32 pe 4 simd 32 levels 1": (1166, 865, 0),
    "1-1-1 128 to 16 pe 16 simd 8 levels 1": (834, 627, 0),
    "1-1-1 256 to 128 pe 2 simd 128 levels 1": (945, 1178, 9),
    "s2-u2-u2 128 to 32 pe 4 simd 16 side levels 1": (1129, 1166, 4),
    "t-1-scores 128 to 10 pe 2 simd 32 levels 1": (737, 533, 0),
    "r2-r2-r2 128 to 32 pe 4 simd 16 levels 1": (990, 837, 2),
    "1-u2-u2 128 to 32 pe 4 simd 32 side levels 1": (1414, 1190, 0),
    "1-1-1 784 to 64 pe 8 simd 49 levels 1": (1302, 1432, 13),
    "1-1-1 512 to 64 pe 4 simd 32 levels 2": (734, 446, 4),
    "1-1-1 256 to 32 pe 16 simd 16 levels 1": (1790, 1171, 0),
}


@pytest.mark.parametrize("text", MEASURED)
def test_estimate_is_close_to_what_synthesis_counts(text):
    case, (lut, ff, bram) = next(each for each in CASES if str(each) == text), MEASURED[text]
    found = case.stage(4).estimate(GOWIN)
    assert found.lut == pytest.approx(lut, rel=0.15)
    assert found.ff == pytest.approx(ff, rel=0.12)
    assert (found.bram, found.dsp) == (bram, 0)


def test_a_larger_layer_that_no_constant_was_fitted_to():
    """That of `hwgen bench binary --part lut-per-xnor`."""
    network = binary_mlp((512, 256, 2), seed=1, name="xnor")
    stage = folded(network, GOWIN, [(16, 64), (1, 256)], clk_hz=100_000_000).stages[0]
    found = stage.estimate(GOWIN)
    assert found.lut == pytest.approx(2924, rel=0.1)
    assert found.ff == pytest.approx(3434, rel=0.1)
