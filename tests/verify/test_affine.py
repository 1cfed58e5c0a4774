# amaranth: UnusedElaboratable=no
"""Integer-only affine networks from torch to Verilog: a block of MobileNet's, every zero point."""

import pytest
from cases.targets import ECP5
from torch import nn
from verify.exact import check_every_score

from hwgen.compress import (
    Flatten,
    QuantAvgPool2d,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantRescale,
)

pytestmark = pytest.mark.cosim


class Inverted(nn.Module):
    """``rescaled(main(x) + x)``: depthwise between two of 1 x 1, a sum of affine values."""

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            QuantConv2d(4, 6, 1, bits=5),
            QuantRescale(6, (0.31, 0.7, 0.2, 0.55, 1.1, 0.9), frac=4, zero_point=9),
            QuantDepthwiseConv2d(6, 3, bits=5, padding=1, zero_point=13),
            QuantRescale(5, 3.1, frac=3, zero_point=14, high=1.6),
            QuantConv2d(6, 4, 1, bits=5), QuantRescale(6, 2.3, frac=4, signed=True, zero_point=-11))
        self.last = QuantRescale(6, 0.77, frac=3, zero_point=21, slope_shift=2)

    def forward(self, x):
        return self.last(self.main(x) + x)


def affine():
    return nn.Sequential(
        QuantInput(bits=5, frac=4, signed=True, zero_point=-3),
        QuantConv2d(2, 4, 3, bits=5, padding=1), QuantRescale(5, 1.4, frac=3, zero_point=13),
        Inverted(), QuantAvgPool2d(2, bits=6, zero_point=21), Flatten(),
        QuantLinear(4 * 4, 5, bits=6, zero_point=27), QuantRescale(7, 1.3, frac=4, zero_point=50))


def test_every_score_is_torch_s_own(tmp_path):
    check_every_score(affine, (2, 4, 4), ECP5, tmp_path, name="affine", interval_cycles=160,
                      seed=5, cores=[
                          *["window", "fixed"] * 2, "window", "depthwise", "window", "fixed", "add",
                          "depthwise", "sum-pool", "requantise", "fixed", "argmax"])
