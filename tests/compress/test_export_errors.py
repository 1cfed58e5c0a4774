"""Everything that has no exact export, by its whole message."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen.compress import (
    BatchNorm,
    BinaryLinear,
    ExportError,
    QuantInput,
    QuantLinear,
    QuantReLU,
    Sign,
    ThermometerInput,
    export,
)
from hwgen.numeric import SpecError

X = np.array([[1, 2, 3]])

FILE = "test_export_errors.py"


def check(layers, *faults, x=X):
    lines = "".join(f"\n  - {fault}" for fault in faults)
    with refused(ExportError, f"export 'bad' found {len(faults)} fault(s):{lines}") as caught:
        export(nn.Sequential(*layers) if isinstance(layers, list) else layers, x, name="bad")
    assert caught.value.faults == faults


def test_a_float_network_is_told_every_layer_and_what_to_use():
    check(
        [nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2), nn.Softmax(dim=1)],
        "module '0': must be exact, not torch.Linear: its weights are floats; convert the network"
        " with hwgen.compress.quantise and train it, or use BinaryLinear",
        "module '1': must be exact, not torch.BatchNorm1d: the rounding of its kernel is not"
        " defined; use hwgen.compress.BatchNorm (same parameters) before Sign, or fold it with"
        " hwgen.compress.fold_batch_norm",
        "module '2': must be exact, not torch.ReLU: its output is an unbounded float; convert the"
        " network with hwgen.compress.quantise, or use QuantReLU(bits=...)",
        "module '3': must be exact, not torch.Linear: its weights are floats; convert the network"
        " with hwgen.compress.quantise and train it, or use BinaryLinear",
        "module '4': must be exact, not torch.Softmax: exp is not exact; leave it out: the class is"
        " the argmax of the scores, which export appends",
    )


@pytest.mark.parametrize(("layer", "instead"), [
    (nn.Sigmoid(), "QuantSigmoid, a table or straight lines,"),
    (nn.Tanh(), "QuantTanh, a table or straight lines,"),
    (nn.LeakyReLU(), "QuantActivation(bits, slope_shift=...), whose slope is a power of two,"),
    *((layer, "QuantActivation(bits, low=..., high=...)") for layer in (nn.Hardtanh(), nn.ReLU6())),
    *((layer, "QuantReLU(bits=...) or Sign") for layer in (nn.GELU(), nn.SiLU(), nn.ELU())),
])
def test_float_activations(layer, instead):
    check([QuantInput(bits=4), layer],
          f"module '1': must be exact, not torch.{type(layer).__name__}: its output is an"
          f" unquantised float; use {instead} and train again")


def test_convolutions():
    check([QuantInput(bits=4), nn.Conv2d(1, 1, 1)],
          "module '1': must be exact, not torch.Conv2d: its weights are floats; convert the"
          " network with hwgen.compress.quantise and train it, or use BinaryConv2d, IntegerConv2d"
          " or QuantConv2d")
    check([QuantInput(bits=4), nn.AvgPool2d(2)],
          "module '1': must be exact, not torch.AvgPool2d: its quotients are floats; use"
          " QuantAvgPool2d(size, bits=...), which rounds them once")
    check([QuantInput(bits=4), nn.AdaptiveAvgPool2d(1)],
          "module '1': must be exact, not torch.AdaptiveAvgPool2d: its quotients are floats; use"
          " QuantAvgPool2d(None, bits=...) for one value of the whole map, or a size")
    for layer in (nn.AdaptiveMaxPool2d(1), nn.FractionalMaxPool2d(2, output_size=2),
                  nn.LPPool2d(2, 2)):
        check([QuantInput(bits=4), layer],
              f"module '1': must be exact, not torch.{type(layer).__name__}: its windows, or what"
              f" it makes of them, have no hardware; use nn.MaxPool2d")
    check([QuantInput(bits=4), nn.ConvTranspose2d(1, 1, 1)],
          "module '1': must be exact, not torch.ConvTranspose2d: it has no hardware; use"
          " QuantConv2d on a larger map")
    check([QuantInput(bits=4), nn.Conv1d(1, 1, 1)],
          "module '1': must be exact, not torch.Conv1d: there is no exact form of it here; use"
          " BinaryConv2d or QuantConv2d on a map of one row")


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def test_layers_of_others():
    check([QuantInput(bits=4), Doubled()],
          f"module '1': must be exact, not {__name__.split('.')[0]}.Doubled: it is no layer of"
          f" hwgen.compress; build the network of QuantLinear, QuantReLU, BinaryLinear, BatchNorm"
          f" and Sign")


class Bare(nn.Module):
    """Operations that are no layers, among layers."""

    def __init__(self, operation):
        super().__init__()
        self.first, self.last, self.operation = QuantInput(bits=4), Sign(), operation

    def forward(self, x):
        return self.last(self.operation(self.first(x)))


@pytest.mark.parametrize(("operation", "name", "instead"), [
    (lambda x: x * x, "mul", "the layers of hwgen.compress, or leave it out"),
    (lambda x: x.sigmoid(), "sigmoid", "hwgen.compress.QuantSigmoid"),
    (torch.relu, "relu", "hwgen.compress.QuantReLU(bits=...)"),
    (lambda x: x.reshape(-1, 3), "reshape", "hwgen.compress.Flatten"),
    (lambda x: x.T + x, ".T", "the layers of hwgen.compress, or leave it out"),
    (np.mean, "mean", "hwgen.compress.QuantAvgPool2d"),
])
def test_bare_operations(operation, name, instead):
    """By the line of the user's code, not by those of torch and numpy that are called there."""
    line = (Bare.forward.__code__.co_firstlineno + 1 if operation in (torch.relu, np.mean)
            else operation.__code__.co_firstlineno)
    check(Bare(operation),
          f"operation '{name}' ({FILE}:{line}): must be a layer, not a bare operation of forward,"
          f" which has no exact form here; use {instead}")


def test_each_part_of_what_sorts_is_named():
    def largest(x):
        values, _ = torch.sort(x)
        return values

    line = largest.__code__.co_firstlineno + 1
    check(Bare(largest), *(
        f"operation '{name}' ({FILE}:{line}): must be a layer, not a bare operation of forward,"
        f" which has no exact form here; use the layers of hwgen.compress, or leave it out"
        for name in ("sort", "getitem")))


def test_a_softmax_is_left_out():
    def last(x):
        return torch.log_softmax(x, 1)

    check(Bare(last),
          f"operation 'log_softmax' ({FILE}:{last.__code__.co_firstlineno + 1}): must be left out:"
          f" exp is not exact, and the class is the argmax of the scores, which export appends")


def test_layers_that_a_forward_calls_are_named_with_their_line():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.fc, self.own = QuantInput(bits=4), nn.Linear(3, 2), Doubled()

        def forward(self, x):
            x = self.fc(self.first(x))
            return self.own(x)

    line = Net.forward.__code__.co_firstlineno + 1
    check(Net(),
          f"module 'fc' ({FILE}:{line}): must be exact, not torch.Linear: its weights are floats;"
          f" convert the network with hwgen.compress.quantise and train it, or use BinaryLinear",
          f"module 'own' ({FILE}:{line + 1}): must be exact, not {__name__.split('.')[0]}.Doubled:"
          f" it is no layer of hwgen.compress; build the network of QuantLinear, QuantReLU,"
          f" BinaryLinear, BatchNorm and Sign")


def test_weights_that_are_not_finite():
    fixed, binary, norm = QuantLinear(3, 4, bits=4), BinaryLinear(4, 2, bias=True), BatchNorm(2)
    fixed.weight.data[1, 2] = math.nan
    fixed.weight.data[3, 0] = math.inf
    binary.bias.data[1] = -math.inf
    norm.running_var[0] = math.nan
    check(
        [QuantInput(bits=4), fixed, binary, norm, Sign()],
        "module '1': weight must be finite, not nan at index [1, 2] (2 of 12 are not)",
        "module '2': bias must be finite, not -inf at index [1] (1 of 2 are not)",
        "module '3': running_var must be finite, not nan at index [0] (1 of 2 are not)",
    )


def test_unquantised_input():
    check([BinaryLinear(3, 2)],
          "module '0': input must be quantised: begin the module with QuantInput or"
          " ThermometerInput")


@pytest.mark.parametrize("layer", [QuantInput(bits=4), ThermometerInput((1,), bits=4)])
def test_a_second_first_layer(layer):
    check([QuantInput(bits=4), layer],
          "module '1': must be the first layer and the only one that reads the module's input")


def test_norm_without_sign():
    linear = BinaryLinear(3, 2)
    waits = ("input must not be a BatchNorm's output or of a scaled sum, which has no exact form:"
             " put an activation of a few levels between (Sign ...), or fold it with"
             " hwgen.compress.fold_batch_norm")
    for layer in (QuantReLU(bits=4), BinaryLinear(2, 2)):
        check([QuantInput(bits=4), linear, BatchNorm(2), layer], f"module '3': {waits}")


RESULT = ("result: must be the integers of a layer, not the module's input, a BatchNorm's output or"
          " sums that a kind of weights scales:"
          " end with BinaryLinear, QuantLinear, QuantReLU or Sign")


def test_a_norm_or_nothing_at_the_end():
    check([QuantInput(bits=4), BinaryLinear(3, 2), BatchNorm(2)], RESULT)
    check([nn.Identity()], RESULT)


def test_sizes_that_do_not_fit():
    check([QuantInput(bits=4), BinaryLinear(4, 2), Sign()],
          "module '1': input must be of shape (4,) for weights (2, 4), not (3,)")
    check([QuantInput(bits=4), BinaryLinear(3, 2), BatchNorm(3), Sign()],
          "module '2': num_features must be 2, the size of its input, not 3")


def test_fractions_that_do_not_fit():
    check([QuantInput(bits=4, frac=4), QuantLinear(3, 2, bits=4)],
          "module '1': in_frac must be 4, the fraction bits of its input, not 0: run"
          " hwgen.compress.calibrate before training")
    check([QuantInput(bits=4), BinaryLinear(3, 2, bias=True, in_frac=3)],
          "module '1': in_frac must be 0, the fraction bits of its input, not 3: run"
          " hwgen.compress.calibrate before training")
    check([QuantInput(bits=4), QuantReLU(bits=4, frac=62)],
          "module '1': shift from 0 to 62 fraction bits must be at most 61, not 62")


def test_sums_beyond_float64():
    huge = QuantLinear(3, 2, bits=4)
    huge.bias.data[1] = 2.0 ** 50
    check([QuantInput(bits=4), huge],
          "module '1': bias must stay below 2**52 in steps of the accumulator, not reach 9.007e+15")
    wide = BinaryLinear(3, 2, bias=True)
    wide.weight.data.fill_(1)
    wide.bias.data.fill_(float(2 ** 52 - 2 ** 28))
    edge = QuantInput(bits=16)
    assert export(nn.Sequential(edge, wide), X)
    wider = BinaryLinear(8192, 2, bias=True)
    wider.weight.data.fill_(1)
    wider.bias.data.fill_(float(2 ** 52 - 2 ** 28))
    check([edge, wider],
          f"module '1': accumulator must stay below 2**52, where torch's float64 is exact, not"
          f" reach {2 ** 52 - 2 ** 28 + 8192 * 65535}", x=np.ones((1, 8192), dtype=int))


def test_faults_of_all_layers_are_listed_at_once():
    late = BinaryLinear(2, 2)
    late.weight.data.fill_(math.nan)
    check(
        [QuantInput(bits=4), BinaryLinear(4, 2), nn.ReLU(), late],
        "module '1': input must be of shape (4,) for weights (2, 4), not (3,)",
        "module '2': must be exact, not torch.ReLU: its output is an unbounded float; convert the"
        " network with hwgen.compress.quantise, or use QuantReLU(bits=...)",
        "module '3': weight must be finite, not nan at index [0, 0] (4 of 4 are not)",
    )


def test_what_is_no_module():
    with refused(TypeError, "module must be a torch.nn.Module, not 'net'"):
        export("net", X)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Counting(nn.Module):
    def forward(self, x):
        return x[: len(x)]


class Looping(nn.Module):
    def forward(self, x):
        return sum(row for row in x)


class OfNumpy(nn.Module):
    def forward(self, x):
        return torch.tensor(np.asarray(x))


@pytest.mark.parametrize(("module", "said", "finds"), [
    (Branching, "return x if x.sum() > 0 else -x", "symbolically traced variables cannot be"),
    (Counting, "return x[: len(x)]", "'len' is not supported in symbolic tracing"),
    (Looping, "return sum(row for row in x)", "Proxy object cannot be iterated"),
    (OfNumpy, "return torch.tensor(np.asarray(x))", "invalid __array_struct__"),
])
def test_a_forward_that_depends_on_values_is_named_with_its_line(module, said, finds):
    line = module.forward.__code__.co_firstlineno + 1
    with pytest.raises(SpecError) as caught:
        export(module(), X)
    assert str(caught.value).startswith(
        f"module {module.__name__} must have a forward that does not depend on values, at"
        f" {FILE}:{line} ('{said}'): torch.fx finds: {finds}")
    assert str(caught.value).endswith(". Take the branch out, or choose it in __init__")


class Two(nn.Module):
    def forward(self, x, y):
        return x + y


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def test_more_than_one_tensor():
    with refused(SpecError, "module Two must take one tensor, not 2 (x, y): let __init__ have the"
                            " rest"):
        export(Two(), X)
    with refused(SpecError, "module Pair must return one tensor, the scores, not (x, x)"):
        export(Pair(), X)
