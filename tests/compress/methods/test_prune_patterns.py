import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps, weights_of
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import put
from hwgen.compress.methods import PruneBalanced, PruneBlock, PruneNM, Quantise
from hwgen.compress.methods.mask import Mask
from hwgen.compress.methods.prune_patterns import (
    _Pattern,
    keep_balanced,
    keep_balanced_columns,
    keep_blocks,
    keep_nm,
)
from hwgen.compress.methods.splice import Surgery
from hwgen.numeric import SpecError


def test_n_of_m_keeps_the_largest_of_each_group():
    score = torch.tensor([[1.0, 4, 3, 2, 5, 5, 5, 5]])
    assert keep_nm(score, 2, 4).int().tolist() == [[0, 1, 1, 0, 1, 1, 0, 0]]
    assert keep_nm(score, 1, 2).int().tolist() == [[0, 1, 1, 0, 1, 0, 1, 0]]


def test_blocks_are_those_of_the_largest_sums():
    score = torch.tensor([[1.0, 1, 9, 0], [1, 1, 0, 0], [3, 3, 0, 0], [0, 0, 2, 3]])
    assert keep_blocks(score, 2, 2, 0.5).int().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1],
                                                            [1, 1, 0, 0], [1, 1, 0, 0]]


def test_each_element_keeps_the_same_number():
    score = torch.arange(24.0).view(6, 4)
    kept = keep_balanced(score, 3, 0.5)
    assert [int(kept[k::3].sum()) for k in range(3)] == [4, 4, 4]
    assert kept[0::3].int().tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_each_element_keeps_the_same_number_of_each_column():
    score = torch.tensor([[1.0, 8, 3], [2, 1, 3], [5, 7, 1], [9, 6, 2]])
    assert keep_balanced_columns(score, 2, 0.5).int().tolist() == [
        [0, 1, 1], [0, 0, 1], [1, 0, 0], [1, 1, 0]]
    # One of three columns has both: that whose smaller ones are largest together, 7 and 1.
    assert keep_balanced_columns(score, 2, 2 / 3).int().tolist() == [
        [0, 1, 1], [0, 1, 1], [1, 1, 0], [1, 1, 0]]


@pytest.mark.parametrize(("rows", "elements", "density"),
                         [(12, 4, 0.3), (10, 4, 0.3), (10, 4, 1.0), (7, 7, 0.2), (64, 8, 0.09)])
def test_columns_differ_by_one_at_most(rows, elements, density):
    score = torch.rand((rows, 30), generator=torch.Generator().manual_seed(1))
    kept = keep_balanced_columns(score, elements, density)
    counts = torch.stack([kept[k::elements].sum(0) for k in range(elements)])
    own = torch.tensor([len(range(k, rows, elements)) for k in range(elements)])[:, None]
    most = counts.max(0).values
    assert torch.equal(counts, torch.minimum(most, own))
    assert int(most.max() - most.min()) <= 1
    if rows % elements == 0:
        assert abs(int(kept.sum()) - density * kept.numel()) <= elements / 2


def test_none_that_is_out_comes_back():
    layer = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[9.0, 1, 2, 3]]))
    form = put(layer, Mask(layer.weight))
    form.kept[0, 0] = False
    _Pattern({}, 1.0, 1, PruneNM(n=2, m=4)).shrink(layer, 0.5)
    assert form.kept.int().tolist() == [[0, 0, 1, 1]]


def test_what_another_form_has_removed_is_not_taken_for_one_that_stays():
    layer = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[9.0, 1, 2, 3]]))
    form = put(layer, Mask(layer.weight))
    put(layer, Surgery(layer.weight)).kept[0, 0] = False
    _Pattern({}, 1.0, 1, PruneNM(n=2, m=4)).shrink(layer, 0.5)
    assert form.kept.int().tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_recipe_ends_at_the_pattern(split, epochs):
    torch.manual_seed(0)
    result = compress(Plain(), Recipe((PruneNM(n=1, m=4, epochs=epochs, every=3, layers=["fc1"]),
                                       PruneBlock(density=0.25, rows=4, columns=2, layers=["fc2"],
                                                  epochs=epochs, every=3),
                                       Quantise(weight_bits=12))), split)
    dense = weights_of(result.network)
    assert (np.count_nonzero(dense["fc1"].reshape(24, 16, 4), axis=2) == 1).all()
    blocks = np.count_nonzero(dense["fc2"].reshape(6, 4, 12, 2), axis=(1, 3))
    assert set(np.unique(blocks)) == {0, 8}
    assert np.count_nonzero(blocks) == 18
    assert np.count_nonzero(dense["fc3"]) > 230
    assert result.notes["prune-nm"] == {"density": {"fc1": 0.25}}


def test_groups_of_a_convolution_are_channels_at_one_place(split):
    torch.manual_seed(0)
    result = compress(PlainMaps(), Recipe((PruneNM(layers=["conv2"]), Quantise(weight_bits=12),
                                           PruneBalanced(density=0.5, elements=5, layers=["fc"]))),
                      as_maps(split))
    dense = weights_of(result.network)
    assert (np.count_nonzero(dense["conv2"].reshape(6, 9, 4), axis=2) == 2).all()
    assert [np.count_nonzero(dense["fc"][k::5]) for k in range(5)] == [24] * 5


@pytest.mark.parametrize(("step", "message"), [
    (PruneNM(n=2, m=5, layers=["conv2"]), "m must divide the 36 inputs of layer 'conv2', not be 5"),
    (PruneBlock(density=0.5, rows=4, layers=["conv2"]), "rows and columns must divide the 6 outputs"
     " and 36 inputs of layer 'conv2', not be 4 and 1"),
    (PruneBalanced(density=0.5, elements=7, layers=["conv2"]),
     "elements must be at most the 6 outputs of layer 'conv2', not 7"),
    (PruneNM(), "m must divide the 9 inputs of layer 'conv1', not be 4"),
    (PruneNM(layers=["fc"]), "must come after 'quantise' for layer 'fc', whose columns are put into"
                             " another order there; or name others in layers"),
    (PruneNM(layers=["head"]), "layers must name layers of ['conv1', 'conv2', 'fc'], or '*' for all"
                               " others, not 'head'"),
])
def test_patterns_that_do_not_fit_are_refused(split, step, message):
    torch.manual_seed(0)
    with refused(SpecError, f"recipe 'recipe': step 1 '{step.kind}': {message}"):
        compress(PlainMaps(), Recipe((step, Quantise())), as_maps(split))
