# amaranth: UnusedElaboratable=no
"""Average pools from torch to Verilog: of squares, of windows that overlap, of the whole map."""

import pytest
from cases.targets import ECP5
from torch import nn
from verify.exact import check_every_score

from hwgen.compress import (
    Flatten,
    QuantAvgPool2d,
    QuantConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
)

pytestmark = pytest.mark.cosim


def averages():
    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True), QuantAvgPool2d((2, 1), bits=5, signed=True),
        QuantConv2d(2, 4, 3, bits=5), QuantReLU(bits=5), QuantAvgPool2d(2, stride=1, bits=5),
        QuantConv2d(4, 6, 1, bits=4), QuantReLU(bits=5), QuantAvgPool2d(None, bits=6),
        Flatten(), QuantLinear(6, 5, bits=6))


def test_every_score_is_torch_s_own(tmp_path):
    check_every_score(averages, (2, 12, 8), ECP5, tmp_path, name="averages", interval_cycles=600,
                      seed=5, cores=[
                          "sum-pool", "requantise", "window", "fixed", "window", "window-sum",
                          "requantise", "window", "fixed", "sum-pool", "requantise", "fixed",
                          "argmax"])
