"""Errors against float, layer by layer: by their definition, and zero where nothing is rounded."""

import copy

import numpy as np
import pytest
import torch
from cases.plain import Plain, PlainMaps, as_maps

from hwgen import golden
from hwgen.compress import METHODS, Recipe, compress
from hwgen.compress.study.stages import decibels, layer_weights, stages


@pytest.fixture(scope="module")
def maps(split):
    torch.manual_seed(3)
    return as_maps(split)


@pytest.fixture(scope="module")
def result(maps):
    torch.manual_seed(3)
    return compress(PlainMaps(), Recipe((METHODS["quantise"](weight_bits=8),), name="m"), maps)


def test_the_last_stage_is_the_scores_against_float(result, maps):
    x = maps.x_train[:50]
    last = stages(result, x)[-1]
    scores = golden.run(result.network, np.moveaxis(x, 1, -1))[result.network.scores]
    exact = scores * 2.0 ** -last.frac
    with torch.no_grad():
        wanted = result.reference.double()(torch.from_numpy(x).double()).numpy()
    result.reference.float()
    noise = ((exact - wanted) ** 2).sum()
    assert last.sqnr_db == pytest.approx(10 * np.log10((wanted ** 2).sum() / noise), abs=1e-3)
    assert last.max_error == pytest.approx(abs(exact - wanted).max(), rel=1e-6)
    assert last.node == result.network.scores


def test_every_node_s_integers_are_torchs_values(result, maps):
    """The unit that a stage names is the one of the golden integers: no error beyond the step."""
    found = {stage.layer: stage for stage in stages(result, maps.x_train[:50])}
    assert list(found) == ["pixels", "conv1", "relu", "conv2", "relu_1", "fc"]
    assert found["pixels"].max_error == 0
    assert found["pixels"].sqnr_db is None
    assert found["relu"].sqnr_db > 15      # the norm behind conv1 is part of it on both sides


@pytest.fixture(scope="module", params=["affine", "symmetric", "channel"])
def affine(maps, request):
    torch.manual_seed(3)
    step = METHODS["integer-only"](weights=request.param)
    return compress(PlainMaps(), Recipe((step,), name="m"), maps)


def test_affine_integers_are_compared_in_their_scales(affine, result, maps):
    x = maps.x_train[:50]
    found, plain = ({stage.layer: stage for stage in stages(each, x)} for each in (affine, result))
    assert list(found) == [*plain, "scores"]
    assert found["pixels"].max_error == 0
    for name, stage in found.items():
        other = plain["fc" if name == "scores" else name].sqnr_db
        assert stage.sqnr_db is other is None or stage.sqnr_db > max(30, other - 6)
    assert found["relu"].max_error < 3 * found["relu"].scale
    assert (found["fc"].scale is None) == (affine.recipe.steps[0].weights == "channel")


def test_affine_scores_are_their_integers_times_the_scale(affine, maps):
    x = maps.x_train[:50]
    last = stages(affine, x)[-1]
    scores = golden.run(affine.network, np.moveaxis(x, 1, -1))[affine.network.scores]
    with torch.no_grad():
        wanted = affine.reference.double()(torch.from_numpy(x).double()).numpy()
    affine.reference.float()
    assert (last.node, last.frac, last.zero) == (affine.network.scores, None, 0)
    assert last.scale == affine.notes["integer-only"]["scores"]["scale"]
    assert last.max_error == pytest.approx(abs(scores * last.scale - wanted).max(), rel=1e-6)


def test_a_wrong_scale_is_seen_where_it_is(affine, maps):
    x = maps.x_train[:50]
    right = {stage.layer: stage.sqnr_db for stage in stages(affine, x)}
    noted, scaled = copy.copy(affine), copy.copy(affine)
    object.__setattr__(noted, "notes", copy.deepcopy(affine.notes))
    noted.notes["integer-only"]["relu"]["scale"] *= 1.25
    wrong = {stage.layer: stage.sqnr_db for stage in stages(noted, x)}
    assert wrong["relu"] < 13
    assert wrong | {"relu": right["relu"]} == right
    object.__setattr__(scaled, "module", copy.deepcopy(affine.module))
    layer = scaled.module.get_submodule("relu")
    layer.scale = tuple(1.25 * scale for scale in layer.scale)
    wrong = {stage.layer: stage.sqnr_db for stage in stages(scaled, x)}
    assert wrong["conv1"] == right["conv1"]
    assert wrong["relu"] < 13
    assert all(wrong[name] < right[name] - 10 for name in ("conv2", "relu_1"))


def test_elements_of_a_flattened_map_are_compared_in_one_order(maps):
    class Late(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(144, 10)

        def forward(self, x):
            return self.fc(torch.relu(torch.flatten(self.conv(x), 1)))

    result = compress(Late(), Recipe((METHODS["quantise"](weight_bits=8),)), maps)
    found = {stage.layer: stage for stage in stages(result, maps.x_train[:50])}
    assert found["relu"].sqnr_db > 30


def test_weights_beyond_an_end_are_clipped(split):
    torch.manual_seed(3)
    model = Plain()
    with torch.no_grad():
        model.fc2.weight[0, :3] = torch.tensor([9.0, -9.0, 0.0])
    result = compress(model, Recipe((METHODS["quantise"](weight_bits=3, rule="percentile"),)),
                      split)
    fc2 = next(each for each in layer_weights(result, split.x_train) if each.layer == "fc2")
    layer = result.module.get_submodule("fc2")
    assert (fc2.clipped, fc2.zeros) == (0, 1)
    layer.frac += 3
    fc2 = next(each for each in layer_weights(result, split.x_train) if each.layer == "fc2")
    weight = layer.weight.detach().double()
    assert fc2.clipped == int((weight.abs() > fc2.high + fc2.step / 2).sum()) >= 2
    assert fc2.high == 3 * fc2.step == 3 * 2.0 ** -int(layer.frac)


def test_decibels():
    assert (decibels(100.0, 1.0), decibels(1.0, 0.0), decibels(0.0, 1.0)) == (20.0, None, None)
