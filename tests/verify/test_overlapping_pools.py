# amaranth: UnusedElaboratable=no
"""Pools whose windows overlap, from torch to Verilog: tap by tap, and whole windows."""

import numpy as np
import pytest
import torch
from cases.targets import ECP5
from torch import nn
from torch.nn import functional as F
from verify.exact import check_every_score

from hwgen.compress import QuantInput, quantise

pytestmark = pytest.mark.cosim


class Net(nn.Module):
    """A padded pool of maxima behind a convolution, one of 2 x 2, then one of averages."""

    def __init__(self):
        super().__init__()
        self.read = QuantInput(bits=5, signed=True)
        self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(2 * 2 * 2, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(self.read(x))), 3, 2, 1)
        return self.fc(F.avg_pool2d(F.max_pool2d(x, 2, 1), 2, 1).flatten(1))


def pooled():
    x = torch.from_numpy(np.random.default_rng(0).integers(-16, 16, (16, 1, 9, 9))).float()
    return quantise(Net(), x, weight_bits=5, activation_bits=5)


def test_every_score_is_torch_s_own(tmp_path):
    """A pixel a cycle: for that the first pool takes whole windows, the others tap after tap."""
    check_every_score(pooled, (1, 9, 9), ECP5, tmp_path, name="pooled", seed=5, interval_cycles=81,
                      cores=["window_wide", "fixed-unrolled", "window_wide", "window-max-wide",
                             "window", "window-max", "window", "window-sum", "requantise",
                             "fixed", "argmax"])
