import pytest
import torch
from cases.errors import refused
from cases.plain import PlainMaps, as_maps
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.methods import Cp, Quantise, Train
from hwgen.compress.methods.cp import cp_als, cp_factors
from hwgen.numeric import SpecError


def seeded():
    return torch.Generator().manual_seed(0)


def sum_of_products(factors):
    return torch.einsum("ar,br,cr,dr->abcd", *factors)


def test_a_sum_of_few_products_is_found_again():
    given = [torch.randn(n, 3, generator=seeded().manual_seed(n), dtype=torch.float64)
             for n in (7, 5, 3, 4)]
    found = cp_als(sum_of_products(given), 3, seeded(), rounds=2000)
    assert torch.allclose(sum_of_products(found), sum_of_products(given), atol=1e-3)


def test_of_a_matrix_it_is_no_worse_than_any_other():
    matrix = torch.randn(6, 5, generator=seeded(), dtype=torch.float64)
    a, b = cp_als(matrix, 2, seeded())
    s = torch.linalg.svdvals(matrix)                    # the best of rank 2, Eckart and Young
    assert torch.isclose((matrix - a @ b.T).square().sum(), s[2:].square().sum(), rtol=1e-3)


def test_each_factor_is_least_squares_where_it_ends():
    tensor = torch.randn(4, 3, 3, 3, generator=seeded(), dtype=torch.float64)
    factors = cp_als(tensor, 5, seeded(), rounds=3000)
    for each in factors:
        each.requires_grad_(True)
    (tensor - sum_of_products(factors)).square().sum().backward()
    for each in factors:
        assert each.grad.abs().max() < 0.02 * tensor.square().sum()


def test_the_chain_of_convolutions_computes_the_sum_of_products():
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 5, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2))
    chain = cp_factors(layer, 4, seeded())
    o, c, y, x = cp_als(layer.weight, 4, seeded())
    with torch.no_grad():
        layer.weight.copy_(sum_of_products([o, c, y, x]))
    maps = torch.randn(2, 3, 9, 8)
    assert torch.allclose(chain(maps), layer(maps), atol=1e-5)


def test_a_recipe_gives_thin_layers_behind_their_norm(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((Train(epochs=1, lr=0.01),
                                           Cp(rank={"conv1": 2, "conv2": 4}, epochs=1),
                                           Quantise())), as_maps(split))
    kinds = {node.name: type(node.weights).__name__ for node in result.network.nodes
             if hasattr(node, "weights")}
    for name in ("conv1", "conv2"):
        assert [kinds[f"{name}_factor{k}"] for k in range(4)] == ["Dense", "PerChannel",
                                                                  "PerChannel", "Dense"]
    assert result.account.weights == 2 * (1 + 6 + 4) + 4 * (4 + 6 + 6) + 240
    assert result.notes["cp"] == {"ranks": {"conv1": 2, "conv2": 4}}


@pytest.mark.parametrize(("model", "step", "message"), [
    (PlainMaps(), Cp(rank=2), "layer 'fc' must be a Conv2d, not Linear(in_features=24,"
                              " out_features=10, bias=True): name the convolutions, as in"
                              " rank = { conv1 = 4 }"),
    (PlainMaps(), Cp(rank={"conv2": 14}),
     "layer 'conv2' must get smaller, but factors of rank 14 have 224 weights and it has 216: take"
     " a lower rank, or 0 to leave it"),
])
def test_what_does_not_fit_is_refused(split, model, step, message):
    with refused(SpecError, f"recipe 'recipe': step 1 'cp': {message}"):
        compress(model, Recipe((step, Quantise())), as_maps(split))


def test_padding_by_name_is_refused(split):
    model = PlainMaps()
    model.conv1 = nn.Conv2d(1, 4, 3, padding="same")
    with refused(SpecError, "recipe 'recipe': step 1 'cp': layer 'conv1' must have a padding of"
                            " zeros in numbers, not 'same' of 'zeros'"):
        compress(model, Recipe((Cp(rank={"conv1": 1}), Quantise())), as_maps(split))
