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
    """A padded pool of maxima behind a convolution, then one of averages, both of 3 x 3."""

    def __init__(self):
        super().__init__()
        self.read = QuantInput(bits=5, signed=True)
        self.conv, self.fc = nn.Conv2d(2, 3, 3), nn.Linear(3 * 2 * 2, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(self.read(x))), 3, 2, 1)
        return self.fc(F.avg_pool2d(x, 3, (1, 2)).flatten(1))


def pooled():
    x = torch.from_numpy(np.random.default_rng(0).integers(-16, 16, (16, 2, 9, 11))).float()
    return quantise(Net(), x, weight_bits=5, activation_bits=5)


@pytest.mark.parametrize(("interval", "first"), [
    (600, ["window", "fixed", "window", "window-max"]),
    (100, ["window_wide", "fixed-unrolled", "window_wide", "window-max-wide"])])
def test_every_score_is_torch_s_own(tmp_path, interval, first):
    check_every_score(pooled, (2, 9, 11), ECP5, tmp_path, name="pooled", seed=5,
                      interval_cycles=interval, cores=[
                          *first, "window", "window-sum", "requantise", "fixed", "argmax"])
