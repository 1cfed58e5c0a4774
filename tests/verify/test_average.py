# amaranth: UnusedElaboratable=no
"""Average pools from torch to Verilog: of squares, of windows that overlap, of the whole map."""

import numpy as np
import pytest
import torch
from cases.targets import ECP5
from torch import nn

from hwgen.compress import (
    Flatten,
    QuantAvgPool2d,
    QuantConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    calibrate,
    export,
    predict_integers,
)
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim

FRAMES = 16


def averages():
    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True), QuantAvgPool2d((2, 1), bits=5, signed=True),
        QuantConv2d(2, 4, 3, bits=5), QuantReLU(bits=5), QuantAvgPool2d(2, stride=1, bits=5),
        QuantConv2d(4, 6, 1, bits=4), QuantReLU(bits=5), QuantAvgPool2d(None, bits=6),
        Flatten(), QuantLinear(6, 5, bits=6))


def test_every_score_is_torch_s_own(tmp_path):
    torch.manual_seed(5)
    module = averages().eval()
    x = np.random.default_rng(0).integers(-16, 16, (FRAMES, 2, 12, 8))
    x[0], x[1] = -16, 15
    calibrate(module, torch.from_numpy(x).float())
    scores = predict_integers(module, x)
    assert len(np.unique(scores, axis=0)) > FRAMES / 2
    network, pixels = export(module, x, name="averages"), np.moveaxis(x, 1, -1)
    design = plan(network, ECP5, interval_cycles=600)
    assert [stage.core for stage in design.stages] == [
        "sum-pool", "requantise", "window", "fixed", "window", "depthwise", "window", "fixed",
        "sum-pool", "requantise", "fixed", "argmax"]
    folder = write_artefact(design, tmp_path / "averages")
    for bench, stalls in (("compiled", "none"), ("compiled", "both"), ("cocotb", "random")):
        result = simulate(folder, pixels, bench=bench, stalls=stalls, seed=1)
        assert np.array_equal(result.scores, scores)
        assert (result.compared, result.mismatched) == (scores.size + FRAMES, 0)
        if stalls == "none":
            assert result.interval_cycles == design.interval_cycles
            assert result.latency_cycles == design.latency_cycles
