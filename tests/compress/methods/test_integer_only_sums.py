"""Additions and average pools of affine integers: their equations, and torch beside golden."""

from functools import partial

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, as_maps, net
from torch import nn
from torch.nn import functional as F

from hwgen import golden
from hwgen.compress import QuantAdd, QuantInput, Recipe, compress, predict_integers
from hwgen.compress.affine import AffineAverage, AffineRange
from hwgen.compress.affine_integers import GUARD_BITS, as_integers
from hwgen.compress.frame.prepare import prepared
from hwgen.compress.integer_only import affine
from hwgen.compress.methods import IntegerOnly, Train
from hwgen.compress.study.stages import stages
from hwgen.ir import Add
from hwgen.numeric import SpecError

KINDS = ["affine", "symmetric", "channel"]


class Residual(nn.Module):
    """A block with a skip, one with a convolution on it, an average pool and a global one."""

    def __init__(self):
        super().__init__()
        self.conv0, self.norm0 = nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv1, self.norm1 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.skip, self.fc = nn.Conv2d(6, 8, 1), nn.Linear(8, 10)

    def forward(self, x):
        x = F.avg_pool2d(F.relu(self.norm0(self.conv0(x))), 2)
        x = F.relu(self.norm1(self.conv1(x)) + x)
        x = F.relu(self.norm2(self.conv2(x)) + self.skip(x))
        return self.fc(x.mean((2, 3)))


@pytest.fixture(scope="module")
def maps(split):
    return as_maps(split)


def residual():
    torch.manual_seed(0)
    return Residual()


@pytest.fixture(scope="module", params=KINDS)
def result(maps, request):
    return compress(residual(), Recipe((IntegerOnly(weights=request.param),)), maps)


def values_of(result, x):
    return golden.run(result.network, np.moveaxis(x, 1, -1) if x.ndim == 4 else x)


def real(result, values, name):
    """What the integers of a layer stand for, by the notes."""
    grid = result.notes["integer-only"][name]
    return grid["scale"] * (values[name] - grid["zero_point"])


def test_every_score_of_torch_is_golden_s(result, maps):
    x = np.concatenate([maps.x_train, maps.x_test])
    scores = values_of(result, x)[result.network.scores]
    assert np.array_equal(scores, predict_integers(result.module, x))
    assert len(np.unique(scores, axis=0)) > 300


def test_an_addition_is_that_of_the_real_values(result, maps):
    values = values_of(result, maps.x_train[:100])
    grids = result.notes["integer-only"]
    for name, read in (("add", ("add_in0", "avg_pool2d")), ("add_1", ("add_1_in0", "add_1_in1"))):
        wanted = sum(real(result, values, each) for each in read)
        step = grids[name]["scale"]
        assert step <= 2.0 ** -7 * max(grids[each]["scale"] for each in read)
        error = abs(real(result, values, name) - wanted)
        assert step / 4 < error.max() < step * 0.51      # of one rescale of 31 bits


def test_an_average_is_rounded_in_the_integers_of_its_input(result, maps):
    values, grids = values_of(result, maps.x_train[:100]), result.notes["integer-only"]
    x = values["relu"].reshape(100, 4, 2, 4, 2, 6)
    assert np.array_equal(values["avg_pool2d"], (x.sum(axis=(2, 4)) + 2) // 4)
    assert np.array_equal(values["mean"][:, 0, 0], (values["relu_2"].sum(axis=(1, 2)) + 8) // 16)
    assert grids["avg_pool2d"] == grids["relu"]
    assert grids["mean"] == grids["relu_2"]


def test_every_stage_is_close_to_float(result, maps):
    found = {stage.layer: stage for stage in stages(result, maps.x_train[:100])}
    names = {"avg_pool2d", "add_in0", "add", "relu_1", "add_1_in0", "add_1_in1", "add_1", "mean",
             "scores"}
    assert names < set(found)
    assert min(stage.sqnr_db for stage in found.values() if stage.sqnr_db is not None) > 30
    values = values_of(result, maps.x_train[:100])
    for name in ("add", "add_1"):
        assert found[name].zero == result.notes["integer-only"][name]["zero_point"]
        assert found[name].scale == result.notes["integer-only"][name]["scale"]
        assert found[name].rms == pytest.approx((real(result, values, name) ** 2).mean() ** 0.5,
                                                rel=0.05)


def test_a_trained_network_keeps_its_accuracy(maps):
    result = compress(residual(), Recipe((Train(epochs=8, lr=0.01), IntegerOnly(
        epochs=2, lr=1e-3, activation_bits=6))), maps)
    assert result.accuracy["torch"] == result.accuracy["golden"]
    assert result.accuracy["golden"] > max(80, result.accuracy["float"] - 2)


def doubled(self, x):
    x = self.total(self.a(x), F.relu(self.c(x)))
    return self.b(F.relu(self.total2(x, x)))


def pixels(self, x):
    return self.b(F.relu(x + self.a(x)))


def chain(self, x):
    x = F.relu(self.a(x))
    x = self.c(x) + x
    return self.b(F.relu(self.d(F.relu(x)) + x))


def three(self, x):
    return self.b(F.relu(self.total(x, self.a(x), F.relu(self.c(x)))))


def last(self, x):
    return self.b(x) + self.c(F.relu(self.a(x)))


def linear(n=64):
    return partial(nn.Linear, 64, n)


@pytest.mark.parametrize(("forward", "layers"), [
    (doubled, {"a": linear(), "c": linear(), "total": QuantAdd, "total2": QuantAdd,
               "b": linear(10)}),
    (pixels, {"a": linear(), "b": linear(10)}),
    (chain, {"a": linear(), "c": linear(), "d": linear(), "b": linear(10)}),
    (three, {"a": linear(), "c": linear(), "total": QuantAdd, "b": linear(10)}),
    (last, {"a": linear(), "b": linear(10), "c": linear(10)}),
], ids=["doubled", "pixels", "chain", "three", "last"])
def test_values_of_all_sorts_are_added(split, forward, layers):
    torch.manual_seed(1)
    model = net(forward, **{name: make() for name, make in layers.items()})
    result = compress(model, Recipe((IntegerOnly(),)), split)
    scores = values_of(result, split.x_test)[result.network.scores]
    assert np.array_equal(scores, predict_integers(result.module, split.x_test))
    found, grids = stages(result, split.x_test), result.notes["integer-only"]
    assert min(each.sqnr_db for each in found if each.sqnr_db is not None) > 30
    zeros = {each.layer: each.zero for each in found if each.layer != "scores"}
    assert zeros == {name: grids[name]["zero_point"] for name in zeros}


@pytest.mark.parametrize("factor", [0.0, 1e-6, 2.0 ** -9, 1.0, 300.0])
def test_scales_may_be_far_apart(split, factor):
    model = Plain()
    with torch.no_grad():
        model.fc2.weight *= factor
        model.fc2.bias *= factor
    result = compress(model, Recipe((IntegerOnly(),)), split)
    x = split.x_test
    assert np.array_equal(values_of(result, x)[result.network.scores],
                          predict_integers(result.module, x))
    found = {stage.layer: stage for stage in stages(result, x)}
    assert found["add"].sqnr_db > 35
    node = next(node for node in result.network.nodes if isinstance(node, Add))
    assert max(node.shifts) <= GUARD_BITS


def test_averages_are_on_the_grid_of_the_range_in_front(maps):
    whole = prepared(residual(), maps)
    names = dict.fromkeys((name for name, layer in whole.named_modules()
                           if isinstance(layer, nn.Linear | nn.Conv2d)), 8)
    twin = affine(whole, maps.x_train[:50], weight_bits=names, activation_bits=4, weights="affine",
                  momentum=0.9)
    pool, part = twin.get_submodule("avg_pool2d"), twin.get_submodule("relu")
    assert (type(pool), type(part)) == (AffineAverage, AffineRange)
    x = torch.rand(2, 6, 4, 4) * float(part.high)
    codes = pool(x) / part.grid()[0]
    assert torch.allclose(codes, codes.round(), atol=1e-5)
    assert float((codes - F.avg_pool2d(x, 2) / part.grid()[0]).abs().max()) <= 0.5001
    part.high *= 2
    assert not torch.allclose(codes, pool(x) / part.grid()[0])
    twin.train()
    part.start, part.seen = 10, torch.tensor(3)
    assert torch.equal(pool(x), F.avg_pool2d(x, 2))
    part.high /= 2
    _, grids = as_integers(twin.eval(), maps.x_train[:2])
    assert grids["avg_pool2d"] == grids["relu"] == {"scale": part.grid()[0], "zero_point": 0}


def test_pixels_are_averaged_as_they_are(maps):
    model = nn.Sequential(QuantInput(bits=6, frac=3, zero_point=5), nn.AvgPool2d(2),
                          nn.AvgPool2d((1, 2)), nn.Flatten(), nn.Linear(8, 10))
    result = compress(model, Recipe((IntegerOnly(),)), maps)
    values = values_of(result, maps.x_test)
    mean = (maps.x_test.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)) + 2) // 4
    assert np.array_equal(values["layer1"][..., 0], mean)
    assert np.array_equal(values["layer2"][..., 0], (mean.reshape(-1, 4, 2, 2).sum(-1) + 1) // 2)
    assert result.notes["integer-only"]["2"] == {"scale": 0.125, "zero_point": 5}
    assert np.array_equal(values[result.network.scores],
                          predict_integers(result.module, maps.x_test))


@pytest.mark.parametrize(("n", "forward", "message"), [
    (16, lambda self, x: self.fc(torch.flatten(F.relu(F.avg_pool2d(self.conv(x), 2)), 1)),
     "'avg_pool2d' (test_integer_only_sums.py:{}): must follow an activation, whose scale its"
     " averages keep: put the ReLU in front of it"),
    (64, lambda self, x: self.fc(torch.flatten(self.conv(x) + x, 1)),
     "'fc' (test_integer_only_sums.py:{}): must have an activation between it and the sums that it"
     " reads: put a ReLU there"),
    (25, lambda self, x: self.fc(F.avg_pool2d(F.relu(self.conv(x)), 2, padding=1).flatten(1)),
     "'avg_pool2d' (test_integer_only_sums.py:{}): padding must be 0, not 1"),
])
def test_what_has_no_place_for_a_scale_is_refused(maps, n, forward, message):
    model = net(forward, conv=nn.Conv2d(1, 1, 3, padding=1), fc=nn.Linear(n, 10))
    line = forward.__code__.co_firstlineno
    with refused(SpecError, f"recipe 'recipe': step 1 'integer-only': module"
                            f" {message.format(line)}"):
        compress(model, Recipe((IntegerOnly(),)), maps)
