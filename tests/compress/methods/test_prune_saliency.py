import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn
from torch.nn import functional as F

from hwgen.compress import Recipe, compress
from hwgen.compress.form import put
from hwgen.compress.methods import PruneOBD, PruneOBS, PruneTaylor, Quantise, Train
from hwgen.compress.methods.mask import Mask, keep
from hwgen.compress.methods.prune_saliency import obs_row, squared_gradients
from hwgen.numeric import SpecError


def test_gradients_are_those_of_each_sample():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2))
    x, labels = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    squares, changes = squared_gradients(model, {"0": model[0]}, x, labels)["0"]
    p = torch.softmax(model(x), 1) - F.one_hot(labels, 2)           # of the cross entropy
    g = (p[:, :, None] * x[:, None, :]).detach()
    assert torch.allclose(squares, g.square().mean(0), atol=1e-6)
    assert torch.allclose(changes, (g * model[0].weight.detach()).abs().mean(0), atol=1e-6)
    assert torch.allclose(PruneOBD.saliency(model[0].weight, squares, None),
                          squares * model[0].weight ** 2 / 2)


def test_the_weights_of_the_greatest_saliency_stay():
    layer = nn.Linear(4, 1, bias=False)
    form = put(layer, Mask(layer.weight))
    keep(layer, torch.tensor([[3.0, 1, 4, 2]]), 0.5)
    assert form.kept.int().tolist() == [[1, 0, 1, 0]]
    keep(layer, torch.tensor([[1.0, 9, 2, 9]]), 0.25)
    assert form.kept.int().tolist() == [[0, 0, 1, 0]]


def test_a_row_is_moved_to_the_least_squares_of_what_is_left():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)))
    row = torch.from_numpy(rng.normal(size=6))
    keep = torch.tensor([True, False, True, True, False, True])
    moved = obs_row(row, torch.linalg.inv(x.T @ x / 50), keep)
    best = torch.linalg.lstsq(x[:, keep], (x @ row)[:, None]).solution[:, 0]
    assert torch.allclose(moved[keep], best)
    assert moved[~keep].tolist() == [0, 0]


@pytest.mark.parametrize("step", [PruneOBD, PruneTaylor, PruneOBS])
def test_a_recipe_ends_at_the_density(split, step):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((Train(epochs=10, lr=0.01), step(
        density={"fc1": 0.2, "fc2": 0.3}, rounds=2, epochs=2), Quantise(weight_bits=14))), split)
    dense = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    assert dense["fc1"].nonzeros == round(0.2 * 1536)
    assert dense["fc2"].nonzeros == round(0.3 * 576)
    assert result.accuracy["golden"] > 80


def test_obs_moves_what_is_left_so_that_less_is_lost(split):
    """At once and without training: the outputs of the first layer stay nearer."""
    torch.manual_seed(0)
    model = compress(Plain(), Recipe((Train(epochs=10, lr=0.01), Quantise())), split).module
    plain = Plain()
    for name in ("fc1", "fc2", "fc3"):
        layer, twin = getattr(plain, name), model.get_submodule(name)
        with torch.no_grad():
            layer.weight.copy_(twin.weight)
            layer.bias.copy_(twin.bias)
    found = {}
    for step in (PruneOBS, PruneTaylor):
        result = compress(plain, Recipe((step(density={"fc1": 0.15}, rounds=1),
                                         Quantise(weight_bits=14, activation_bits=12))), split)
        found[step.kind] = result.accuracy["golden"]
    assert found["prune-obs"] > found["prune-taylor"] + 5


def test_convolutions_too(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((Train(epochs=2, lr=0.01),
                                           PruneOBS(density={"conv2": 0.5}, rounds=1),
                                           Quantise(weight_bits=14))), as_maps(split))
    dense = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    assert dense["conv2"].nonzeros == 108


def test_not_behind_quantise(split, plain):
    with refused(SpecError, "recipe 'recipe': step 2 'prune-obd': must not come after step 1"
                            " 'quantise', which makes all numbers integers: gradients are those of"
                            " floats: prune before 'quantise'"):
        compress(plain, Recipe((Quantise(), PruneOBD(density=0.5))), split)
