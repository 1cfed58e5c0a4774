"""Average pools: against fractions, torch's gradient, the export against golden, refusals."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BatchNorm2d,
    ExportError,
    Flatten,
    QuantAvgPool2d,
    QuantConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Sign,
    calibrate,
    export,
    predict_integers,
)
from hwgen.numeric import SpecError


def slow(layer, x):
    """Averages of integers of ``in_frac`` fraction bits (c, h, w), by fractions: (c, oh, ow)."""
    size = layer.size or x.shape[1:]
    stride = layer.stride or size
    fmt, found = layer.format, []
    for channel in x.tolist():
        for y0 in range(0, x.shape[1] - size[0] + 1, stride[0]):
            for x0 in range(0, x.shape[2] - size[1] + 1, stride[1]):
                total = sum(sum(row[x0:x0 + size[1]]) for row in channel[y0:y0 + size[0]])
                mean = Fraction(total, size[0] * size[1]) * Fraction(2) ** (
                    int(layer.frac) - int(layer.in_frac))
                rounded = math.floor(abs(mean) + Fraction(1, 2)) * (-1 if mean < 0 else 1)
                found.append(min(max(rounded, fmt.min), fmt.max))
    return found


SIZES = [(2, None), (3, None), ((2, 3), (3, 3)), (None, None), (3, 1), ((1, 2), (2, 1)), (1, None)]
FRACS = [(0, 0), (2, 2), (3, 1), (1, 4), (-1, 2)]


@pytest.mark.parametrize("frac", FRACS, ids=str)
@pytest.mark.parametrize(("size", "stride"), SIZES, ids=str)
@pytest.mark.parametrize("signed", [False, True])
def test_torch_and_golden_give_the_correctly_rounded_average(rng, size, stride, frac, signed):
    layer = QuantAvgPool2d(size, stride=stride, bits=5, frac=frac[0], in_frac=frac[1],
                           signed=signed)
    module = nn.Sequential(QuantInput(bits=5, frac=frac[1], signed=True), layer)
    x = rng.integers(-16, 16, (12, 2, 6, 7))
    x[0], x[1] = -16, 15
    expected = [slow(layer, image) for image in x]
    scores = predict_integers(module, x)
    assert np.moveaxis(scores, -1, 1).reshape(len(x), -1).tolist() == expected
    network = export(module, x[:1], argmax=False)
    assert np.array_equal(golden.run(network, np.moveaxis(x, 1, -1))[network.scores], scores)
    assert network.nodes[-1].rounding == "half_away"
    assert [node.kind for node in network.nodes[1:]] == ["sum_pool", "requantise"]


def test_the_gradient_is_that_of_the_average():
    torch.manual_seed(0)
    layer = QuantAvgPool2d((2, 3), bits=8, frac=5, in_frac=5, signed=True)
    x = (torch.randint(-32, 32, (2, 3, 4, 6)) / 32).double().requires_grad_()
    gradient = torch.randn(2, 3, 2, 2).double()
    found, = torch.autograd.grad(layer(x), x, gradient)
    expected, = torch.autograd.grad(nn.AvgPool2d((2, 3))(x), x, gradient)
    assert torch.allclose(found, expected)
    clipped = QuantAvgPool2d(None, bits=2, frac=0)
    beyond = torch.full((1, 1, 2, 2), 9.0, requires_grad=True)
    assert clipped(beyond).item() == 3
    clipped(beyond).backward()
    assert beyond.grad.abs().sum() == 0


@pytest.mark.parametrize(("size", "stride", "n"), [(None, None, 3), (2, 1, 18)])
def test_an_average_of_signs_goes_through_windows(size, stride, n):
    torch.manual_seed(1)
    module = nn.Sequential(
        QuantInput(bits=4), QuantConv2d(2, 3, 3, bits=4), BatchNorm2d(3), Sign(),
        QuantAvgPool2d(size, stride=stride, bits=4, frac=2, signed=True), Flatten(),
        QuantLinear(n, 4, bits=4))
    x = np.random.default_rng(1).integers(0, 16, (20, 2, 5, 6))
    module[2].running_var.fill_(50.0)
    calibrate(module.eval(), torch.from_numpy(x).float())
    network = export(module, x[:1])
    assert network.node("layer4_sum").weights.kind == "per-channel"
    assert np.array_equal(golden.run(network, np.moveaxis(x, 1, -1))[network.scores],
                          predict_integers(module, x))


def test_calibrate_gives_the_input_s_fraction_and_one_for_the_averages():
    module = nn.Sequential(QuantInput(bits=8), QuantAvgPool2d(2, bits=4),
                           QuantReLU(bits=4), QuantAvgPool2d(None, bits=6), Flatten(),
                           QuantLinear(1, 2, bits=4))
    x = torch.full((2, 1, 4, 4), 200)
    calibrate(module, x, rule="ristretto")
    assert (int(module[1].in_frac), int(module[1].frac)) == (0, -4)
    assert int(module[3].in_frac) == int(module[2].frac)
    assert int(module[5].in_frac) == int(module[3].frac)


SAMPLE = np.zeros((1, 2, 4, 5), int)


@pytest.mark.parametrize(("layers", "message"), [
    ([QuantAvgPool2d(5, bits=4)],
     "module '1': size must be at most the map, 4 x 5, not (5, 5)"),
    ([QuantAvgPool2d(2, bits=4, in_frac=3)],
     "module '1': in_frac must be 0, the fraction bits of its input, not 3: run"
     " hwgen.compress.calibrate before training"),
    ([Flatten(), QuantAvgPool2d(2, bits=4)],
     "module '2': input must be maps (batch, c, h, w), not vectors of 40"),
    ([QuantAvgPool2d(3, bits=4, frac=50)],
     f"module '1': product must stay below 2**61, not reach {135 * -(-2**61 // 9) + 2**11}"),
    ([QuantAvgPool2d(3, bits=4, frac=-58)],
     f"module '1': division of values up to 135 by {9 << 58} / 1 must need a shift of at most 60,"
     f" which it does not"),
])
def test_export_refuses(layers, message):
    with pytest.raises(ExportError) as caught:
        export(nn.Sequential(QuantInput(bits=4), *layers), SAMPLE, argmax=False)
    assert caught.value.faults[0] == message


def test_constructors_refuse():
    with refused(SpecError, "QuantAvgPool2d: size must be an int or two, not (1, 2, 3)"):
        QuantAvgPool2d((1, 2, 3), bits=4)
    with refused(SpecError, "QuantAvgPool2d: stride must be at least 1, not 0"):
        QuantAvgPool2d(2, stride=0, bits=4)
    with refused(SpecError, "QuantAvgPool2d: bits must be in 1..16, not 17"):
        QuantAvgPool2d(2, bits=17)
