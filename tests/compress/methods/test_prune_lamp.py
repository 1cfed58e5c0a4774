"""Layer-adaptive pruning: scores by hand, layers of any scale, one density for all of them."""

import pytest
import torch
from cases.errors import refused
from cases.plain import Plain
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import form_of, put
from hwgen.compress.methods import PruneLamp, Quantise, Train
from hwgen.compress.methods.mask import Mask
from hwgen.compress.methods.prune_lamp import keep_best, lamp
from hwgen.numeric import SpecError


def layer_of(values):
    layer = nn.Linear(len(values), 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([values]))
    put(layer, Mask(layer.weight))
    return layer


def kept(*layers):
    return [form_of(layer, Mask).kept.int().tolist()[0] for layer in layers]


def test_a_score_is_the_share_in_what_is_not_smaller():
    found = lamp(torch.tensor([[1.0, -4.0], [2.0, 0.0]]))
    wanted = torch.tensor([[1 / 21, 1], [4 / 20, 0]], dtype=torch.float64)
    assert torch.allclose(found, wanted)


def test_layers_of_any_scale_share_one_density():
    small, large = layer_of([0.01, -0.04, 0.02, 0.03]), layer_of([10.0, 400.0, 30.0, 20.0])
    keep_best([small, large], 0.5)             # by magnitude alone, none of the small ones stayed
    assert kept(small, large) == [[0, 1, 1, 1], [0, 1, 0, 0]]


def test_none_comes_back_and_each_layer_keeps_one():
    first, second = layer_of([1.0, 2.0, 3.0, 4.0]), layer_of([5.0, 5.0, 5.0, 5.0])
    form_of(first, Mask).kept[0, 3] = False
    keep_best([first, second], 0.01)
    assert kept(first, second) == [[0, 0, 1, 0], [1, 0, 0, 0]]
    keep_best([first, second], 1.0)
    assert kept(first, second) == [[0, 0, 1, 0], [1, 0, 0, 0]]


def test_a_recipe_ends_at_the_density_of_the_named_layers(split):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((Train(epochs=10, lr=0.01), PruneLamp(
        density=0.2, layers=["fc1", "fc2"], epochs=3, every=5), Quantise(weight_bits=16))), split)
    found = {node.name: node.weights for node in result.network.nodes if hasattr(node, "weights")}
    assert found["fc1"].nonzeros + found["fc2"].nonzeros == round(0.2 * (1536 + 576))
    assert found["fc1"].nonzeros / 1536 != found["fc2"].nonzeros / 576
    assert found["fc3"].nonzeros > 230
    assert result.accuracy["golden"] > 80


def test_layers_must_be_names_of_the_model(split):
    with pytest.raises(SpecError, match="layers must name layers of .*'fc3'.*, not 'fc9'"):
        compress(Plain(), Recipe((PruneLamp(density=0.5, layers=["fc9"]), Quantise())), split)
    with refused(SpecError, "prune-lamp: layers must be a list of names, not 'fc1'"):
        PruneLamp(density=0.5, layers="fc1")
