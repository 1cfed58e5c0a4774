import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.interrupted import StoppedError, stopping
from cases.plain import Plain, PlainMaps, as_maps, weights_of
from scipy.linalg import circulant
from torch import nn

from hwgen.compress import QuantConv2d, QuantDepthwiseConv2d, Recipe, compress
from hwgen.compress.form import put
from hwgen.compress.frame.storage import Plain as PlainStorage
from hwgen.compress.methods import Circulant, Hashed, Prune, Quantise, Train
from hwgen.compress.methods.place_hash import places_and_signs
from hwgen.compress.methods.tied import Tied, circulant_places, hashed
from hwgen.numeric import SpecError


def test_each_block_is_a_circulant_matrix():
    torch.manual_seed(0)
    layer = nn.Linear(8, 12)
    put(layer, Tied(circulant_places(layer, 4)))
    blocks = layer.weight.detach().unflatten(0, (3, 4)).unflatten(2, (2, 4)).permute(0, 2, 1, 3)
    for block in blocks.flatten(0, 1).numpy():
        assert np.array_equal(block, circulant(block[:, 0]))
    assert len(blocks.unique()) == 3 * 2 * 4


def test_the_weights_are_the_nearest_circulant_ones():
    layer = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [6.0, 5.0]]))
    put(layer, Tied(circulant_places(layer, 2)))
    assert layer.weight.tolist() == [[3, 4], [4, 3]]
    layer(torch.tensor([[1.0, 10.0]]))[0, 0].backward()
    latent = layer.parametrizations.weight.original
    assert latent.grad.tolist() == [[0.5, 5], [5, 0.5]]


def test_blocks_at_the_ends_are_cut():
    places = circulant_places(nn.Linear(5, 3), 4)
    assert places.tolist() == [[0, 3, 2, 1, 4], [1, 0, 3, 2, 5], [2, 1, 0, 3, 6]]


@pytest.mark.parametrize("layer", [nn.Conv2d(4, 8, 3), QuantConv2d(4, 8, 3, bits=4)])
def test_a_convolution_is_circulant_from_channels_to_channels(layer):
    places = circulant_places(layer, 4)
    if isinstance(layer, QuantConv2d):
        places = places.unflatten(1, (3, 3, 4)).permute(0, 3, 1, 2)
    assert places.shape == (8, 4, 3, 3)
    for tap in places.flatten(2).permute(2, 0, 1).numpy():
        for block in (tap[:4], tap[4:]):
            assert np.array_equal(block, circulant(block[:, 0]))
    assert len(places.unique()) == 2 * 4 * 9


def test_weights_of_a_number_are_equal_but_for_their_signs():
    torch.manual_seed(0)
    layer = nn.Linear(40, 30)
    before = layer.weight.detach().clone()
    places, signs = hashed(layer, 50, 3)
    put(layer, Tied(places, signs))
    weight = layer.weight.detach()
    assert len(weight.abs().unique()) == len(places.unique()) <= 50
    for number in places.unique():
        of_it = places == number
        mean = (before * signs)[of_it].mean()
        assert torch.allclose(weight[of_it], mean * signs[of_it])


def test_gradients_are_means_of_the_signed_ones():
    layer = nn.Linear(3, 1, bias=False)
    put(layer, Tied(torch.tensor([[0, 1, 0]]), torch.tensor([[1, 1, -1]], dtype=torch.int8)))
    layer(torch.tensor([[2.0, 5.0, 10.0]])).backward()
    assert layer.parametrizations.weight.original.grad.tolist() == [[-4, 5, 4]]


@pytest.mark.parametrize("layer", [nn.Conv2d(4, 8, 3), QuantConv2d(4, 8, 3, bits=4)])
def test_a_convolution_is_hashed_by_output_channel_and_tap(layer):
    wanted = places_and_signs((8, 4, 9), 20, 3)
    found = hashed(layer, 20, 3)
    if isinstance(layer, QuantConv2d):
        found = [each.unflatten(1, (9, 4)).transpose(1, 2) for each in found]
    for each, of_hash in zip(found, wanted, strict=True):
        assert np.array_equal(each.reshape(8, 4, 9), of_hash)


@pytest.mark.parametrize("behind", [False, True])
def test_the_network_has_what_the_hash_of_the_noted_seeds_says(split, behind):
    torch.manual_seed(0)
    step, quantise = Hashed(share={"conv2": 0.2, "fc": 0.1}, epochs=1), Quantise(weight_bits=6)
    result = compress(PlainMaps(), Recipe((quantise, step) if behind else (step, quantise)),
                      as_maps(split))
    notes, found = result.notes["hash"], weights_of(result.network)
    assert notes["conv2"]["numbers"] == 43
    assert notes["conv2"]["seed"] != notes["fc"]["seed"]
    for name, shape, inner in (("conv2", (6, 4, 9), 4), ("fc", (10, 24, 1), 1 if behind else 6)):
        places, signs = places_and_signs(shape, notes[name]["numbers"], notes[name]["seed"])
        channels_first = found[name].reshape(shape[0], -1, inner).swapaxes(1, 2).reshape(shape)
        plain = channels_first * signs
        numbers = result.network.node(name).weights.numbers
        assert len(numbers) == len(np.unique(places))
        assert all(len(np.unique(plain[places == number])) == 1 for number in np.unique(places))


@pytest.mark.parametrize(("model", "step", "groups"), [
    (Plain, Circulant(block={"fc1": 8, "fc2": 4}), {"fc1": 64 * 24 // 8, "fc2": 24 * 24 // 4}),
    (PlainMaps, Circulant(block={"conv2": 4, "fc": 2}), {"conv2": 4 * 4 * 9 // 4 * 2, "fc": 120}),
    (Plain, Hashed(share={"fc1": 0.1}), {"fc1": 154}),
])
def test_the_network_is_tied_and_the_account_counts_the_groups(split, model, step, groups):
    torch.manual_seed(0)
    steps = ((Train(epochs=1), Quantise(weight_bits=6), step) if model is PlainMaps
             else (Train(epochs=1), step, Quantise(weight_bits=6)))
    result = compress(model(), Recipe(steps), as_maps(split) if model is PlainMaps else split)
    entries = {(e.node, e.part): e for e in result.account.entries}
    for name, count in groups.items():
        entry = entries[name, "weights"]
        assert (entry.bits, entry.storage) == (6 * count, "placed")
        values = weights_of(result.network)[name]
        assert entry.bits < PlainStorage().bits(values, 6)


def test_a_hashed_training_goes_on_from_its_checkpoint(split, tmp_path):
    seen = []

    def made(**options):
        torch.manual_seed(0)
        model = Plain()
        torch.manual_seed(len(seen))
        return compress(model, Recipe((Hashed(epochs=2), Quantise())), split, **options).network

    def enough(epoch):
        seen.append(epoch)
        return len(seen) == 1

    with pytest.raises(StoppedError):
        made(folder=tmp_path, progress=stopping(enough))
    assert made(folder=tmp_path, progress=seen.append).digest == made().digest
    assert len(seen) == 2


def test_steps_that_do_not_go_together_are_refused(split):
    torch.manual_seed(0)
    with refused(SpecError, "recipe 'recipe': step 2 'circulant': must not come after step 1"
                            " 'prune', which removes weights: its weights are no longer"
                            " each of their own: tie all weights of a layer first, or leave one of"
                            " the two out"):
        compress(Plain(), Recipe((Prune(density=0.5), Circulant(), Quantise())), split)
    with refused(SpecError, "recipe 'recipe': step 1 'circulant': must come after 'quantise' where"
                            " a batch norm follows, as behind 'conv1': folded into the weights it"
                            " gives each output a factor"):
        compress(PlainMaps(), Recipe((Circulant(block=2), Quantise())), as_maps(split))


def test_depthwise_layers_are_refused():
    with refused(SpecError, "must not be depthwise: each of its outputs reads one channel"):
        circulant_places(QuantDepthwiseConv2d(4, 3, bits=4), 2)
