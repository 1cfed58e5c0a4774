import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain
from torch import nn
from torch.nn import functional as F

from hwgen.compress import Recipe, compress
from hwgen.compress.methods import LowDisplacement, Prune, Quantise, Share, Train
from hwgen.compress.methods.curvature import hessian_diagonal, second_moments
from hwgen.compress.methods.share import Codebook, kmeans
from hwgen.ir import Shared
from hwgen.numeric import SpecError


@pytest.fixture
def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).double()
    return model, {"0": model[0], "2": model[2]}, torch.randn(6, 4).double()


def test_it_is_the_diagonal_of_the_hessian(network):
    model, layers, x = network
    labels = torch.tensor([0, 2, 1, 1, 0, 2])           # which of them it is does not matter
    found = hessian_diagonal(model, layers, x)
    for name, layer in layers.items():
        def loss(weight, name=name):
            scores = torch.func.functional_call(model, {f"{name}.weight": weight}, (x,))
            return F.cross_entropy(scores, labels)

        hessian = torch.autograd.functional.hessian(loss, layer.weight.detach())
        n = layer.weight.numel()
        assert torch.allclose(hessian.reshape(n, n).diagonal(), found[name].flatten())


def test_second_moments_are_those_of_batches(network):
    model, layers, x = network
    labels = torch.tensor([0, 2, 1, 1, 0, 2])
    wanted = 0
    for part in (slice(0, 4), slice(4, 6)):
        model.zero_grad()
        F.cross_entropy(model(x[part]), labels[part]).backward()
        wanted = wanted + layers["0"].weight.grad.square() / 2
    assert torch.allclose(second_moments(model, layers, x, labels, 4)["0"], wanted)


def test_weighted_means_minimise_the_weighted_distance():
    values = torch.tensor([0.0, 1.0, 10.0, 12.0], dtype=torch.float64)
    h = torch.tensor([3.0, 1.0, 0.0, 5.0], dtype=torch.float64)
    centroids, numbers = kmeans(values, torch.tensor([0.0, 12.0], dtype=torch.float64),
                                importance=h)
    assert centroids.tolist() == [0.25, 12.0]
    assert numbers.tolist() == [0, 0, 1, 1]
    assert kmeans(values, centroids, importance=0 * h)[0].tolist() == [0.25, 12.0]


def test_removed_weights_have_no_part():
    weight, h = torch.tensor([[0.0, 1.0, 3.0]]), torch.tensor([[9.0, 1.0, 3.0]])
    form = Codebook(weight, 1, "linear", None, h)
    assert form(weight).tolist() == [[0, 2.5, 2.5]]


@pytest.mark.parametrize("importance", ["hessian", "adam"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_recipe_shares_by_importance(split, importance, is_first):
    torch.manual_seed(0)
    share = Share(bits={"fc1": 2}, importance=importance)
    steps = (share, Quantise()) if is_first else (Quantise(), share)
    result = compress(Plain(), Recipe((Train(epochs=1, lr=1e-2), Prune(density=0.5), *steps)),
                      split)
    weights = next(node.weights for node in result.network.nodes if node.name == "fc1")
    assert isinstance(weights, Shared)
    assert len(np.setdiff1d(weights.centroids, [0])) <= 4


def test_what_is_not_trained_has_no_importance(split):
    with refused(SpecError, "recipe 'recipe': step 2 'share': must not come after step 1"
                            " 'low-displacement', which makes matrices of few numbers: what trains"
                            " there is not the weights, whose importance is asked for: take"
                            " importance = 'equal'"):
        compress(Plain(), Recipe((LowDisplacement(rank={"fc1": 1}), Share(importance="hessian"),
                                  Quantise())), split)
    with refused(SpecError, "share: importance must be one of ['equal', 'hessian', 'adam'], not"
                            " 'fisher'"):
        Share(importance="fisher")
