"""Affine grids against their equations; the integers against the float twin that was trained."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import PlainMaps, as_maps, weights_of
from torch import nn

from hwgen.compress import Recipe, compress, predict_integers
from hwgen.compress.affine import AffineRange, AffineWeights
from hwgen.compress.affine_integers import as_integers
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.integer_only import SCORES, affine
from hwgen.compress.methods import (
    Code,
    IntegerOnly,
    LowRank,
    Prune,
    Quantise,
    Share,
    Train,
)
from hwgen.compress.methods.integer_only import DelayedRanges
from hwgen.ir import Requantise
from hwgen.numeric import SpecError


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 10))


def maps():
    torch.manual_seed(0)
    return PlainMaps()


@pytest.mark.parametrize("bits", [3, 8])
def test_weights_lie_on_a_grid_that_meets_0(bits):
    weight = torch.tensor([[-0.31, 0.0, 0.2], [1.1, -0.004, 0.003]])
    integers, scale, zero = AffineWeights(bits, "affine").integers(weight)
    step = (1.1 + 0.31) / (2**bits - 2)                 # codes 1 .. 2**bits - 1
    assert float(scale) == pytest.approx(step, rel=1e-6)
    assert zero == round(1 + 0.31 / step)
    codes = integers + zero
    assert (int(codes.min()), int(codes.max())) == (1, 2**bits - 1)
    assert float((integers * scale - weight).abs().max()) <= step * 0.51
    assert integers[0, 1] == 0


def test_symmetric_weights_have_the_scale_of_the_layer_or_of_each_output():
    weight = torch.tensor([[-0.5, 0.25], [0.1, 0.02], [0.0, 0.0]])
    integers, scale, zero = AffineWeights(8, "symmetric").integers(weight)
    assert (integers.tolist(), zero) == ([[-127, 64], [25, 5], [0, 0]], 128)
    integers, scale, _ = AffineWeights(8, "channel").integers(weight)
    assert integers.tolist() == [[-127, 64], [127, 25], [0, 0]]
    assert torch.allclose(scale, torch.tensor([0.5 / 127, 0.1 / 127, 1.0]))


def test_ranges_are_running_means_and_begin_late():
    layer = AffineRange(4, relu=False, momentum=0.75).train()
    DelayedRanges(0.5).begin(nn.Sequential(layer), 4)
    x = torch.tensor([-1.0, 0.3, 3.0], requires_grad=True)
    assert torch.equal(layer(x), x)
    assert torch.equal(layer(x), x)
    assert float(layer.high) == pytest.approx(3 * (1 - 0.75**2))
    assert float(layer.low) == pytest.approx(-(1 - 0.75**2))
    y = layer(x)
    scale, zero = layer.grid()
    assert scale == pytest.approx(4 * (1 - 0.75**3) / 15)
    assert zero == 4                                    # round(15 / 4)
    codes = (y / scale + zero).tolist()
    assert codes == pytest.approx([0, 4 + round(0.3 / scale), 15])
    y.sum().backward()
    assert x.grad.tolist() == [0, 1, 0]


def test_what_is_below_0_is_none_of_a_relu_s():
    layer = AffineRange(8, relu=True, momentum=0.0).train()
    assert layer(torch.tensor([-4.0, 2.55])).tolist() == pytest.approx([0, 2.55])
    assert layer.grid() == (pytest.approx(0.01), 0)


def test_what_is_above_6_is_6_of_a_relu6():
    layer = AffineRange(8, relu=True, momentum=0.0, most=6.0).train()
    x = torch.tensor([-4.0, 2.0, 51.0], requires_grad=True)
    layer(x).sum().backward()
    assert layer(x).tolist() == pytest.approx([0, 2, 6])
    assert layer.grid() == (pytest.approx(6 / 255), 0)
    assert x.grad.tolist() == [0, 1, 0]


def clipped():
    """Bounds that some values of every layer are beyond."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(64, 24), nn.Hardtanh(0, 0.25), nn.Linear(24, 16), nn.ReLU6(),
                         nn.Linear(16, 10))


@pytest.mark.parametrize("weights", ["affine", "symmetric", "channel"])
@pytest.mark.parametrize(("make", "data"), [(mlp, lambda s: s), (maps, as_maps),
                                            (clipped, lambda s: s)],
                         ids=["mlp", "maps", "clipped"])
def test_integers_are_those_of_the_float_twin(split, make, data, weights):
    split = data(split)
    x = split.x_train[:100]
    whole = prepared(make(), split)
    names = [name for name, layer in whole.named_modules() if isinstance(layer, nn.Linear
                                                                         | nn.Conv2d)]
    twin = affine(whole, x, weight_bits=dict.fromkeys(names, 8), activation_bits=8,
                  weights=weights, momentum=0.9)
    scale, _ = getattr(twin, SCORES).grid()
    floats = twin(torch.tensor(x).float()).detach() / scale
    found = torch.from_numpy(predict_integers(as_integers(twin, x)[0], x))
    assert float((found - floats).abs().max()) < 2.01   # of 255 steps
    assert float((found - floats).abs().mean()) < 0.1
    origin = whole.eval()(torch.tensor(x).float()).detach() / scale
    assert float((found - origin).abs().mean()) < 3


def test_a_recipe_on_convolutions_with_zero_points(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((
        Train(epochs=4, lr=0.01), Prune(density={"conv2": 0.5}),
        IntegerOnly(epochs=2, lr=1e-3), Code())),
        as_maps(split))
    assert result.accuracy["torch"] == result.accuracy["golden"] > 60
    assert np.count_nonzero(weights_of(result.network)["conv2"]) <= 108
    rescales = [node for node in result.network.nodes if isinstance(node, Requantise)]
    assert [node.rounding for node in rescales] == ["doubling_high"] * 3
    assert all(1 << 30 <= int(node.multiplier[0]) < 1 << 31 for node in rescales)
    zero = result.notes["integer-only"][SCORES]["zero_point"]
    assert (rescales[-1].low, rescales[-1].high) == (-zero, 255 - zero)     # scores are q - Z
    assert zero > 0


def test_two_matrices_in_the_place_of_one_have_a_zero_point_between(split):
    result = compress(mlp(), Recipe((LowRank(rank={"0": 6}), IntegerOnly(weights="channel"))),
                      split)
    assert result.accuracy["torch"] == result.accuracy["golden"]
    first = next(node for node in result.network.nodes if isinstance(node, Requantise))
    assert first.zero_point > 0
    assert first.multiplier.size > 1


@pytest.mark.parametrize(("make", "steps", "message"), [
    (lambda: nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 10)), (IntegerOnly(),),
     "step 1 'integer-only': module '1': must be QuantInput, Linear, Conv2d, a batch norm behind"
     " one of these, ReLU, ReLU6, Hardtanh from 0, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1),"
     " Flatten, Dropout or a sum, not Tanh(): put one of these in its place, or take 'quantise'"),
    (lambda: nn.Sequential(nn.Linear(64, 8), nn.Hardtanh(), nn.Linear(8, 10)), (IntegerOnly(),),
     "step 1 'integer-only': module '1': min_val must be 0, not -1.0, to be part of the clamp: take"
     " 'quantise'"),
    (lambda: nn.Sequential(nn.Linear(64, 8), nn.Linear(8, 10)), (IntegerOnly(),),
     "step 1 'integer-only': module '1': must have an activation between it and the sums that it"
     " reads: put a ReLU there"),
    (mlp, (IntegerOnly(), Prune(density=0.5)), "step 2 'prune': must not come after step 1"
     " 'integer-only', which makes integers that are final: it would change them: put it first, or"
     " leave it out"),
    (mlp, (Quantise(), IntegerOnly()), "step 2 'integer-only': must not come after step 1"
     " 'quantise', which makes all numbers integers: leave one of the two out"),
    (lambda: nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)),
     (Share(), IntegerOnly()), "step 2 'integer-only': must not come after step 1 'share', which"
     " lets weights share values: affine grids are of weights of their own: take 'quantise'"),
])
def test_what_has_no_such_integers_is_refused(split, make, steps, message):
    with refused(SpecError, f"recipe 'recipe': {message}"):
        compress(make(), Recipe(steps), split)


@pytest.mark.parametrize(("fields", "message"), [
    ({"weight_bits": {"a": 9}}, "integer-only: weight_bits of 'a' must be in 2..8, not 9"),
    ({"weights": "each"}, "integer-only: weights must be one of ['affine', 'symmetric',"
                          " 'channel'], not 'each'"),
    ({"delay": 2}, "integer-only: delay must be at least 0 and at most 1, not 2"),
])
def test_amounts_out_of_range_are_refused(fields, message):
    with refused(SpecError, message):
        IntegerOnly(**fields)
