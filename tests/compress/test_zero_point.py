"""Integers that stand for 0 without being 0: folded into biases and padding, or refused."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BinaryLinear,
    ExportError,
    Flatten,
    QuantActivation,
    QuantAdd,
    QuantAvgPool2d,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    calibrate,
    export,
    predict_integers,
)
from hwgen.numeric import SpecError


def affine(bias):
    """Zero points of an input, signed and unsigned activations, in front of every matrix layer."""
    torch.manual_seed(4)
    return nn.Sequential(
        QuantInput(bits=6, frac=3, zero_point=23),
        QuantConv2d(2, 4, 3, padding=1, bits=5, bias=bias),
        QuantActivation(6, signed=False, zero_point=11),
        nn.MaxPool2d(2),
        QuantDepthwiseConv2d(4, 2, bits=5, bias=bias, padding=1),
        QuantActivation(5, zero_point=-3, slope_shift=1, low=-0.4, high=0.9),
        Flatten(),
        QuantLinear(4 * 3 * 3, 5, bits=6, bias=bias),
        QuantActivation(7, signed=False, zero_point=50),
        BinaryLinear(5, 3))


@pytest.mark.parametrize("bias", [True, False])
def test_torch_and_golden_agree(rng, bias):
    module = affine(bias)
    with torch.no_grad():
        for layer in module:
            if getattr(layer, "bias", None) is not None:
                layer.bias.uniform_(-0.5, 0.5)
    x = rng.integers(0, 64, (60, 2, 4, 4))
    x[0], x[1], x[2] = 0, 63, 23
    calibrate(module, x)
    network = export(module, x[:1], name="affine")
    edges = golden.run(network, np.moveaxis(x, 1, -1))
    scores = edges[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    assert len(np.unique(scores, axis=0)) > 20
    assert (network.node("layer1_window").pad_value, network.node("layer4_window").pad_value) == (
        23, 11)
    assert [network.node(name).zero_point for name in ("layer2", "layer5", "layer8")] == [
        11, -3, 50]
    least, most = module[5].bounds
    assert least <= edges["layer5"].min() <= edges["layer5"].max() <= most


def test_values_reach_below_zero_without_a_sign():
    layer = QuantActivation(4, signed=False, frac=2, zero_point=5)
    with torch.no_grad():
        found = layer(torch.tensor([-9.0, -1.25, -0.1, 0.0, 0.4, 9.0]))
    assert found.tolist() == [-1.25, -1.25, 0.0, 0.0, 0.5, 2.5]
    layer.calibrate(torch.linspace(-0.6, 1.2, 50))
    assert int(layer.frac) == 3


@pytest.mark.parametrize("layer", [
    QuantReLU(bits=4), QuantActivation(4), QuantAvgPool2d(2, bits=4)])
def test_what_is_no_matrix_is_refused_behind_it(layer):
    module = nn.Sequential(QuantInput(bits=4, zero_point=3), layer, Flatten(),
                           QuantLinear(4, 2, bits=4))
    with pytest.raises(ExportError) as caught:
        export(module, np.zeros((1, 4, 2, 2), int))
    assert caught.value.faults[0] == (
        "module '1': input must be integers of which 0 stands for 0, not 3: put a QuantLinear or"
        " QuantConv2d between, or leave zero_point at 0")


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.add = QuantInput(bits=4, zero_point=3), QuantAdd()

    def forward(self, x):
        x = self.first(x)
        return self.add(x, x)


def test_sums_and_results_are_refused():
    with pytest.raises(ExportError, match="module 'add': input must be integers of which 0 stands"):
        export(Sum(), np.zeros((1, 4), int))
    module = nn.Sequential(QuantInput(bits=4), QuantLinear(4, 2, bits=4),
                           QuantActivation(4, zero_point=-2))
    with pytest.raises(ExportError) as caught:
        export(module, np.zeros((1, 4), int))
    assert list(caught.value.faults) == [
        "result: must be integers of which 0 stands for 0, not -2: leave zero_point of the last"
        " activation at 0"]


def test_zero_points_that_no_code_is_are_refused():
    with refused(SpecError, "QuantActivation: zero_point must be in -8..7, not 8"):
        QuantActivation(4, zero_point=8)
    with refused(SpecError, "QuantInput: zero_point must be in 0..15, not -1"):
        QuantInput(bits=4, zero_point=-1)
