# amaranth: UnusedElaboratable=no
"""The step 'integer-only' down to Verilog: additions of two scales, pools of windows and maps."""

import numpy as np
import pytest
import torch
from cases.targets import ECP5
from torch import nn
from torch.nn import functional as F
from verify.exact import FRAMES, check_network

from hwgen.compress import Recipe, Split, compress
from hwgen.compress.methods import IntegerOnly

pytestmark = pytest.mark.cosim


class Residual(nn.Module):
    """A skip past one convolution, then one with a convolution on it."""

    def __init__(self):
        super().__init__()
        self.first, self.main = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.wide, self.skip = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 1, bias=False)
        self.last = nn.Linear(4, 5, bias=False)

    def forward(self, x):
        x = F.avg_pool2d(F.relu(self.first(x)), 2)
        x = F.relu(self.main(x) + x)
        x = F.relu(self.wide(x) + self.skip(x))
        return self.last(x.mean((2, 3)))


def test_every_score_is_torch_s_own(tmp_path):
    torch.manual_seed(7)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 32, (64, 2, 8, 8)), rng.integers(0, 5, 64)
    x = x * rng.integers(0, 9, (64, 2, 1, 1)) // 8       # bright and dark ones
    result = compress(Residual(), Recipe((IntegerOnly(weight_bits=5, activation_bits=8),),
                                         name="residual"), Split(x, y, x, y))
    images = x[:FRAMES]
    images[0], images[1] = 0, 31
    cores = [
        "window_wide", "fixed", "sum-pool", "requantise", "window", "fixed", "depthwise", "add",
        "requantise", "window", "fixed", "window", "fixed", "depthwise", "add", "depthwise",
        "sum-pool", "requantise", "fixed", "argmax"]
    check_network(result.network, result.module, images, ECP5, tmp_path, interval_cycles=400,
                  cores=cores)
