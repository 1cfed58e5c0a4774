import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import BinaryLinear, Sign, ThermometerInput
from hwgen.numeric import SpecError


def test_binary_linear_sees_only_signs(rng):
    layer = BinaryLinear(6, 3)
    x = torch.from_numpy(rng.choice([-1.0, 1.0], (5, 6))).float()
    signs = np.where(layer.weight.detach().numpy() >= 0, 1, -1)
    assert layer(x).tolist() == (x.numpy() @ signs.T).tolist()


def test_weight_of_zero_counts_as_plus_one():
    layer = BinaryLinear(2, 1)
    torch.nn.init.zeros_(layer.weight)
    assert layer.integer_weight().tolist() == [[1, 1]]


def test_bias_is_rounded_and_the_result_scaled():
    layer = BinaryLinear(1, 1, bias=True, out_shift=2)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.constant_(layer.bias, 2.6)
    assert layer(torch.tensor([[1.0]])).item() == (1 + 3) / 4


def test_bias_is_on_the_step_of_the_input():
    layer = BinaryLinear(1, 1, bias=True, in_frac=2)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.constant_(layer.bias, 0.6)
    assert layer.integer_bias().tolist() == [2]
    assert layer(torch.tensor([[1.25]])).item() == 1.75


def test_constrain_keeps_latent_weights_in_one():
    layer = BinaryLinear(2, 1)
    layer.weight.data = torch.tensor([[-3.0, 0.5]])
    layer.constrain()
    assert layer.weight.tolist() == [[-1, 0.5]]


def test_sign_has_the_straight_through_gradient():
    x = torch.tensor([-1.5, -1.0, 0.0, 1.1], requires_grad=True)
    y = Sign()(x)
    y.sum().backward()
    assert y.tolist() == [-1, -1, 1, 1]
    assert x.grad.tolist() == [0, 1, 1, 0]


def test_thermometer_order_and_edges():
    layer = ThermometerInput((2, 5), bits=3)
    assert layer(torch.tensor([[1.0, 2.0, 5.0]])).tolist() == [[-1, -1, 1, -1, 1, 1]]


@pytest.mark.parametrize(("make", "message"), [
    (lambda: BinaryLinear(0, 1), "BinaryLinear: n_in must be at least 1, not 0"),
    (lambda: BinaryLinear(1, -1), "BinaryLinear: n_out must be at least 1, not -1"),
    (lambda: ThermometerInput((1,), bits=33), "ThermometerInput: bits must be in 1..32, not 33"),
])
def test_sizes_are_checked(make, message):
    with refused(SpecError, message):
        make()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: BinaryLinear(1.5, 1), "BinaryLinear: n_in must be an int, not 1.5"),
    (lambda: BinaryLinear(1, 1, out_shift=0.5), "BinaryLinear: out_shift must be an int, not 0.5"),
    (lambda: BinaryLinear(1, 1, in_frac=0.5), "BinaryLinear: in_frac must be an int, not 0.5"),
    (lambda: ThermometerInput((1, "2"), bits=3), "ThermometerInput: level must be an int, not '2'"),
])
def test_types_are_checked(make, message):
    with refused(TypeError, message):
        make()


@pytest.mark.parametrize(("levels", "signed", "limits"), [
    ((), False, "1..7"), ((3, 2), False, "1..7"), ((2, 2), False, "1..7"), ((0, 1), False, "1..7"),
    ((8,), False, "1..7"), ((-4, 0), True, "-3..3"), ((4,), True, "-3..3"),
])
def test_levels_are_checked(levels, signed, limits):
    with refused(SpecError, f"ThermometerInput: levels must ascend in {limits} (outside, a bit is"
                            f" constant), not {levels}"):
        ThermometerInput(levels, bits=3, signed=signed)
