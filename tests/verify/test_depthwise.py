# amaranth: UnusedElaboratable=no
"""A separable convolution from torch to Verilog: depthwise, then pointwise, twice."""

import pytest
from cases.targets import ECP5
from torch import nn
from verify.exact import check_every_score

from hwgen.compress import (
    Flatten,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Sign,
)

pytestmark = pytest.mark.cosim


def separable():
    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True),
        QuantDepthwiseConv2d(4, 3, bits=5, padding=1), QuantReLU(bits=4),
        QuantConv2d(4, 6, 1, bits=5), QuantReLU(bits=4), nn.MaxPool2d(2),
        QuantDepthwiseConv2d(6, (2, 3), bits=4, multiplier=2, bias=False), Sign(),
        QuantDepthwiseConv2d(12, 1, bits=3), QuantReLU(bits=3),
        Flatten(), QuantLinear(12 * 2 * 2, 5, bits=6))


def test_every_score_is_torch_s_own(tmp_path):
    check_every_score(separable, (4, 6, 8), ECP5, tmp_path, name="separable", interval_cycles=1000,
                      seed=3, cores=[
                          "window", "depthwise", "window", "fixed", "pool", "window", "depthwise",
                          "threshold", "window", "depthwise", "fixed", "argmax"])
