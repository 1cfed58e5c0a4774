"""The core that the planner takes unasked: every exported network has one for each matrix."""

import numpy as np
import pytest
import torch
from cases.families import (
    ACTIVATIONS,
    SCALED,
    WEIGHTS,
    as_after_training,
    last,
    layers,
    sequential,
)
from cases.targets import ECP5

from hwgen.compress import QuantInput, export
from hwgen.ir import Dense, Edge, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, Fixed, Planes, Ternary
from hwgen.plan import plan
from hwgen.plan.matrix_core import default_core


@pytest.mark.parametrize(("weights", "activation"), [
    *((weights, activation) for weights in WEIGHTS for activation in ("sign", "residual2")),
    *((weights, activation) for weights in ("ttq", "wrpn4") for activation in ACTIVATIONS
      if activation not in ("sign", "residual2"))])
@pytest.mark.parametrize("bits", [2, 8])
def test_any_weights_plan_behind_narrow_and_wide_inputs(weights, bits, activation):
    torch.manual_seed(bits)
    module = as_after_training(sequential(
        QuantInput(bits=bits), layers(weights, activation, 12, 8),
        last("binary" if weights in SCALED else weights, 8, 4)))
    stages = plan(export(module, np.zeros((1, 12), int)), ECP5).stages
    assert stages[0].core == "binary"
    assert [node.kind for node in stages[0].nodes] == ["mat_vec", "threshold"]
    assert len(stages) == 3


SIGN, U8 = Bipolar(), Fixed(8, 0, False)


def core(weights, x, *, compared):
    node = MatVec("fc", ("x",), Dense(np.full((2, 4), weights.max), weights))
    post = Threshold("act", ("fc",), np.zeros(2, int), np.zeros(2, bool)) if compared else None
    return default_core(node, Edge((4,), x, x.min, x.max), post)


@pytest.mark.parametrize(("weights", "x", "compared", "expected"), [
    (Ternary(), U8, False, "fixed"), (Ternary(), U8, True, "binary"),
    (Fixed(4), U8, False, "fixed"), (Fixed(4), U8, True, "binary"),
    (Fixed(8), U8, True, "binary"), (Fixed(9), U8, True, "fixed"),      # 64 pairs, and 72
    (Planes((3, -5)), U8, False, "fixed"), (Planes((3, -5)), U8, True, "binary"),
    (Fixed(4), SIGN, False, "binary"), (Fixed(4), Planes.of_bases((2, 1)), False, "binary"),
    (SIGN, U8, False, "binary"), (SIGN, Fixed(9), False, "fixed"), (SIGN, Fixed(9), True, "binary"),
], ids=str)
def test_what_follows_decides_where_formats_leave_a_choice(weights, x, compared, expected):
    assert core(weights, x, compared=compared) == expected


def test_choices_are_checked_against_the_core_that_will_be_taken():
    weights = Dense(np.ones((2, 4), int), Fixed(4))
    nodes = [Input("x", (), (4,), U8), MatVec("fc", ("x",), weights),
             Threshold("act", ("fc",), np.zeros(2, int), np.zeros(2, bool))]
    design = plan(Network("net", nodes, ("act",)), ECP5, cores={"fc": {"planes": 32}})
    assert [stage.folding["planes"] for stage in design.stages] == [32]
