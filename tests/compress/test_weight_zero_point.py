"""Affine weights, ``q - z``: exact products whatever the zero points of both sides."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
from hwgen.compress import (
    DynamicQuantLinear,
    Flatten,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantRescale,
    calibrate,
    export,
    predict_integers,
)
from hwgen.numeric import Fixed, SpecError


@pytest.mark.parametrize(("zero_point", "fmt"), [
    (0, Fixed(4, 0, False)), (3, Fixed(5)), (8, Fixed(4)), (7, Fixed(5)), (15, Fixed(5))], ids=str)
def test_products_are_those_of_codes_less_their_zero_points(rng, zero_point, fmt):
    """``sum((w - z_w) (x - z_x)) = w @ x - z_w sum(x) - z_x sum(w) + n z_w z_x`` (eq. 7)."""
    codes = rng.integers(0, 16, (3, 6))
    layer = QuantLinear(6, 3, bits=4, bias=False, zero_point=zero_point)
    layer.frac.fill_(0)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(codes - zero_point))
    module = nn.Sequential(QuantInput(bits=5, zero_point=11), layer)
    x = rng.integers(0, 32, (40, 6))
    network = export(module, x[:1], argmax=False)
    scores = golden.run(network, x)[network.scores]
    wanted = (x @ codes.T - zero_point * x.sum(axis=1)[:, None] - 11 * codes.sum(axis=1)
              + 6 * zero_point * 11)
    assert np.array_equal(scores, wanted)
    assert np.array_equal(scores, predict_integers(module, x))
    assert network.node("layer1").weights.format == fmt


def test_every_matrix_layer_takes_them(rng):
    torch.manual_seed(2)
    module = nn.Sequential(
        QuantInput(bits=6, frac=3, zero_point=23),
        QuantConv2d(2, 4, 3, padding=1, bits=5, zero_point=3),
        QuantRescale(6, 0.9, frac=3, zero_point=11),
        QuantDepthwiseConv2d(4, 2, bits=5, padding=1, zero_point=20),
        QuantRescale(5, 1.1, frac=3, signed=True, zero_point=-3), Flatten(),
        DynamicQuantLinear(4 * 5 * 5, 6, groups=3, bits=6, zero_point=40),
        QuantRescale(6, 2.5, frac=3, signed=True), QuantLinear(6, 3, bits=5, zero_point=15))
    with torch.no_grad():
        module[6].weight[:2] *= 0.1
    x = rng.integers(0, 64, (40, 2, 4, 4))
    x[0], x[1], x[2] = 0, 63, 23
    network = export(calibrate(module, x), x[:1])
    scores = golden.run(network, np.moveaxis(x, 1, -1))[network.scores]
    assert np.array_equal(scores, predict_integers(module, x))
    assert len(np.unique(scores, axis=0)) > 20
    for name, layer in (("layer1", module[1]), ("layer3", module[3]), ("layer6", module[6])):
        values = network.node(name).weights.values
        assert layer.limits[0] <= values.min() < 0 < values.max() <= layer.limits[1]


@pytest.mark.parametrize("rule", ["least_squares", "min_max"])
@pytest.mark.parametrize(("zero_point", "frac"), [(3, 1), (64, 5), (128, 6), (185, 5), (0, 7)])
def test_steps_hold_both_ends(rule, zero_point, frac):
    """The smallest power of two with which neither -1.5 nor 1.99 saturates; at 0 only the upper."""
    layer = QuantLinear(10, 20, bits=8, zero_point=zero_point)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-1.5, 1.99, 200).unflatten(0, (20, 10)))
        if zero_point == 0:
            layer.weight.clamp_(min=0)
    layer.calibrate(rule)
    assert int(layer.frac) == frac
    layer.weight.data *= 1000
    layer.constrain()
    assert [int(w) for w in (layer.weight.min(), layer.weight.max())] == [
        int(end * 2.0 ** -frac) for end in layer.limits]


def test_codes_that_are_none_are_refused():
    for zero_point in (-1, 256):
        with refused(SpecError, f"QuantLinear: zero_point must be in 0..255, not {zero_point}"):
            QuantLinear(4, 4, bits=8, zero_point=zero_point)
    with refused(TypeError, "QuantLinear: zero_point must be an int, not 1.5"):
        QuantConv2d(1, 1, 1, bits=8, zero_point=1.5)
