"""What a graph of layers cannot hold is refused before anything is done, by the layer's name."""

import pytest
import torch
from cases.errors import refused
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from hwgen.compress import Recipe, compress
from hwgen.compress.graph import as_graph
from hwgen.compress.methods import METHODS, LowRank, Quantise, Train
from hwgen.numeric import SpecError


def mlp(first=None, behind=None):
    torch.manual_seed(0)
    layers = [first or nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU()]
    return nn.Sequential(*layers, *([behind] if behind else []), nn.Linear(12, 10))


@pytest.mark.parametrize(("make", "name", "maker", "remove"), [
    (parametrizations.weight_norm, "weight", "WeightNorm",
     "parametrize.remove_parametrizations(layer, 'weight')"),
    (parametrizations.orthogonal, "weight", "Orthogonal",
     "parametrize.remove_parametrizations(layer, 'weight')"),
    (lambda layer: prune.random_unstructured(layer, "bias", 0.5), "bias", "RandomUnstructured",
     "prune.remove(layer, 'bias')"),
    pytest.param(nn.utils.weight_norm, "weight", "WeightNorm", "remove_weight_norm(layer)",
                 marks=pytest.mark.filterwarnings("ignore::FutureWarning")),
    (nn.utils.spectral_norm, "weight", "SpectralNorm", "remove_spectral_norm(layer)"),
])
def test_weights_that_torch_makes_of_others_are_refused(split, make, name, maker, remove):
    said = (f"{name} must be a parameter of its own, not made of others by {maker}:"
            f" torch.nn.utils.{remove} before, which keeps its value")
    with refused(SpecError, f"module '0': {said}"):
        compress(mlp(make(nn.Linear(64, 16))), Quantise(), split)


def test_what_the_message_says_helps(split):
    layer = parametrizations.weight_norm(nn.Linear(64, 16))
    model = mlp(layer)
    parametrize.remove_parametrizations(layer, "weight")
    result = compress(model, Quantise(), split)
    assert result.accuracy["torch"] == result.accuracy["golden"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_parameters_that_are_not_finite_are_refused(split, value):
    model = mlp()
    with torch.no_grad():
        model[2].weight[3, 4] = value
        model[2].weight[5, 6] = value
    with refused(SpecError, f"module '2': weight must be finite, not {value} at [3, 4], one of 2"
                            f" that are not: train it anew, or load it again"):
        compress(model, Quantise(), split)


def test_statistics_that_are_not_finite_are_refused(split):
    model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10))
    model[1].running_var[7] = float("nan")
    with refused(SpecError, "module '1': running_var must be finite, not nan at [7], one of 1 that"
                            " are not: train it anew, or load it again"):
        compress(model, (Train(epochs=1), Quantise()), split)


@pytest.mark.parametrize("layer", [nn.LSTM(12, 12), nn.GRU(12, 12), nn.LSTMCell(12, 12),
                                   nn.MultiheadAttention(12, 2),
                                   nn.MaxPool1d(1, return_indices=True)])
def test_a_layer_that_returns_several_things_is_named(layer):
    with refused(SpecError, f"module '4': must return one tensor, not several as"
                            f" {type(layer).__name__} does: it has no exact form here"):
        as_graph(mlp(behind=layer))


@pytest.mark.parametrize("kind", ["twn", "dorefa", "log-net", "inq"])
def test_integer_weights_of_a_chain_without_activations_are_refused(split, kind):
    recipe = Recipe((LowRank(rank={"2": 2}), METHODS[kind]()))
    with refused(SpecError, f"recipe 'recipe': step 2 '{kind}': must not come after step 1"
                            f" 'low-rank', which puts several layers in the place of one: integer"
                            f" weights need an activation behind every matrix, and its factors have"
                            f" none between them: leave it out, or take 'quantise' here"):
        compress(mlp(), recipe, split)
