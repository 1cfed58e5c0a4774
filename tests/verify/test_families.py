# amaranth: UnusedElaboratable=no
"""Every family of weights and activations, from torch to Verilog: each score is torch's own.

Several layers share a network, as each network is a Verilator build of its own.
"""

import numpy as np
import pytest
import torch
from cases.families import as_after_training, last, layers, sequential
from cases.targets import ECP5
from torch import nn

from hwgen.compress import (
    BatchNorm,
    BatchNorm2d,
    BinaryWeights,
    Flatten,
    IntegerConv2d,
    QuantInput,
    ResidualSign,
    Sign,
    StepActivation,
    TwnWeights,
    export,
    predict_integers,
)
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.plan.stages import BinaryStage
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim

FRAMES = 48


def first():
    """Signs of 8-bit inputs, then each kind of activation in front of another kind of weights."""
    return sequential(
        QuantInput(bits=8), layers("binary", "sign", 16, 12), layers("twn", "dorefa2", 12, 12),
        layers("ttq", "residual2", 12, 12), layers("dorefa2", "hwgq3", 12, 12),
        layers("bitwise", "bitwise", 12, 12), layers("alternating2", "lq2", 12, 12),
        last("abc3", 12, 6))


def second():
    """Weights of several bits meet 8-bit inputs, and sums of signs; scales of single outputs."""
    return sequential(
        QuantInput(bits=8), layers("wrpn3", "residual3", 12, 12), layers("lq3", "sign", 12, 12),
        layers("dorefa3", "horq2", 12, 12), layers("lq2-channel", "abc2", 12, 12),
        layers("xnor", "dorefa8", 12, 12), last("ttq", 12, 6))


def third():
    """A threshold on the input itself, and 8-bit inputs of ternary weights of both kinds."""
    return sequential(
        QuantInput(bits=8, signed=True), BatchNorm(12), StepActivation.dorefa(8),
        layers("ttq", "dorefa2", 12, 12), layers("wrpn4", "hwgq3", 12, 12),
        layers("linear3", "lq3-signs", 12, 12), layers("alternating2-channel", "sign", 12, 12),
        layers("wrpn2", "dorefa2", 12, 8), last("ternary", 8, 6))


def convolution():
    """The block order of XNOR-Net: a max pool of sums in front of batch norm and activation.

    The first window is dilated, and neither square nor padded alike.
    """
    return sequential(
        QuantInput(bits=8), IntegerConv2d(2, 4, (3, 2), BinaryWeights(), dilation=(2, 3),
                                          padding=(2, 1), pad_value=200),
        nn.MaxPool2d((2, 1)), BatchNorm2d(4), ResidualSign(4),
        IntegerConv2d(4, 6, (2, 4), TwnWeights()),
        BatchNorm2d(6), Sign(), Flatten(), last("lq3", 24, 5))


NETWORKS = {
    "first": (first, (16,), 1), "second": (second, (12,), None), "third": (third, (12,), None),
    "convolution": (convolution, (2, 6, 6), 1),
}
"""Name -> module, shape of its input, pairs of planes side by side (None: all of them)."""

BEST = {"first": 1, "second": 2, "third": 1, "convolution": 3}
"""Classes that are sent, best first."""


def made(name, folder):
    """Inputs, torch's scores, the design and its artefact."""
    module, shape, planes = NETWORKS[name]
    torch.manual_seed(len(name))
    module = module()
    low = -128 if module[0].signed else 0
    x = np.random.default_rng(0).integers(low, low + 256, (FRAMES, *shape))
    x[0], x[1] = low, low + 255
    module = as_after_training(module, x, seed=len(name))
    network = export(module, x, name=name, k=BEST[name])
    pairs = {stage.name: planes or stage.plane_pairs for stage in plan(network, ECP5).stages
             if isinstance(stage, BinaryStage)}
    design = plan(network, ECP5, interval_cycles=500,
                  cores={node: {"planes": count} for node, count in pairs.items()})
    x_map = np.moveaxis(x, 1, -1) if len(shape) > 1 else x
    return x_map, predict_integers(module, x), design, write_artefact(design, folder / name)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_score_is_torch_s_own(name, tmp_path):
    x, scores, design, folder = made(name, tmp_path)
    assert len(np.unique(scores, axis=0)) > FRAMES / 2
    serial = [stage.is_serial for stage in design.stages
              if isinstance(stage, BinaryStage) and stage.plane_pairs > 1]
    assert len(serial) >= 2
    assert set(serial) == {NETWORKS[name][2] == 1}
    best = np.argsort(-scores, axis=1, kind="stable")[:, :BEST[name]]
    for seed, stalls in enumerate(("none", "random", "both")):
        result = simulate(folder, x, bench="compiled", stalls=stalls, seed=seed)
        assert np.array_equal(result.scores, scores)
        assert (result.compared, result.mismatched) == (scores.size + BEST[name] * len(x), 0)
        assert np.array_equal(result.classes.reshape(len(x), -1), best)
    if name == "convolution":
        result = simulate(folder, x, bench="cocotb", stalls="random", seed=1)
        assert np.array_equal(result.scores, scores)
        assert (result.compared, result.mismatched) == (scores.size + BEST[name] * len(x), 0)
        assert np.array_equal(result.classes.reshape(len(x), -1), best)


def test_a_threshold_without_a_matrix_is_in_these_networks(tmp_path):
    for name, where in (("third", 0), ("convolution", 3)):
        module, shape, _ = NETWORKS[name]
        network = export(as_after_training(module()), np.zeros((1, *shape), int))
        assert plan(network, ECP5).stages[where].core == "threshold"
