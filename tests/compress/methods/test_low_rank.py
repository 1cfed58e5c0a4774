import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.methods import Distil, LowRank, Prune, Quantise, Train, Tucker
from hwgen.compress.methods.low_rank import factors, tucker_factors
from hwgen.numeric import SpecError


def test_the_product_is_the_nearest_matrix_of_its_rank():
    torch.manual_seed(0)
    layer = nn.Linear(9, 7)
    pair = factors(layer, 3)
    product = (pair.factor1.weight @ pair.factor0.weight).detach()
    s = torch.linalg.svdvals(layer.weight.detach())
    assert torch.linalg.matrix_rank(product) == 3
    assert torch.isclose((layer.weight.detach() - product).square().sum(), s[3:].square().sum(),
                         rtol=1e-4)
    assert torch.equal(pair.factor1.bias, layer.bias)


@pytest.mark.parametrize("layer", [nn.Linear(6, 4), nn.Conv2d(3, 4, 3, stride=2, padding=1)])
def test_factors_of_full_rank_compute_the_same(layer):
    x = torch.randn(2, 6) if isinstance(layer, nn.Linear) else torch.randn(2, 3, 8, 8)
    assert torch.allclose(factors(layer, 4)(x), layer(x), atol=1e-5)


def test_tucker_factors_of_full_ranks_compute_the_same():
    layer = nn.Conv2d(3, 5, 3, stride=2, padding=1, dilation=2)
    x = torch.randn(2, 3, 9, 9)
    assert torch.allclose(tucker_factors(layer, 3, 5)(x), layer(x), atol=1e-5)


def test_tucker_keeps_what_lies_in_few_channels():
    torch.manual_seed(1)
    layer = nn.Conv2d(6, 8, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.einsum("or,rsyx,cs->ocyx", torch.randn(8, 2),
                                        torch.randn(2, 3, 3, 3), torch.randn(6, 3)))
    x = torch.randn(2, 6, 5, 5)
    assert torch.allclose(tucker_factors(layer, 3, 2)(x), layer(x), atol=1e-4)


def test_a_recipe_gives_a_network_of_factors(split):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((Train(epochs=12, lr=0.01), Distil(),
                                       LowRank(rank={"fc1": 10}),
                                       Prune(density=0.9, epochs=2),
                                       Quantise(weight_bits={"fc1.factor0": 7, "*": 6},
                                                activation_bits=6, epochs=4))), split)
    shapes = {node.name: node.weights.shape for node in result.network.nodes
              if hasattr(node, "weights")}
    assert shapes == {"fc1_factor0": (10, 64), "fc1_factor1": (24, 10), "fc2": (24, 24),
                      "fc3": (10, 24)}
    assert result.network.edges["fc1_between1"].format.bits == 6
    assert result.notes["low-rank"] == {"ranks": {"fc1": 10}}
    assert result.accuracy["golden"] > 85


def test_factors_stand_behind_their_norm(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((
        Train(epochs=2), LowRank(rank={"conv1": 2}), Tucker(rank_in={"conv2": 2},
                                                            rank_out={"conv2": 3}),
        Quantise(epochs=1))), as_maps(split))
    names = [node.name for node in result.network.nodes if hasattr(node, "weights")]
    assert names == ["conv1_factor0", "conv1_factor1", "conv2_factor0", "conv2_factor1",
                     "conv2_factor2", "fc"]


@pytest.mark.parametrize(("step", "message"), [
    (LowRank(rank={"fc1": 18}), "layer 'fc1' must get smaller, but factors of rank 18 have 1,584"
                                " weights and it has 1,536: take a lower rank, or 0 to leave it"),
    (Tucker(rank_in=2, rank_out=2), "layer 'fc1' must be a Conv2d, not Linear(in_features=64,"
                                    " out_features=24, bias=True): name the convolutions, as in"
                                    " rank_in = { conv1 = 4 }"),
    (Tucker(rank_in={"fc1": 2}, rank_out={"fc2": 2}),
     "rank_in and rank_out must name the same layers, not ['fc1'] and ['fc2']"),
])
def test_ranks_that_do_not_pay_are_refused(split, plain, step, message):
    with refused(SpecError, f"recipe 'recipe': step 1 '{step.kind}': {message}"):
        compress(plain, Recipe((step, Quantise())), split)


def test_a_later_step_must_name_the_factors(split, plain):
    with refused(SpecError, "recipe 'recipe': step 2 'prune': density must name layers of"
                            " ['fc1.factor0', 'fc1.factor1', 'fc2', 'fc3'], or '*' for all others,"
                            " not 'fc1'"):
        compress(plain, Recipe((LowRank(rank={"fc1": 2}), Prune(density={"fc1": 0.5}),
                                Quantise())), split)
