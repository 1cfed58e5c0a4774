"""Integers that stand for 0 without being 0: folded into what follows, or taken off."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BatchNorm2d,
    BinaryLinear,
    ExportError,
    Flatten,
    QuantActivation,
    QuantAvgPool2d,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    QuantRescale,
    QuantTanh,
    Sign,
    StepActivation,
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
    # The side with little room decides.
    layer = QuantActivation(8, signed=False, zero_point=3)
    layer.calibrate(torch.linspace(-1.4, 1.4, 50))
    assert int(layer.frac) == 1


def check(module, x, *, argmax=True):
    """Network of ``module`` once its scores are torch's own."""
    network = export(calibrate(module, x), x[:1], argmax=argmax)
    found = golden.run(network, x if x.ndim == 2 else np.moveaxis(x, 1, -1))[network.scores]
    assert np.array_equal(found, predict_integers(module, x))
    assert len(np.unique(found.reshape(len(x), -1), axis=0)) > len(x) / 4
    return network


@pytest.mark.parametrize("layer", [
    QuantReLU(bits=4), QuantActivation(4, slope_shift=1, rounding="half_even"),
    QuantActivation(5, zero_point=-4),
    QuantRescale(5, (0.3, 0.8), frac=3, signed=True, zero_point=2),
    QuantRescale(6, 0.7, frac=4, rounding="half_away", slope_shift=2, signed=True),
    QuantTanh(5, frac=4, in_bits=5, in_frac=2), QuantTanh(5, frac=4, in_bits=6, in_frac=4),
    QuantAvgPool2d((2, 1), bits=6, signed=True), QuantAvgPool2d(2, stride=1, bits=6, signed=True),
    nn.MaxPool2d(1), Sign(), StepActivation(2, 0.4)], ids=str)
def test_layers_that_continue_behind_it(rng, layer):
    x = rng.integers(0, 32, (60, 2, 2, 2))
    x[0], x[1], x[2] = 0, 31, 13
    head = [QuantInput(bits=5, frac=4, zero_point=13), nn.MaxPool2d(1), layer, Flatten()]
    n = nn.Sequential(*head)(torch.zeros(1, 2, 2, 2)).shape[1]
    check(nn.Sequential(*head, BinaryLinear(n, 3)), x)


def test_signs_behind_a_batch_norm(rng):
    norm = BatchNorm2d(2).eval()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.7, -1.1]))
        norm.running_mean.copy_(torch.tensor([0.2, -0.3]))
    check(nn.Sequential(QuantInput(bits=5, frac=4, zero_point=13), norm, Sign(), Flatten(),
                        BinaryLinear(8, 4)), rng.integers(0, 32, (40, 2, 2, 2)))


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (None, None)], ids=str)
def test_average_pools_that_keep_the_zero_point(rng, size, stride):
    """As TFLite has them: the integers are averaged, ties away from the integer 0."""
    pool = QuantAvgPool2d(size, stride=stride, bits=6, signed=True, zero_point=-9)
    module = nn.Sequential(QuantInput(bits=6, frac=2, signed=True, zero_point=-9), pool)
    x = rng.integers(-32, 32, (40, 3, 4, 4))
    x[0], x[1] = -32, 31
    network = check(module, x, argmax=False)
    assert int(pool.frac) == 2
    kh = size or 4
    starts = range(0, 4 - kh + 1, stride or kh)
    scores = golden.run(network, np.moveaxis(x, 1, -1))[network.scores]
    for i, (down, across) in enumerate((d, a) for d in starts for a in starts):
        sums = x[:, :, down:down + kh, across:across + kh].sum(axis=(2, 3))
        wanted = np.sign(sums) * ((2 * np.abs(sums) + kh * kh) // (2 * kh * kh))
        place = divmod(i, len(starts))
        assert np.array_equal(scores[:, place[0], place[1]], wanted + 9)


def test_zero_points_and_steps_of_average_pools():
    module = nn.Sequential(QuantInput(bits=6, zero_point=9),
                           QuantAvgPool2d(2, bits=6, zero_point=8))
    with pytest.raises(ExportError) as caught:
        export(module, np.zeros((1, 1, 2, 2), int), argmax=False)
    assert list(caught.value.faults) == [
        "module '1': zero_point must be 9, that of its input, not 8"]
    with refused(SpecError, "frac must be in_frac = 2 beside a zero_point, not 3: run"
                            " hwgen.compress.calibrate before training"):
        QuantAvgPool2d(2, bits=6, zero_point=8, frac=3, in_frac=2)(torch.zeros(1, 1, 2, 2))
    with refused(SpecError, "QuantAvgPool2d: zero_point must be in -8..7, not 8"):
        QuantAvgPool2d(2, bits=4, signed=True, zero_point=8)


class Residual(nn.Module):
    """Affine: ``last(main(x) + x)``, each value with a zero point of its own."""

    def __init__(self, *tail, main=None):
        super().__init__()
        self.first = QuantInput(bits=6, frac=3, zero_point=21)
        self.main = main or nn.Sequential(
            QuantLinear(6, 6, bits=5), QuantActivation(5, frac=4, signed=False, zero_point=14))
        self.tail = nn.Sequential(*tail or [nn.Identity()])

    def forward(self, x):
        x = self.first(x)
        return self.tail(self.main(x) + x)


@pytest.mark.parametrize("tail", [
    [], [QuantActivation(6, zero_point=5)], [QuantReLU(bits=5), QuantLinear(6, 3, bits=4)],
    [QuantRescale(6, 0.4, frac=2, signed=False, zero_point=30), QuantLinear(6, 3, bits=4)],
    [QuantLinear(6, 3, bits=4), QuantActivation(4, zero_point=-2)]], ids=len)
def test_sums_of_affine_values(rng, tail):
    torch.manual_seed(3)
    x = rng.integers(0, 64, (60, 6))
    x[0], x[1], x[2] = 0, 63, 21
    check(Residual(*tail), x)


def test_a_sum_of_the_same_value_and_a_convolution_of_sums(rng):
    conv = QuantConv2d(3, 3, 3, bits=4, padding=1)
    same = Residual(QuantDepthwiseConv2d(3, 3, bits=4, padding=1), Flatten(),
                    main=nn.Sequential(conv, QuantActivation(6, signed=False, zero_point=40)))
    x = rng.integers(0, 64, (30, 3, 4, 4))
    network = check(same, x)
    window = network.node("tail_0_window")
    shifts = network.node("add").shifts
    assert window.pad_value == (40 << shifts[0]) + (21 << shifts[1])


def test_the_zero_point_of_scores_costs_nothing(rng):
    """Left out of the last Requantise, whose format then holds what torch returns."""
    x = rng.integers(0, 16, (40, 4))
    module = nn.Sequential(QuantInput(bits=4), QuantLinear(4, 5, bits=4),
                           QuantActivation(4, signed=False, zero_point=5, high=0.9))
    network = check(module, x)
    assert [type(node).__name__ for node in network.nodes] == ["Input", "MatVec", "Requantise",
                                                               "Argmax"]
    node = network.node("layer2")
    assert (node.zero_point, node.least, node.most) == (0, -5, module[2].bounds[1] - 5)


def test_zero_points_that_no_code_is_are_refused():
    with refused(SpecError, "QuantActivation: zero_point must be in -8..7, not 8"):
        QuantActivation(4, zero_point=8)
    with refused(SpecError, "QuantInput: zero_point must be in 0..15, not -1"):
        QuantInput(bits=4, zero_point=-1)
