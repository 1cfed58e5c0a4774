"""Errors against float, layer by layer: by their definition, and zero where nothing is rounded."""

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
