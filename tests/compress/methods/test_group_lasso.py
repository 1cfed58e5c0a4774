import math

import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.channels import channels_of
from hwgen.compress.graph import as_graph
from hwgen.compress.methods import GroupLasso, ProductQuantise, Prune, Quantise, Train
from hwgen.compress.methods.group_lasso import Proximal, group_norms
from hwgen.compress.methods.narrow import chosen
from hwgen.numeric import SpecError


def normed():
    """A model whose groups have a kernel, a bias, a scale and a shift, and one of two layers."""
    torch.manual_seed(0)
    model = as_graph(PlainMaps()).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.copy_(torch.randn(value.shape))
    return model, channels_of(model, torch.zeros(1, 1, 8, 8))


def group(model, k):
    """All that makes channel ``k`` of conv1."""
    return torch.cat([value[k].detach().flatten() for layer in (model.conv1, model.norm1)
                      for value in (layer.weight, layer.bias)]).clone()


def test_norms_and_sizes_are_those_of_all_that_makes_a_channel():
    model, found = normed()
    each = next(each for each in found.sets if "conv1" in each.layers)
    norms, sizes = group_norms(model, found, each)
    assert sizes.tolist() == [9 + 1 + 1 + 1] * 4
    assert norms.tolist() == pytest.approx([float(group(model, k).norm()) for k in range(4)])


@torch.no_grad()
def test_a_step_is_the_proximal_one_of_the_penalty():
    """``0 = v - w + rate strength sqrt(n) v / |v|`` where v is not 0, and |w| is small where so."""
    model, found = normed()
    before = [group(model, k) for k in range(4)]
    first, second, _, last = sorted(float(each.norm()) for each in before)
    rate = 0.01
    strength = (first + second) / 2 / rate / math.sqrt(12)
    sets = chosen(found, ["conv1", "conv2", "fc"], "strength", {"conv1": strength})
    Proximal(found, sets, rate).after(model, 0)
    threshold, zeros = rate * strength * math.sqrt(12), 0
    for k, w in enumerate(before):
        v = group(model, k)
        if float(w.norm()) == last:                         # the largest stays as it is
            assert torch.equal(v, w)
        elif float(v.norm()) == 0:
            zeros += 1
            assert float(w.norm()) <= threshold
        else:
            assert torch.allclose(v - w + threshold * v / v.norm(), torch.zeros(12), atol=1e-5)
    assert zeros == 1


@torch.no_grad()
def test_layers_whose_outputs_are_added_make_one_group():
    model = as_graph(Plain()).eval()
    found = channels_of(model, torch.zeros(1, 64))
    each, = found.sets
    assert group_norms(model, found, each)[1].tolist() == [65 + 25] * 24


def test_groups_at_0_go_and_no_score_changes(split):
    torch.manual_seed(0)
    model = Plain()
    with torch.no_grad():
        for layer in (model.fc1, model.fc2):
            layer.weight[[2, 7]] = 0
            layer.bias[[2, 7]] = 0
    result = compress(model, Recipe((GroupLasso(strength=0.0, lr=1e-30), Quantise(
        weight_bits=14, activation_bits=14))), split)
    assert result.notes["group-lasso"] == {"outputs": {"fc1": 22, "fc2": 22, "fc3": 10}}
    x = torch.as_tensor(split.x_test[:50]).float()
    scores = torch.log_softmax(result.module(x), 1)
    assert torch.allclose(scores, model(x / 32), atol=0.01)


def test_a_recipe_gives_a_smaller_network(split):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    result = compress(model, Recipe((
        Train(epochs=4, lr=0.01),
        GroupLasso(strength=0.75, epochs=8, retrain=3, lr=0.01), Prune(density=0.8), Quantise())),
        split)
    left = result.notes["group-lasso"]["outputs"]["0"]
    assert 4 <= left <= 18
    assert result.accuracy["golden"] > 80


def test_maps_are_removed_with_their_norms(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((
        Train(epochs=2, lr=0.01), GroupLasso(strength={"conv1": 6.0}, epochs=1, lr=0.01),
        Quantise())), as_maps(split))
    assert result.notes["group-lasso"] == {"outputs": {"conv1": 1, "conv2": 6, "fc": 10}}


def test_a_step_that_depends_on_sizes_is_refused_behind_it(split, plain):
    with refused(SpecError, "recipe 'recipe': step 2 'product-quantise': must not come after step 1"
                            " 'group-lasso', which finds sizes of layers in training: it must know"
                            " them before: put it first"):
        compress(plain, Recipe((GroupLasso(strength=0.1), ProductQuantise(), Quantise())), split)


@pytest.mark.parametrize(("fields", "message"), [
    ({"strength": -1}, "group-lasso: strength must be at least 0, not -1"),
    ({"strength": 1, "epochs": 0}, "group-lasso: epochs must be at least 1, not 0"),
    ({"strength": 1, "retrain": -1}, "group-lasso: retrain must be at least 0, not -1"),
])
def test_fields_out_of_range(fields, message):
    with refused(SpecError, message):
        GroupLasso(**fields)
