import json

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.plain import Plain, PlainMaps, as_maps, net, weights_of
from torch import nn

from hwgen.compress import Recipe, compress
from hwgen.compress.form import form_of
from hwgen.compress.methods import Prune, Quantise, TensorTrain, Train
from hwgen.compress.methods.placed import Placed, PlacedStorage
from hwgen.compress.methods.tensor_train import core_places, tt_cores
from hwgen.numeric import SpecError


def whole(cores):
    """The matrix of three cores, entry by entry, by the equation."""
    shape = [[core.shape[axis] for core in cores] for axis in (1, 2)]
    matrix = np.zeros((*shape[0], *shape[1]))
    for at in np.ndindex(matrix.shape):
        product = np.eye(1)
        for k, core in enumerate(cores):
            product = product @ core.numpy()[:, at[k], at[3 + k], :]
        matrix[at] = product[0, 0]
    return matrix.reshape(np.prod(shape[0]), np.prod(shape[1]))


def test_cores_of_full_ranks_are_the_matrix():
    weight = torch.randn(12, 8, generator=torch.Generator().manual_seed(0))
    cores = tt_cores(weight, (2, 3, 2), (2, 2, 2), (99, 99))
    assert [tuple(core.shape) for core in cores] == [(1, 2, 2, 4), (4, 3, 2, 4), (4, 2, 2, 1)]
    assert np.allclose(whole(cores), weight.numpy(), atol=1e-5)


def test_a_train_of_low_ranks_is_found_again():
    torch.manual_seed(1)
    given = whole([torch.randn(1, 2, 2, 2), torch.randn(2, 3, 2, 3), torch.randn(3, 2, 3, 1)])
    cores = tt_cores(torch.from_numpy(given), (2, 3, 2), (2, 2, 3), (2, 3))
    assert [tuple(core.shape) for core in cores] == [(1, 2, 2, 2), (2, 3, 2, 3), (3, 2, 3, 1)]
    assert np.allclose(whole(cores), given)


def test_the_chain_of_layers_multiplies_by_the_train():
    torch.manual_seed(2)
    layer = nn.Linear(12, 12)
    step = TensorTrain(modes_out=[2, 3, 2], modes_in=[3, 2, 2], rank=2)
    chain = step._factors(layer, ((2, 3, 2), (3, 2, 2), (2, 2)), None)
    cores = [form_of(chain[k], Placed).numbers.detach() for k in (4, 2, 0)]
    assert sum(core.numel() for core in cores) == 12 + 24 + 8
    matrix = whole([core.reshape(shape) for core, shape in zip(
        cores, [(1, 2, 3, 2), (2, 3, 2, 2), (2, 2, 2, 1)], strict=True)])
    x = torch.randn(3, 12)
    assert np.allclose(chain(x).detach(), x.numpy() @ matrix.T + layer.bias.detach().numpy(),
                       atol=1e-5)


def test_a_number_gets_the_gradients_of_all_its_entries():
    layer = nn.Linear(4, 2, bias=False)
    places = core_places((1, 1, 2, 1), 2, 1)
    assert places.tolist() == [[0, 1, -1, -1], [-1, -1, 0, 1]]
    form = Placed(torch.tensor([3.0, 5.0]), places, torch.tensor([[1, 1, 1, 1], [1, 1, -1, 1]]))
    nn.utils.parametrize.register_parametrization(layer, "weight", form)
    assert layer.weight.tolist() == [[3, 5, 0, 0], [0, 0, -3, 5]]
    layer(torch.tensor([[1.0, 10, 100, 1000]])).sum().backward()
    assert form.numbers.grad.tolist() == [1 - 100, 10 + 1000]


@pytest.mark.parametrize(("model", "step", "counts"), [
    (Plain, {"modes_out": {"fc1": [4, 3, 2]}, "modes_in": {"fc1": [4, 4, 4]}, "rank": 3},
     {"fc1_factor0": 3 * 2 * 4, "fc1_factor1": 3 * 3 * 4 * 3, "fc1_factor2": 4 * 4 * 3}),
    (PlainMaps, {"modes_out": {"fc": [2, 5]}, "modes_in": {"fc": [6, 4]}, "rank": {"fc": [2]}},
     {"fc_factor0": 5 * 4 * 2, "fc_factor1": 2 * 6 * 2}),
])
def test_the_account_counts_the_cores_and_is_saved(split, tmp_path, model, step, counts):
    torch.manual_seed(0)
    data = as_maps(split) if model is PlainMaps else split
    result = compress(model(), Recipe((Train(epochs=1, lr=0.01), TensorTrain(**step, epochs=1),
                                       Quantise(weight_bits=7, epochs=1))), data)
    entries = {(e.node, e.part): e for e in result.account.entries}
    for name, count in counts.items():
        entry = entries[name, "weights"]
        assert (entry.bits, entry.storage) == (7 * count, "placed")
        assert len(np.unique(np.abs(weights_of(result.network)[name]))) <= count + 1
    saved = json.loads(result.save(tmp_path).with_suffix(".json").read_text())
    assert saved["bits"] == result.account.bits


def test_what_is_pruned_behind_is_counted_as_it_is(split):
    torch.manual_seed(0)
    step = TensorTrain(modes_out={"fc1": [6, 4]}, modes_in={"fc1": [8, 8]}, rank=2)
    result = compress(Plain(), Recipe((step, Prune(density={"fc1.factor1": 0.05}), Quantise())),
                      split)
    entries = {(e.node, e.part): e for e in result.account.entries}
    assert entries["fc1_factor0", "weights"].storage == "placed"
    assert entries["fc1_factor1", "weights"].storage == "columns"


def test_storage_of_entries_that_differ_is_refused():
    storage = PlacedStorage([[0, 1, -1]], [[1, -1, 1]])
    assert storage.parts(np.array([[2, -3, 0]]), 5) == {"weights": 10}
    with refused(SpecError, "entries of a number must be equal to be stored as one, and are not"):
        storage.parts(np.array([[2, -3, 1]]), 5)
    assert not PlacedStorage([[0, 0]], [[1, -1]]).says(np.array([[2, 2]]))


@pytest.mark.parametrize(("fields", "message"), [
    ({"modes_out": {"fc1": [4, 6]}, "modes_in": {"fc1": [4, 8]}},
     "layer 'fc1': modes_in must have the product 64, not 32 of [4, 8]"),
    ({"modes_out": {"fc1": [24]}, "modes_in": {"fc1": [64]}},
     "layer 'fc1': modes_out and modes_in must be as many, two at least, not [24] and [64]"),
    ({"modes_out": {"fc1": [4, 6]}, "modes_in": {"fc1": [8, 8]}, "rank": [2, 3]},
     "layer 'fc1': rank must be 1 numbers of 1 or more, one less than modes, not [2, 3]"),
    ({"modes_out": {"fc1": [4, 6]}, "modes_in": {"fc1": [8, 8]}, "rank": 20},
     "layer 'fc1' must get smaller, but factors of ranks [20] have 1,600 weights and it has 1,536:"
     " take a lower rank, or 0 to leave it"),
    ({"modes_out": {"fc1": [4, 6]}, "modes_in": {"fc2": [8, 3]}},
     "modes_out and modes_in must name the same layers, not ['fc1'] and ['fc2']"),
])
def test_modes_that_do_not_fit_are_refused(split, plain, fields, message):
    with refused(SpecError, f"recipe 'recipe': step 1 'tensor-train': {message}"):
        compress(plain, Recipe((TensorTrain(**{"rank": 2, **fields}), Quantise())), split)


def test_norms_behind_and_convolutions_are_refused(split):
    with refused(SpecError, "recipe 'recipe': step 1 'tensor-train': layer 'conv2' must be a"
                            " Linear, not Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1)): name"
                            " those layers alone"):
        compress(PlainMaps(), Recipe((TensorTrain(modes_out={"conv2": [2, 3]}, rank=2,
                                                  modes_in={"conv2": [2, 2]}), Quantise())),
                 as_maps(split))
    model = net(lambda self, x: self.norm(self.fc(x)), fc=nn.Linear(64, 10),
                norm=nn.BatchNorm1d(10))
    with refused(SpecError, "recipe 'recipe': step 1 'tensor-train': layer 'fc' must have no batch"
                            " norm behind it: folded into the factors it gives each output a factor"
                            " of its own"):
        compress(model, Recipe((TensorTrain(modes_out=[2, 5], modes_in=[8, 8], rank=2),
                                Quantise())), split)
