"""Binarised networks that have no hardware as asked: the whole message, with the node's name."""

import math

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.families import as_after_training, sequential
from cases.targets import ECP5
from torch import nn

from hwgen.compress import (
    BatchNorm2d,
    BinaryConv2d,
    BinaryLinear,
    ExportError,
    Flatten,
    QuantInput,
    Sign,
    export,
)
from hwgen.ir import Dense, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, Fixed, Planes, SpecError
from hwgen.plan import plan


def network(fmt=None, x=None, *, value=1, compared=False):
    nodes = [Input("x", (), (15,), x or Bipolar()),
             MatVec("fc", ("x",), Dense(np.full((9, 15), value), fmt or Bipolar()))]
    if compared:
        nodes.append(Threshold("act", ("fc",), np.zeros(9, int), np.zeros(9, bool)))
    return Network("net", nodes, (nodes[-1].name,))


@pytest.mark.parametrize(("choice", "error", "message"), [
    ({"pe": 4}, SpecError, "pe must divide n_out = 9, not 4; choose from [1, 3, 9]"),
    ({"pe": 18}, SpecError, "pe must divide n_out = 9, not 18; choose from [1, 3, 9]"),
    ({"pe": 0}, SpecError, "pe must divide n_out = 9, not 0; choose from [1, 3, 9]"),
    ({"simd": 7}, SpecError, "simd must divide n_in = 15, not 7; choose from [1, 3, 5, 15]"),
    ({"simd": -3}, SpecError, "simd must divide n_in = 15, not -3; choose from [1, 3, 5, 15]"),
    ({"pe": 3.0}, TypeError, "pe must be an int, not 3.0"),
    ({"simd": "5"}, TypeError, "simd must be an int, not '5'"),
    ({"planes": True}, TypeError, "planes must be an int, not True"),
    ({"planes": 2}, SpecError, "planes must be 1, as there is one pair of planes, not 2"),
], ids=str)
def test_foldings(choice, error, message):
    for compared in (False, True):
        with refused(error, f"binary core 'fc': {message}"):
            plan(network(compared=compared), ECP5, cores={"fc": choice})


def test_clocks_that_no_adder_reaches():
    with refused(SpecError, f"node 'fc': clk_hz must be at most 333333333 on '{ECP5.name}', where"
                            f" an adder of 5 bits takes 3.00 ns, not 400000000; ask for a slower"
                            f" clock"):
        plan(network(), ECP5, clk_hz=400_000_000)


def test_planes_that_are_neither_one_nor_all():
    with refused(SpecError, "binary core 'fc': planes must be 1 (one pair of planes after another)"
                            " or all 6 pairs side by side, not 3"):
        plan(network(Fixed(2), Fixed(3), compared=True), ECP5, cores={"fc": {"planes": 3}})


def test_more_bits_than_an_accumulator_may_have():
    huge = Planes((3 << 56, 1 - (3 << 56)))     # 1 is the difference of both
    with refused(SpecError, "binary core 'fc': accumulator must have at most 62 bits, not 65: sums"
                            " of planes run from -9727775195120271345 to 9727775195120271330"):
        plan(network(huge, Fixed(2)), ECP5)


def test_more_pairs_of_planes_than_there_may_be():
    with refused(SpecError, "binary core 'fc': weight planes times input planes must be at most 64,"
                            " not 8 * 9; choose the fixed core"):
        plan(network(Fixed(8), Fixed(9), compared=True), ECP5, cores={"fc": {"core": "binary"}})


def block(gamma, var):
    """The norm behind the pool of a convolution has these at channel 1."""
    torch.manual_seed(0)
    module = as_after_training(sequential(
        QuantInput(bits=4), BinaryConv2d(2, 3, 3), nn.MaxPool2d(2), BatchNorm2d(3), Sign(),
        Flatten(), BinaryLinear(12, 4)))
    module[3].weight.data[1], module[3].running_var[1] = gamma, var
    return module


IMAGES = np.zeros((1, 2, 6, 6), int)


@pytest.mark.parametrize(("gamma", "var", "message"), [
    (math.nan, 1, "weight must be finite, not nan at index [1] (1 of 3 are not)"),
    (math.inf, 1, "weight must be finite, not inf at index [1] (1 of 3 are not)"),
    (1, math.nan, "running_var must be finite, not nan at index [1] (1 of 3 are not)"),
    (2, -1, "gamma / sqrt(var + eps) must be finite, not nan at output 1, of gamma 2, var -1 and"
            " eps 1e-05"),
])
def test_batch_norms_that_are_not_finite(gamma, var, message):
    with refused(ExportError, f"export 'network' found 1 fault(s):\n  - module '3': {message}"):
        export(block(gamma, var), IMAGES)


def test_a_gamma_of_zero_is_a_constant():
    made = export(block(0, 1), IMAGES)
    weights = made.node("layer1").weights.to_dense()[1]     # of inputs 0..15
    limit = made.node("layer4").thresholds[1]
    assert limit <= 15 * weights.clip(max=0).sum() or limit > 15 * weights.clip(min=0).sum()
    assert [stage.core for stage in plan(made, ECP5).stages].count("threshold") == 1
