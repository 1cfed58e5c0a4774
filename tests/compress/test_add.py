"""Residual connections: torch's sums are those of golden, and what has no exact sum is refused."""

import operator

import numpy as np
import pytest
import torch
from torch import nn

from hwgen import golden
from hwgen.compress import (
    BatchNorm,
    BinaryLinear,
    ExportError,
    Flatten,
    QuantActivation,
    QuantAdd,
    QuantConv2d,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Sign,
    calibrate,
    export,
    predict_integers,
)
from hwgen.numeric import SpecError
from tests.cases.errors import refused


class Residual(nn.Module):
    """conv - relu - conv beside a skip - relu - pool - flatten - dense; ``add`` makes the sum."""

    def __init__(self, add, *, skip=None):
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Sequential(QuantInput(bits=6), QuantConv2d(1, 3, 3, bits=5, padding=1),
                                   QuantReLU(bits=5))
        self.main = nn.Sequential(QuantConv2d(3, 4 if skip else 3, 3, bits=5, padding=1),
                                  QuantActivation(6))
        self.skip = skip or nn.Identity()
        self.last = nn.Sequential(QuantReLU(bits=4), nn.MaxPool2d(2), Flatten(),
                                  QuantLinear(3 * 2 * (4 if skip else 3), 3, bits=5))
        self.add = add

    def forward(self, x):
        x = self.first(x)
        return self.last(self.add(self.main(x), self.skip(x)))


def in_place(a, b):
    a += b
    return a


def projection():
    return nn.Sequential(QuantConv2d(3, 4, 1, bits=5), QuantActivation(5))


def images(count=20):
    return np.random.default_rng(5).integers(0, 64, (count, 1, 6, 4))


@pytest.mark.parametrize("skip", [None, projection], ids=["plain", "projection"])
@pytest.mark.parametrize("add", [operator.add, torch.add, in_place, lambda a, b: a.add(b),
                                 lambda a, b: a.add_(b), QuantAdd()],
                         ids=["a + b", "torch.add", "a += b", "a.add", "a.add_", "QuantAdd"])
def test_torch_equals_golden(add, skip):
    module = calibrate(Residual(add, skip=skip and skip()).eval(), images())
    x = images(40)
    network = export(module, x)
    [node] = [node for node in network.nodes if node.kind == "add"]
    fracs = [network.edges[name].format.frac for name in node.inputs]
    assert [max(fracs) - frac for frac in fracs] == list(node.shifts)
    values = golden.run(network, np.moveaxis(x, 1, -1))
    assert (values[network.scores] == predict_integers(module, x)).all()
    assert len(np.unique(values[node.name])) > 10


@pytest.mark.parametrize("fracs", [(0, 5), (4, 1), (2, 2)])
def test_steps_are_aligned_by_shifts_to_the_left(fracs):
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.input = QuantInput(bits=5, frac=3, signed=True)
            self.a, self.b = (QuantActivation(6, frac=frac) for frac in fracs)

        def forward(self, x):
            x = self.input(x)
            return self.a(x) + self.b(x) + x

    x = np.arange(-16, 16)[:, np.newaxis]
    module = Sum()
    network = export(module, x, argmax=False)
    first, second = (node for node in network.nodes if node.kind == "add")
    assert first.shifts == tuple(max(fracs) - frac for frac in fracs)
    assert second.shifts == (max(0, 3 - max(fracs)), max(0, max(fracs) - 3))
    scores = golden.run(network, x)[network.scores]
    assert (scores == predict_integers(module, x)).all()
    real = module(torch.from_numpy(x)).double().numpy() * 2.0 ** network.meta["score_frac"]
    assert (scores == real).all()


class Vectors(nn.Module):
    """``forward(layers, x)`` on layers by name."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.layers, self._forward = nn.ModuleDict(layers), forward
        self.input = QuantInput(bits=4)

    def forward(self, x):
        return self._forward(self.layers, self.input(x))


def faults(forward, **layers):
    with pytest.raises(ExportError) as caught:
        export(Vectors(forward, **layers).eval(), np.zeros((1, 4), int), argmax=False)
    place = f" ({line_of(forward)})"
    assert all(place in fault for fault in caught.value.faults)
    return [fault.replace(place, "") for fault in caught.value.faults]


def line_of(function, k=0):
    return f"test_add.py:{function.__code__.co_firstlineno + k}"


def test_refuses_what_has_no_exact_sum():
    fc = QuantLinear(4, 3, bits=4)
    assert faults(lambda m, x: m["fc"](x) + x, fc=fc) == [
        "module 'add': inputs must be of one shape, not [(3,), (4,)] (channels last): make them so"
        " with a QuantConv2d of 1 x 1, padding or strides"]
    signs = {"fc": BinaryLinear(4, 4), "bn": BatchNorm(4), "sign": Sign()}
    assert faults(lambda m, x: m["sign"](m["bn"](m["fc"](x))) + x, **signs) == [
        "module 'add': inputs must be fixed point, not bipolar {-1, +1}, as of 'layers_sign': use"
        " QuantActivation in its place"]
    assert faults(lambda m, x: m["fc"](x) + x, fc=BinaryLinear(4, 4, out_shift=2)) == [
        "module 'add': inputs must be in their own steps, of 2**-0, not 2**-2, as of 'layers_fc':"
        " leave out_shift at 0"]
    [fault] = faults(lambda m, x: m["bn"](m["fc"](x)) + x, **signs)
    assert fault.startswith("module 'add': input must not be a BatchNorm's output")
    assert faults(lambda m, x: m["a"](x) + x, a=QuantActivation(4, frac=-70)) == [
        "module 'layers.a': shift from 0 to -70 fraction bits must be at most 61, not 70"]
    assert faults(lambda m, x: m["a"](x) + x, a=QuantActivation(4, frac=55)) == [
        f"module 'add': sum must stay below 2**52, where torch's float64 is exact, not reach"
        f" {7 + (15 << 55)}"]


@pytest.mark.parametrize("forward", [lambda m, x: m["a"](x) + 1, lambda m, x: 1 + m["a"](x),
                                     lambda m, x: torch.add(m["a"](x), x, alpha=2)])
def test_refuses_sums_with_constants(forward):
    assert faults(forward, a=QuantActivation(4)) == [
        "operation 'add': must add two results of layers, not a constant or with alpha: put a"
        " constant into a bias, and a factor into an activation"]


def test_refuses_a_layer_of_two_values():
    class Two(QuantActivation):
        def forward(self, x, y):
            return super().forward(x + y)

    assert faults(lambda m, x: m["a"](x, x), a=Two(4))[0].startswith("module 'layers.a': must be")


def test_refuses_to_change_a_value_that_is_read_again():
    def forward(m, x):
        y = m["same"](m["a"](x))
        z = m["b"](y)
        y += x
        return y + z

    layers = {"a": QuantActivation(4), "same": nn.Identity(), "b": QuantActivation(3)}
    with refused(SpecError, f"operation 'iadd' ({line_of(forward, 3)}): must not change"
                            f" 'layers_same', which is read again: write a + b for a += b"):
        export(Vectors(forward, **layers), np.zeros((1, 4), int), argmax=False)

    def through(m, x):
        y = m["a"](x)
        z = m["same"](y)
        z += x
        return y + z

    with refused(SpecError, f"operation 'iadd' ({line_of(through, 3)}): must not change 'layers_a',"
                            f" which is read again: write a + b for a += b"):
        export(Vectors(through, **layers), np.zeros((1, 4), int), argmax=False)


def test_calibrate_knows_the_step_of_a_sum():
    class Behind(nn.Module):
        def __init__(self):
            super().__init__()
            self.input, self.a = QuantInput(bits=5), QuantActivation(4)
            self.fc = QuantLinear(3, 2, bits=4)

        def forward(self, x):
            x = self.input(x)
            return self.fc(self.a(x) + x)

    module = calibrate(Behind(), np.random.default_rng(0).integers(0, 32, (50, 3)))
    assert int(module.fc.in_frac) == max(0, int(module.a.frac))
    export(module, np.zeros((1, 3), int))
