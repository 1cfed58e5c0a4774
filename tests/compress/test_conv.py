"""Layers on maps: against torch's own convolution, and their export against golden."""

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn
from torch.nn import functional as F

from hwgen import golden
from hwgen.compress import (
    BatchNorm,
    BatchNorm2d,
    BinaryConv2d,
    BinaryLinear,
    ExportError,
    Flatten,
    QuantConv2d,
    QuantDepthwiseConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Settings,
    Sign,
    Split,
    TernaryConv2d,
    calibrate,
    cnv,
    export,
    predict_integers,
    train,
)
from hwgen.numeric import SpecError
from hwgen.plan import windowed


def settle(module):
    """Batch norms as after training: none has its starting values, some gammas are negative."""
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            for tensor in (layer.weight.data, layer.bias.data, layer.running_mean):
                tensor.normal_(generator=generator)
            layer.running_var.uniform_(0.5, 40, generator=generator)
    return module.eval()


@pytest.mark.parametrize("options", [
    {}, {"stride": 2}, {"stride": (1, 3), "dilation": (2, 1)}, {"padding": 1},
    {"padding": (0, 2), "pad_value": 1, "dilation": 2},
], ids=str)
@pytest.mark.parametrize("kernel", [1, (2, 3)])
def test_equals_the_convolution_of_torch(kernel, options):
    torch.manual_seed(1)
    layer = BinaryConv2d(3, 4, kernel, **options)
    padding = options.pop("padding", 0)
    down, across = padding if isinstance(padding, tuple) else (padding, padding)
    x = torch.randint(-1, 2, (2, 3, 7, 8)).float()
    padded = F.pad(x, (across, across, down, down), value=options.pop("pad_value", 0))
    weight = layer.integer_weight().unflatten(1, (*layer.kernel, 3)).permute(0, 3, 1, 2)
    assert torch.equal(layer(x), F.conv2d(padded, weight, **options))


def test_gradients_are_those_of_the_convolution_of_torch():
    torch.manual_seed(2)
    layer = QuantConv2d(2, 3, 3, bits=4, padding=1, bias=False)
    x = torch.randn(2, 2, 5, 5, requires_grad=True)
    weight = (layer.integer_weight() * 2.0 ** -int(layer.frac)).detach()
    weight = weight.unflatten(1, (3, 3, 2)).permute(0, 3, 1, 2).requires_grad_()
    gradient = torch.randn(2, 3, 5, 5)
    layer(x).backward(gradient)
    again = x.detach().clone().requires_grad_()
    F.conv2d(again, weight, padding=1).backward(gradient)
    assert torch.allclose(x.grad, again.grad, atol=1e-5)
    expected = weight.grad.permute(0, 2, 3, 1).flatten(1)
    assert torch.allclose(layer.weight.grad, expected, atol=1e-5)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_equals_the_convolution_of_torch_in_groups(multiplier):
    torch.manual_seed(6)
    layer = QuantDepthwiseConv2d(3, (2, 3), multiplier=multiplier, bits=5, stride=(1, 2),
                                 dilation=(2, 1), padding=1)
    torch.nn.init.normal_(layer.bias)
    layer.double()
    x = torch.randint(-8, 8, (2, 3, 7, 8)).double().requires_grad_()
    weight = (layer.integer_weight() * 2.0 ** -int(layer.frac)).detach()
    weight = weight.unflatten(1, (1, 2, 3)).requires_grad_()
    bias = layer.integer_bias().detach() * 2.0 ** -layer.out_frac
    y = F.conv2d(x, weight, bias, stride=(1, 2), dilation=(2, 1), padding=1, groups=3)
    found = layer(x)
    assert torch.equal(found, y)
    gradient = torch.randn(y.shape).double()
    first, = torch.autograd.grad(found, x, gradient, retain_graph=True)
    second, expected = torch.autograd.grad(y, (x, weight), gradient)
    assert torch.allclose(first, second)
    found.backward(gradient)
    assert torch.allclose(layer.weight.grad, expected.flatten(1))


def test_batch_norm_of_maps_is_that_of_torch():
    torch.manual_seed(3)
    ours, theirs = BatchNorm2d(3), nn.BatchNorm2d(3)
    for _ in range(3):
        x = torch.randn(4, 3, 2, 5) * 3 + 1
        assert torch.allclose(ours(x), theirs(x), atol=1e-5)
    theirs.load_state_dict(ours.state_dict())
    assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-5)


def binary():
    return nn.Sequential(
        QuantInput(bits=4), BinaryConv2d(2, 5, 3), BatchNorm2d(5), Sign(), nn.MaxPool2d(2),
        BinaryConv2d(5, 3, (2, 3), padding=(1, 0), pad_value=-1, stride=(2, 1)), BatchNorm2d(3),
        Sign(), Flatten(), BinaryLinear(3 * 2, 6), BatchNorm(6), Sign(), BinaryLinear(6, 4))


def ternary():
    return nn.Sequential(
        QuantInput(bits=3, signed=True), TernaryConv2d(2, 4, 3, dilation=2, padding=1),
        BatchNorm2d(4), Sign(), nn.Dropout(0.1), Flatten(), BinaryLinear(4 * 6 * 7, 3))


def fixed():
    return nn.Sequential(
        QuantInput(bits=5, frac=2), QuantConv2d(2, 4, 3, bits=5, padding=1), QuantReLU(bits=4),
        nn.MaxPool2d((2, 3)), QuantConv2d(4, 3, 2, bits=4, stride=2), QuantReLU(bits=3), Flatten(),
        QuantLinear(3 * 2, 4, bits=6))


def depthwise():
    return nn.Sequential(
        QuantInput(bits=5, frac=2, signed=True), QuantDepthwiseConv2d(2, 3, bits=5, padding=1),
        QuantReLU(bits=4), QuantConv2d(2, 4, 1, bits=5), QuantReLU(bits=4), nn.MaxPool2d(2),
        QuantDepthwiseConv2d(4, (2, 3), bits=4, multiplier=2, bias=False), Sign(),
        Flatten(), QuantLinear(8 * 3 * 2, 4, bits=6))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("size", "stride", "padding"), [
    (3, 2, 1), (3, 2, 0), (2, 1, 1), (3, 3, 1), ((3, 2), (1, 3), (1, 0)), ((2, 4), (3, 3), (0, 2))])
def test_max_pools_are_those_of_torch(rng, size, stride, padding, ceil_mode):
    pool = nn.MaxPool2d(size, stride, padding, ceil_mode=ceil_mode)
    module = nn.Sequential(QuantInput(bits=4, signed=True), pool)
    for shape in ((7, 8), (8, 5), (5, 9)):
        x = rng.integers(-8, 8, (3, 2, *shape))
        x[0] = -8
        network = export(module, x[:1], argmax=False)
        expected = np.moveaxis(pool(torch.from_numpy(x).double()).numpy(), 1, -1)
        values = golden.run(network, np.moveaxis(x, 1, -1))
        assert np.array_equal(values[network.scores], expected)
        windows = windowed(network)
        assert [node.kind for node in windows.nodes] == ["input", "sliding_window", "window_max"] \
            or network.nodes[-1].is_apart
        values = golden.run(windows, np.moveaxis(x, 1, -1))
        assert np.array_equal(values[network.scores], expected)


@pytest.mark.parametrize("make", [binary, ternary, fixed, depthwise])
def test_export_is_exact(make):
    torch.manual_seed(4)
    module = settle(make())
    low, high = {ternary: (-4, 4), depthwise: (-16, 16)}.get(make, (0, 16))
    x = np.random.default_rng(4).integers(low, high, (40, 2, 8, 9))
    calibrate(module, torch.from_numpy(x).float())
    network = export(module, x[:2], name="maps")
    assert network.input.shape == (8, 9, 2)
    edges = golden.run(network, np.moveaxis(x, 1, -1))
    assert np.array_equal(edges[network.scores], predict_integers(module, x))
    assert len(np.unique(edges[network.scores], axis=0)) > 3


def test_a_map_that_is_returned_has_channels_last():
    torch.manual_seed(5)
    module = settle(nn.Sequential(QuantInput(bits=4), BinaryConv2d(2, 3, 2)))
    x = np.random.default_rng(5).integers(0, 16, (3, 2, 4, 5))
    network = export(module, x, argmax=False)
    found = golden.run(network, np.moveaxis(x, 1, -1))[network.scores]
    assert found.shape == (3, 3, 4, 3)
    assert np.array_equal(found, predict_integers(module, x))


def test_cnv_is_the_network_of_finn():
    module = cnv()
    network = export(module, np.zeros((1, 3, 32, 32), int))
    shapes = [network.edges[node.name].shape for node in network.nodes if node.kind == "mat_vec"]
    assert shapes == [(30, 30, 64), (28, 28, 64), (12, 12, 128), (10, 10, 128), (3, 3, 256),
                      (1, 1, 256), (512,), (512,), (10,)]
    weights = sum(node.weights.to_dense().size for node in network.nodes if node.kind == "mat_vec")
    assert weights == 1_542_848


SAMPLE = np.zeros((1, 2, 4, 5), int)


@pytest.mark.parametrize(("layers", "message"), [
    ([BinaryConv2d(3, 1, 1)], "module '1': c_in must be 2, the channels of its input, not 3"),
    ([BinaryConv2d(2, 1, (5, 1))],
     "module '1': window must fit the padded map 4 x 5, not span 5 x 1"),
    ([Sign(), BinaryConv2d(2, 1, 3, padding=1)],
     "module '2': pad_value must be in the format of the map, bipolar {-1, +1}, not 0"),
    ([BinaryLinear(5, 2)],
     "module '1': input must be vectors, not maps of 2 channels: put hwgen.compress.Flatten"
     " between"),
    ([Flatten(), BinaryConv2d(2, 1, 1)],
     "module '2': input must be maps (batch, c, h, w), not vectors of 40"),
    ([nn.MaxPool2d(2, dilation=2)], "module '1': dilation must be 1, not 2"),
    ([nn.MaxPool2d(2, return_indices=True)], "module '1': return_indices must be False, not True"),
    ([nn.Conv2d(2, 1, 1)],
     "module '1': must be exact, not torch.Conv2d: its weights are floats; convert the network"
     " with hwgen.compress.quantise and train it, or use BinaryConv2d, IntegerConv2d or"
     " QuantConv2d"),
    ([nn.Conv2d(2, 4, 1, groups=2)],
     "module '1': must be exact, not torch.Conv2d: its weights are floats; convert the network"
     " with hwgen.compress.quantise and train it, or use QuantDepthwiseConv2d"),
    ([nn.Conv2d(8, 8, 1, groups=2)],
     "module '1': must be exact, not torch.Conv2d: its 2 groups of 8 channels have no hardware; use"
     " QuantDepthwiseConv2d, with a group for each channel, or QuantConv2d, with one"),
    ([QuantDepthwiseConv2d(3, 2, bits=4)],
     "module '1': c_in must be 2, the channels of its input, not 3"),
    ([nn.BatchNorm2d(2)],
     "module '1': must be exact, not torch.BatchNorm2d: the rounding of its kernel is not defined;"
     " use hwgen.compress.BatchNorm2d (same parameters) before Sign, or fold it with"
     " hwgen.compress.quantise"),
    ([nn.Flatten()],
     "module '1': must be exact, not torch.Flatten: its elements are channels first, those of the"
     " hardware channels last; use hwgen.compress.Flatten"),
])
def test_refuses(layers, message):
    with pytest.raises(ExportError) as caught:
        export(nn.Sequential(QuantInput(bits=4), *layers), SAMPLE, argmax=False)
    assert caught.value.faults[0] == message


def test_refuses_padding_with_fractions():
    layers = nn.Sequential(QuantInput(bits=4, frac=1), BinaryConv2d(2, 1, 3, padding=1,
                                                                   pad_value=2))
    with pytest.raises(ExportError) as caught:
        export(layers, SAMPLE, argmax=False)
    assert caught.value.faults == (
        "module '1': pad_value must be 0 where the input has fraction bits, not 2 with 1 of them",)


def test_windows_that_are_larger_than_the_map_are_refused():
    layer = BinaryConv2d(2, 1, (3, 2), dilation=(3, 1), padding=(1, 0))
    assert layer(torch.ones(1, 2, 5, 2)).shape == (1, 1, 1, 1)
    with refused(SpecError, "BinaryConv2d: map and padding must have at least the 7 rows of a"
                            " window, not 4 + 2 * 1"):
        layer(torch.ones(1, 2, 4, 2))
    with refused(SpecError, "BinaryConv2d: map and padding must have at least the 2 columns of a"
                            " window, not 1 + 2 * 0"):
        layer(torch.ones(1, 2, 5, 1))


def test_constructors_refuse():
    with refused(SpecError, "BinaryConv2d: kernel must be an int or two, not (3, 3, 3)"):
        BinaryConv2d(2, 1, (3, 3, 3))
    with refused(SpecError, "BinaryConv2d: stride must be at least 1, not 0"):
        BinaryConv2d(2, 1, 3, stride=(1, 0))
    with refused(SpecError, "QuantDepthwiseConv2d: multiplier must be at least 1, not 0"):
        QuantDepthwiseConv2d(2, 3, multiplier=0, bits=4)


@pytest.mark.parametrize("shape", [(2, 16), (2, 1, 4, 4), (2, 3, 4)])
def test_what_is_no_map_of_its_channels_is_refused(shape):
    with refused(SpecError, f"BinaryConv2d: input must be maps (batch, 3, h, w), not {shape}"):
        BinaryConv2d(3, 2, 2)(torch.zeros(shape))


def test_training_takes_maps():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 4, (12, 2, 4, 4)), rng.integers(0, 2, 12)
    net = nn.Sequential(QuantInput(bits=2), BinaryConv2d(2, 3, 3), BatchNorm2d(3), Sign(),
                        Flatten(), BinaryLinear(12, 2, out_shift=2))
    net = train(net, Split(x, y, x, y), settings=Settings(epochs=1, batch=4))
    network = export(net, x[:1])
    assert np.array_equal(golden.run(network, np.moveaxis(x, 1, -1))[network.scores],
                          predict_integers(net, x))
