# amaranth: UnusedElaboratable=no
"""Networks without multipliers, and with one for each centroid, from torch to Verilog."""

import numpy as np
import pytest
import torch
from cases.families import as_after_training, last, layers, sequential
from cases.targets import ECP5

from hwgen.compress import QuantInput, export, predict_integers
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim

FRAMES = 32


def powers():
    """INQ's weights behind pixels, signs and activations of a few bits."""
    return sequential(QuantInput(bits=8), layers("power4", "sign", 16, 12),
                      layers("power4", "dorefa2", 12, 12), last("power4", 12, 6))


def logarithms():
    """ShiftCNN's sums of two powers; LogNet's sums of exponents."""
    return sequential(QuantInput(bits=8, signed=True), layers("shift-sum2", "log2", 16, 12),
                      layers("power4", "log2", 12, 12), last("shift-sum2", 12, 6))


def shared():
    """Centroids behind pixels, signs and activations of a few bits."""
    return sequential(QuantInput(bits=8), layers("shared3", "dorefa2", 16, 12),
                      layers("shared3", "sign", 12, 12), last("shared3", 12, 6))


@pytest.mark.parametrize(("make", "core"), [
    (powers, "shift"), (logarithms, "shift"), (shared, "codebook")],
    ids=["powers", "logarithms", "shared"])
def test_every_score_is_torch_s_own(make, core, tmp_path):
    torch.manual_seed(3)
    module = make()
    low = -128 if module[0].signed else 0
    x = np.random.default_rng(0).integers(low, low + 256, (FRAMES, 16))
    x[0], x[1] = low, low + 255
    module = as_after_training(module, x)
    scores = predict_integers(module, x)
    assert len(np.unique(scores, axis=0)) > FRAMES / 2
    design = plan(export(module, x, name=make.__name__), ECP5, interval_cycles=96)
    assert [stage.core for stage in design.stages] == [core, "threshold"] * 2 + [core, "argmax"]
    folder = write_artefact(design, tmp_path / make.__name__)
    for bench, stalls in (("compiled", "none"), ("compiled", "both"), ("cocotb", "random")):
        result = simulate(folder, x, bench=bench, stalls=stalls, seed=1)
        assert np.array_equal(result.scores, scores)
        assert (result.compared, result.mismatched) == (scores.size + len(x), 0)
