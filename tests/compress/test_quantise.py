from collections import OrderedDict

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen.compress import QuantInput, QuantLinear, QuantReLU, export, predict_integers, quantise
from hwgen.numeric import SpecError


def float_net(rng):
    torch.manual_seed(0)
    net = nn.Sequential(OrderedDict(
        pixels=QuantInput(bits=4, frac=4), fc1=nn.Linear(6, 8), bn1=nn.BatchNorm1d(8),
        act1=nn.ReLU(), drop=nn.Dropout(), fc2=nn.Linear(8, 3, bias=False)))
    net(torch.from_numpy(samples(rng)).float())  # moves the statistics of the norm
    return net.eval()


def samples(rng):
    return rng.integers(0, 16, (50, 6))


def test_names_stay_and_norms_are_folded(rng):
    net = float_net(rng)
    twin = quantise(net, samples(rng), weight_bits=5, activation_bits=4)
    assert {name: type(layer) for name, layer in twin.named_children()} == {
        "pixels": QuantInput, "fc1": QuantLinear, "act1": QuantReLU, "fc2": QuantLinear}
    assert (twin.fc1.bits, twin.act1.bits) == (5, 4)
    assert (int(twin.pixels.frac), twin.pixels.bits) == (4, 4)
    assert twin.fc2.bias is None


def test_many_bits_come_near_the_float_network(rng):
    net, x = float_net(rng), samples(rng)
    twin = quantise(net, x, weight_bits=14, activation_bits=14)
    with torch.no_grad():
        assert torch.allclose(twin(torch.from_numpy(x).float()),
                              net(torch.from_numpy(x).float()), atol=2e-3)


def test_the_twin_is_exportable_and_the_original_untouched(rng):
    net, x = float_net(rng), samples(rng)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    twin = quantise(net, x, weight_bits=4, activation_bits=3)
    assert export(twin, x).scores == "fc2"
    assert predict_integers(twin, x).dtype == np.int64
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_only_sequences_are_converted():
    with refused(TypeError, "quantise: module must be a torch.nn.Sequential, not Linear"):
        quantise(nn.Linear(2, 2), np.zeros((1, 2), dtype=int), weight_bits=4, activation_bits=4)


@pytest.mark.parametrize("layer", [nn.Tanh(), nn.BatchNorm1d(2)])
def test_other_layers_are_refused(layer):
    net = nn.Sequential(QuantInput(bits=4), layer)
    with refused(SpecError, f"quantise: module '1' must be QuantInput, Linear, BatchNorm1d behind a"
                            f" Linear, ReLU or Dropout, not {layer!r}"):
        quantise(net, np.zeros((1, 2), dtype=int), weight_bits=4, activation_bits=4)


@pytest.mark.parametrize(("layers", "found"), [
    ((), "empty"), ((nn.ReLU(),), "ReLU()"), ((nn.ReLU(), QuantInput(bits=4)), "ReLU()")])
def test_the_first_layer_says_what_comes_in(layers, found):
    with refused(SpecError, "quantise: module must begin with QuantInput, which says what integers"
                            f" come in, not {found}"):
        quantise(nn.Sequential(*layers), np.zeros((2, 3), int), weight_bits=4, activation_bits=4)
