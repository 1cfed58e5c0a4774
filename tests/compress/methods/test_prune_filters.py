import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps, net
from torch import nn
from torch.nn import functional as F

from hwgen.compress import Recipe, compress
from hwgen.compress.channels import channels_of
from hwgen.compress.graph import as_graph
from hwgen.compress.methods import (
    LowRank,
    Prune,
    PruneFilters,
    Quantise,
    TaylorFilters,
    Train,
)
from hwgen.compress.methods.prune_filters import filter_norms, first_order_changes
from hwgen.numeric import SpecError


def joined():
    """Maps whose channels two convolutions make together."""
    def forward(self, x):
        a = F.relu(self.conv1(x))
        return self.fc(torch.flatten(F.max_pool2d(F.relu(self.conv2(a) + a), 4), 1))
    return net(forward, conv1=nn.Conv2d(1, 6, 3, padding=1), conv2=nn.Conv2d(6, 6, 3, padding=1),
               fc=nn.Linear(24, 10))


def shapes(network):
    return {node.name: node.weights.shape for node in network.nodes if hasattr(node, "weights")}


@torch.no_grad()
def test_norms_are_sums_of_magnitudes_over_all_filters_of_a_channel():
    model = as_graph(joined())
    found = channels_of(model, torch.zeros(1, 1, 8, 8))
    norms = filter_norms(model, found)[found.rows["conv1"]]
    by_hand = [float(model.conv1.weight[k].abs().sum() + model.conv2.weight[k].abs().sum())
               for k in range(6)]
    assert norms.tolist() == pytest.approx(by_hand)


def test_changes_are_those_of_each_sample_over_all_readers():
    """By the weights that read a channel: ``sum of dC/dw w`` is ``dC/dz z`` as well."""
    model = as_graph(joined()).eval()
    x, labels = torch.randn(3, 1, 8, 8), torch.tensor([3, 1, 4])
    found = channels_of(model, x)
    changes = first_order_changes(model, found, x, labels)[found.rows["conv1"]]
    by_hand = torch.zeros(6)
    for sample, label in zip(x, labels, strict=True):
        model.zero_grad()
        F.cross_entropy(model(sample[None]), label[None]).backward()
        at_conv2 = (model.conv2.weight * model.conv2.weight.grad).sum((0, 2, 3))
        at_fc = (model.fc.weight * model.fc.weight.grad).sum(0).unflatten(0, (6, 4)).sum(1)
        by_hand += (at_conv2 + at_fc).detach().abs() / 3
    assert torch.allclose(changes, by_hand, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("step", [PruneFilters, TaylorFilters])
def test_a_recipe_gives_a_smaller_network(split, step):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((
        Train(epochs=8, lr=0.01), step(density={"fc1": 0.5}, rounds=2, epochs=2, lr=0.01),
        Prune(density=0.8), Quantise())), split)
    assert shapes(result.network) == {"fc1": (12, 64), "fc2": (12, 12), "fc3": (10, 12)}
    assert result.notes[step.kind] == {"outputs": {"fc1": 12, "fc2": 12, "fc3": 10}}
    assert result.accuracy["golden"] > 80


def test_the_filters_of_the_largest_norm_stay(split):
    torch.manual_seed(0)
    model = PlainMaps()
    with torch.no_grad():
        model.conv2.weight[[1, 4]] *= 10
        model.conv2.bias.copy_(torch.arange(6.0))
    result = compress(model, Recipe((PruneFilters(density={"conv2": 1 / 3}), Quantise())),
                      as_maps(split))
    assert shapes(result.network) == {"conv1": (4, 9), "conv2": (2, 36), "fc": (10, 8)}
    assert result.module.conv2.bias.tolist() == [1, 4]


def test_later_steps_are_checked_against_the_smaller_layers(split, plain):
    with refused(SpecError, "recipe 'recipe': step 2 'low-rank': layer 'fc1' must get smaller, but"
                            " factors of rank 9 have 630 weights and it has 384: take a lower rank,"
                            " or 0 to leave it"):
        compress(plain, Recipe((PruneFilters(density=0.25), LowRank(rank={"fc1": 9}),
                                Quantise())), split)


@pytest.mark.parametrize(("density", "message"), [
    ({"fc3": 0.5}, "layer 'fc3' must have outputs that the model can lose, but they are its scores;"
                   " name others in density"),
    ({"fc1": 0.5, "fc2": 0.25}, "layers ['fc1', 'fc2'] must have one density, since their outputs"
                                " are added and go together, not [0.5, 0.25]"),
])
def test_densities_that_do_not_go_are_refused(split, plain, density, message):
    with refused(SpecError, f"recipe 'recipe': step 1 'prune-filters': {message}"):
        compress(plain, Recipe((PruneFilters(density=density), Quantise())), split)


def test_a_named_layer_takes_the_others_of_its_sum_along(split, plain):
    result = compress(plain, Recipe((PruneFilters(density={"fc2": 0.25, "*": 1.0}), Quantise())),
                      split)
    assert shapes(result.network)["fc1"] == (6, 64)


def test_a_model_that_can_lose_nothing_is_refused(split):
    model = nn.Sequential(nn.Linear(64, 10))
    with refused(SpecError, "recipe 'recipe': step 1 'prune-filters': model must have a layer whose"
                            " outputs it can lose, and has none"):
        compress(model, Recipe((PruneFilters(density=0.5), Quantise())), split)


@pytest.mark.parametrize(("before", "reason"), [
    (Quantise(), "which makes all numbers integers: channels are removed from floats: do it before"
                 " 'quantise'"),
    (Prune(density=0.5), "which removes weights: its forms are of weights that would go:"
                         " remove channels first"),
])
def test_not_behind_forms_or_integers(split, plain, before, reason):
    with refused(SpecError, f"recipe 'recipe': step 2 'prune-filters': must not come after step 1"
                            f" '{before.kind}', {reason}"):
        compress(plain, Recipe((before, PruneFilters(density=0.5), Quantise())), split)
