import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps, net
from torch import nn
from torch.nn import functional as F

from hwgen.compress import Recipe, compress
from hwgen.compress.channels import channels_of
from hwgen.compress.graph import as_graph
from hwgen.compress.methods import LowRank, PruneNM, Quantise, Slimming, Train
from hwgen.compress.methods.slimming import Shrink, scaled_sets, slimmed
from hwgen.numeric import SpecError


class Normed(nn.Module):
    """For the digits as vectors: two hidden layers with norms."""

    def __init__(self):
        super().__init__()
        self.fc1, self.norm1 = nn.Linear(64, 24), nn.BatchNorm1d(24)
        self.fc2, self.norm2 = nn.Linear(24, 16), nn.BatchNorm1d(16)
        self.fc3 = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.norm2(self.fc2(F.relu(self.norm1(self.fc1(x))))))
        return self.fc3(x)


def joined(second=True, affine=True):
    """A convolution with a norm is added to one with or without."""
    def forward(self, x):
        a = self.norm1(self.conv1(x))
        b = self.conv2(F.relu(a))
        b = self.norm2(b) if second else b
        return self.fc(torch.flatten(F.max_pool2d(F.relu(a + b), 4), 1))
    return as_graph(net(
        forward, conv1=nn.Conv2d(1, 6, 3, padding=1), norm1=nn.BatchNorm2d(6, affine=affine),
        conv2=nn.Conv2d(6, 6, 3, padding=1), norm2=nn.BatchNorm2d(6), fc=nn.Linear(24, 10)))


def sets_of(model):
    found = channels_of(model, torch.zeros(1, 1, 8, 8))
    return found, scaled_sets(model, found)


def test_the_penalty_moves_each_scale_by_its_sign():
    model = Normed()
    with torch.no_grad():
        model.norm1.weight[:4] = torch.tensor([-0.5, 2.0, 0.0, 1e-4])
    penalty = Shrink(("norm1", "norm2"), 0.25).penalty(model, 0)
    assert penalty.item() == pytest.approx(0.25 * (2.5 + 1e-4 + 20 + 16))
    penalty.backward()
    assert model.norm1.weight.grad[:4].tolist() == [-0.25, 0.25, 0.0, 0.25]
    assert model.fc1.weight.grad is None


@torch.no_grad()
def test_one_threshold_for_all_layers_which_keep_one_channel_at_least():
    model = as_graph(Normed()).eval()
    model.norm1.weight.copy_(torch.linspace(-3, -2, 24))
    model.norm2.weight.copy_(torch.linspace(0.1, 1, 16))
    found = channels_of(model, torch.zeros(1, 64))
    gone = slimmed(model, found, scaled_sets(model, found), 0.5)
    left = {name: [k for k, number in enumerate(found.rows[name].tolist())
                   if number not in gone.tolist()] for name in ("fc1", "fc2")}
    assert left == {"fc1": list(range(20)), "fc2": [15]}


@torch.no_grad()
def test_a_channel_of_two_norms_has_the_mean_of_their_scales():
    model = joined()
    model.norm1.weight.copy_(torch.tensor([1.0, 2, 3, 4, 5, 6]))
    model.norm2.weight.copy_(torch.tensor([6.0, 4.5, 4, 2, 1.5, 1]))
    found, sets = sets_of(model)
    gone = slimmed(model, found, sets, 1 / 2)           # means 3.5, 3.25, 3.5, 3, 3.25, 3.5
    assert sorted(gone.tolist()) == sorted(found.rows["conv1"][[1, 3, 4]].tolist())


@pytest.mark.parametrize("options", [{"second": False}, {"affine": False}])
def test_sets_without_scales_stay(options):
    assert len(sets_of(joined())[1]) == 1
    assert sets_of(joined(**options))[1] == []


def test_channels_of_scale_0_go_and_no_score_changes(split):
    torch.manual_seed(0)
    model = PlainMaps().eval()
    with torch.no_grad():
        model.norm1.weight[[0, 2]] = model.norm1.bias[[0, 2]] = 0
    maps = as_maps(split)
    result = compress(model, Recipe((Slimming(density=0.5), Quantise(
        weight_bits=14, activation_bits=14))), maps)
    assert result.notes["slimming"] == {"outputs": {"conv1": 2, "conv2": 6, "fc": 10}}
    x = torch.as_tensor(maps.x_test[:50]).float()
    assert torch.allclose(result.module(x), model(x / 32), atol=0.01)


def test_a_recipe_gives_a_smaller_network(split):
    torch.manual_seed(0)
    result = compress(Normed(), Recipe((
        Train(epochs=4, lr=0.01),
        Slimming(density=0.5, strength=0.05, epochs=6, retrain=6, lr=0.01), Quantise())), split)
    outputs = result.notes["slimming"]["outputs"]
    assert outputs["fc1"] + outputs["fc2"] == 20
    assert {node.name: len(node.weights.to_dense()) for node in result.network.nodes
            if hasattr(node, "weights")} == outputs
    assert result.accuracy["golden"] > 80


def test_a_model_without_norms_is_refused(split, plain):
    with refused(SpecError, "recipe 'recipe': step 1 'slimming': model must have a batch norm with"
                            " scales behind a layer whose outputs it can lose, and has none: take"
                            " 'prune-filters' or 'group-lasso'"):
        compress(plain, Recipe((Slimming(density=0.5), Quantise())), split)


@pytest.mark.parametrize("step", [LowRank(rank=4), PruneNM(n=2, m=4)])
def test_steps_that_depend_on_sizes_are_refused_behind_it(split, step):
    with refused(SpecError, f"recipe 'recipe': step 2 '{step.kind}': must not come after step 1"
                            f" 'slimming', which finds sizes of layers in training: it must know"
                            f" them before: put it first"):
        compress(Normed(), Recipe((Slimming(density=0.5), step, Quantise())), split)


@pytest.mark.parametrize(("fields", "message"), [
    ({"density": 0}, "slimming: density must be above 0 and at most 1, not 0"),
    ({"density": 0.5, "strength": -1}, "slimming: strength must be at least 0, not -1"),
    ({"density": 0.5, "retrain": -1}, "slimming: retrain must be at least 0, not -1"),
])
def test_fields_out_of_range(fields, message):
    with refused(SpecError, message):
        Slimming(**fields)


def test_plain_sums_have_no_scales():
    model = as_graph(Plain())
    assert scaled_sets(model, channels_of(model, torch.zeros(1, 64))) == []
