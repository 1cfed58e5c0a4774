# amaranth: UnusedElaboratable=no
"""A separable convolution from torch to Verilog: depthwise, then pointwise, twice."""

import numpy as np
import pytest
import torch
from cases.targets import ECP5
from torch import nn

from hwgen.compress import (
    Flatten,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Sign,
    calibrate,
    export,
    predict_integers,
)
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim

FRAMES = 16


def separable():
    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True),
        QuantDepthwiseConv2d(4, 3, bits=5, padding=1), QuantReLU(bits=4),
        QuantConv2d(4, 6, 1, bits=5), QuantReLU(bits=4), nn.MaxPool2d(2),
        QuantDepthwiseConv2d(6, (2, 3), bits=4, multiplier=2, bias=False), Sign(),
        QuantDepthwiseConv2d(12, 1, bits=3), QuantReLU(bits=3),
        Flatten(), QuantLinear(12 * 2 * 2, 5, bits=6))


def test_every_score_is_torch_s_own(tmp_path):
    torch.manual_seed(3)
    module = separable().eval()
    x = np.random.default_rng(0).integers(-16, 16, (FRAMES, 4, 6, 8))
    x[0], x[1] = -16, 15
    calibrate(module, torch.from_numpy(x).float())
    scores = predict_integers(module, x)
    assert len(np.unique(scores, axis=0)) > FRAMES / 2
    network, pixels = export(module, x, name="separable"), np.moveaxis(x, 1, -1)
    design = plan(network, ECP5, interval_cycles=1000)
    assert [stage.core for stage in design.stages] == [
        "window", "depthwise", "window", "fixed", "pool", "window", "depthwise", "threshold",
        "window", "depthwise", "fixed", "argmax"]
    folder = write_artefact(design, tmp_path / "separable")
    for bench, stalls in (("compiled", "none"), ("compiled", "both"), ("cocotb", "random")):
        result = simulate(folder, pixels, bench=bench, stalls=stalls, seed=1)
        assert np.array_equal(result.scores, scores)
        assert (result.compared, result.mismatched) == (scores.size + FRAMES, 0)
        if stalls == "none":
            assert result.interval_cycles == design.interval_cycles
            assert result.latency_cycles == design.latency_cycles
