from collections import OrderedDict

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen import golden
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


def test_only_modules_are_converted():
    with refused(TypeError, "module must be a torch.nn.Module, not 'net'"):
        quantise("net", np.zeros((1, 2), dtype=int), weight_bits=4, activation_bits=4)


@pytest.mark.parametrize("layer", [nn.GELU(), nn.BatchNorm1d(2)])
def test_other_layers_are_refused(layer):
    net = nn.Sequential(QuantInput(bits=4), layer)
    with refused(SpecError, f"quantise: module '1': must be QuantInput, Linear, Conv2d, a batch"
                            f" norm behind one of these, ReLU, ReLU6, LeakyReLU, Hardtanh,"
                            f" Sigmoid, Tanh, MaxPool2d, AvgPool2d,"
                            f" AdaptiveAvgPool2d(1), Flatten, Dropout or a sum, not {layer!r}:"
                            f" put one of these in its place"):
        quantise(net, np.zeros((1, 2), dtype=int), weight_bits=4, activation_bits=4)


def maps(rng):
    return rng.integers(0, 16, (40, 2, 9, 8))


def float_cnn(rng):
    """Every layer of maps: plain, strided, padded and depthwise, norms, both kinds of pools."""
    torch.manual_seed(0)
    net = nn.Sequential(OrderedDict(
        pixels=QuantInput(bits=4, frac=4),
        conv1=nn.Conv2d(2, 4, (3, 2), padding=(1, 0)), bn1=nn.BatchNorm2d(4), act1=nn.ReLU(),
        pool1=nn.MaxPool2d(2, stride=1),
        conv2=nn.Conv2d(4, 8, 3, groups=4, padding="same", bias=False), bn2=nn.BatchNorm2d(8),
        act2=nn.ReLU(), drop=nn.Dropout2d(),
        pool2=nn.AvgPool2d(2), conv3=nn.Conv2d(8, 6, 2, stride=(2, 1)), act3=nn.ReLU(),
        flat=nn.Flatten(), act4=nn.ReLU(), fc=nn.Linear(24, 3)))
    for _ in range(3):
        net(torch.from_numpy(maps(rng)).float())
    with torch.no_grad():  # scores that differ from image to image
        net.conv3.weight.mul_(4)
        net.fc.weight.mul_(4)
    return net.eval()


def test_convolutions_come_near_the_float_network_and_are_exported(rng):
    net, x = float_cnn(rng), maps(rng)
    twin = quantise(net, x, weight_bits=14, activation_bits=14)
    assert "bn1" not in dict(twin.named_children())
    with torch.no_grad():
        scores, wanted = (m(torch.from_numpy(x).float()) for m in (twin, net))
    assert torch.allclose(scores, wanted, atol=1e-2)
    assert float((wanted - wanted.mean(0)).abs().max()) > 0.1
    narrow = quantise(net, x, weight_bits=4, activation_bits=4)
    network = export(narrow, x[:1])
    found = golden.run(network, np.moveaxis(x, 1, -1))[network.scores]
    assert np.array_equal(found, predict_integers(narrow, x))


def test_the_average_of_whole_maps_keeps_its_sign(rng):
    torch.manual_seed(1)
    net = nn.Sequential(QuantInput(bits=4, frac=4), nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(1),
                        nn.Flatten(), nn.Linear(3, 3))
    x = maps(rng)
    twin = quantise(net, x, weight_bits=14, activation_bits=14)
    with torch.no_grad():
        assert float(net[:3](torch.from_numpy(x).float()).min()) < 0
        assert torch.allclose(twin(torch.from_numpy(x).float()),
                              net(torch.from_numpy(x).float()), atol=2e-3)


@pytest.mark.parametrize(("layer", "reason"), [
    (nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular"),
     "padding_mode must be 'zeros', not 'circular'"),
    (nn.Conv2d(2, 4, 2, padding="same"),
     "padding must be the same at both sides, not that of 'same' for a kernel of (2, 2)"),
    (nn.AvgPool2d(2, padding=1), "padding must be 0, not 1"),
    (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode must be False, not True"),
    (nn.AvgPool2d(2, divisor_override=3), "divisor_override must be None, not 3"),
    (nn.AdaptiveAvgPool2d(2), "output_size must be 1, the average of the whole map, not 2"),
    (nn.Flatten(2), "start_dim and end_dim must be 1 and -1, so that samples become vectors, not 2"
                    " and -1"),
])
def test_settings_without_a_twin_are_refused(layer, reason):
    net = nn.Sequential(QuantInput(bits=4), layer)
    with refused(SpecError, f"quantise: module '1': {reason}"):
        quantise(net, np.zeros((1, 2, 5, 5), int), weight_bits=4, activation_bits=4)


def test_groups_that_are_not_channels_are_refused():
    net = nn.Sequential(QuantInput(bits=4), nn.Conv2d(4, 4, 3, groups=2))
    with refused(SpecError, "quantise: module '1': groups must be 1, or the 4 channels that come in"
                            " (depthwise), not 2"):
        quantise(net, np.zeros((1, 4, 5, 5), int), weight_bits=4, activation_bits=4)


@pytest.mark.parametrize(("layers", "found"), [
    ((), "empty"), ((nn.ReLU(),), "ReLU()"), ((nn.ReLU(), QuantInput(bits=4)), "ReLU()")])
def test_the_first_layer_says_what_comes_in(layers, found):
    with refused(SpecError, "quantise: module must begin with QuantInput, which says what integers"
                            f" come in, not {found}"):
        quantise(nn.Sequential(*layers), np.zeros((2, 3), int), weight_bits=4, activation_bits=4)
