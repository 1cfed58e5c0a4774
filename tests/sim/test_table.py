# amaranth: UnusedElaboratable=no
"""Sigmoid, tanh and exp: tables against a second evaluation, torch, and hardware under stalls."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from cases.errors import refused
from cases.targets import ECP5
from golden.slow import table as slow_table
from sim.harness import assert_flow, check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams
from torch import nn

from hwgen import golden
from hwgen.compress import (
    QuantActivation,
    QuantExp,
    QuantInput,
    QuantLinear,
    QuantSigmoid,
    QuantTanh,
    calibrate,
    export,
    predict_integers,
)
from hwgen.ir import Edge, Table
from hwgen.numeric import ERROR_UNIT, Bipolar, Fixed, SpecError, table_of
from hwgen.plan import plan
from hwgen.plan.stages import TableStage
from hwgen.rtl.lookup import TableLookup
from hwgen.rtl.pipeline import Pipeline

FLOAT = {"sigmoid": lambda x: 1 / (1 + math.exp(-x)), "tanh": math.tanh, "exp": math.exp}
CASES = [("sigmoid", Fixed(8, 4), Fixed(8, 8, False)), ("tanh", Fixed(10, 7), Fixed(8, 7)),
         ("exp", Fixed(6, 3), Fixed(8, 4, False)), ("exp", Fixed(12, 8), Fixed(16, 8, False)),
         ("sigmoid", Fixed(12, 8), Fixed(16, 16, False)), ("tanh", Fixed(2, 0), Fixed(3, 1))]


def exp_by_series(x: Fraction) -> Fraction:
    """To far more than 40 digits: the series of x / 2**k, squared k times."""
    small, total, term = x / 64, Fraction(0), Fraction(1)
    for n in range(1, 60):
        total, term = total + term, Fraction(round(term * small / n * 10**90), 10**90)
    for _ in range(6):
        total = Fraction(round(total * total * 10**90), 10**90)
    return total


SLOW = {"sigmoid": lambda x: 1 / (1 + exp_by_series(-x)),
        "tanh": lambda x: 1 - 2 / (exp_by_series(2 * x) + 1), "exp": exp_by_series}


@pytest.mark.parametrize(("function", "x", "y"), CASES, ids=str)
def test_entries_are_the_nearest_and_the_error_is_the_largest(function, x, y):
    values, error = table_of(function, x, y)
    step = max(1, len(values) // 120)
    for n, value in list(zip(range(x.min, x.max + 1), values, strict=True))[::step]:
        exact = SLOW[function](Fraction(n, 1 << x.frac)) * (1 << y.frac)
        assert value == min(max(round(exact), y.min), y.max)
        assert abs(FLOAT[function](n / 2**x.frac) * 2**y.frac - exact) < 1e-6 * max(1, exact)
    errors = [abs(FLOAT[function](n / 2**x.frac) * 2**y.frac - value)
              for n, value in zip(range(x.min, x.max + 1), values, strict=True)]
    errors = [e for e, v in zip(errors, values, strict=True) if e <= 1 or v not in (y.min, y.max)]
    assert max(errors) * ERROR_UNIT <= error + 1e-3
    assert error <= max(errors) * ERROR_UNIT + 1 + 1e-3


@pytest.mark.parametrize(("args", "message"), [
    (("cosine", Fixed(4), Fixed(4)),
     "function must be one of ['sigmoid', 'tanh', 'exp'], not 'cosine'"),
    (("exp", Fixed(13), Fixed(4)), "input of a table must have at most 12 bits, not fixed s13.0"
                                   " (-4096..4095)"),
    (("exp", Fixed(4, -1), Fixed(4)), "fraction bits of a table must be in 0..32, not -1"),
])
def test_tables_that_cannot_be(args, message):
    with refused(SpecError, message):
        table_of(*args)


def node_of(x, y=Fixed(8, 7), function="tanh"):
    values, error = table_of(function, x, y)
    return Table("act", ("x",), values, x.min, y, function, error)


@pytest.mark.parametrize(("x", "faults"), [
    (Edge((3,), Fixed(13), 0, 1), ["input must be fixed point of at most 12 bits, not fixed s13.0"
                                   " (-4096..4095): put a Requantise before"]),
    (Edge((3,), Bipolar(), -1, 1), ["input must be fixed point of at most 12 bits, not"
                                    " bipolar {-1, +1}: put a Requantise before"]),
    (Edge((3,), Fixed(4, 0, False), 0, 15),
     ["values must be of shape (16,) for fixed u4.0 (0..15), not (32,)",
      "first must be 0, the smallest input, not -16"]),
    (Edge((3,), Fixed(5), -16, 15), []),
], ids=str)
def test_faults_of_the_node(x, faults):
    assert node_of(Fixed(5, 2)).faults(x) == faults


def test_entries_outside_the_format():
    node = Table("t", ("x",), [0, 9], 0, Fixed(4), error=-1)
    assert node.faults(Edge((1,), Fixed(1, 0, False), 0, 1)) == [
        "values must be in fixed s4.0 (-8..7), not 9", "error must be at least 0, not -1"]


def test_only_reached_entries_count():
    assert node_of(Fixed(5, 2)).infer(Edge((2,), Fixed(5, 2), -2, 1)) == Edge(
        (2,), Fixed(8, 7), -59, 31)


@pytest.mark.parametrize("x", [Fixed(6, 3), Fixed(5, 2, False), Fixed(1, 0, False), Fixed(8, 5)],
                         ids=str)
@pytest.mark.parametrize("lanes", [1, 3, 6])
def test_values_under_all_stalls_latency_and_interval(x, lanes):
    stage = TableStage(node_of(x), Edge((2, 3), x, x.min, x.max), lanes)
    rng = np.random.default_rng(lanes)
    every = np.resize(np.arange(x.min, x.max + 1), (-(-2**x.bits // 6), 6))
    frames = [*every.tolist(), *rng.integers(x.min, x.max + 1, (3, 6)).tolist()]
    expected = [slow_table(stage.table, frame) for frame in frames]
    check_all_stalls(lambda: TableLookup(stage), frames, expected)
    assert_flow(stage, check_stream(TableLookup(stage), frames, expected))
    assert (stage.interval_cycles, stage.latency_cycles) == (6 // lanes, 3)
    convert(TableLookup(stage))
    assert stage.to_dict()["error_steps"] == stage.table.error / ERROR_UNIT


def network_with_all():
    """Leaky, then a table behind each matrix."""
    torch.manual_seed(0)
    module = nn.Sequential(
        QuantInput(bits=6, frac=4, signed=True), QuantTanh(7, frac=6, in_bits=6, in_frac=4),
        QuantLinear(4, 6, bits=5), QuantActivation(7, slope_shift=2, rounding="half_even"),
        QuantLinear(6, 5, bits=5), QuantSigmoid(8, frac=8, in_bits=8, in_frac=4),
        QuantLinear(5, 3, bits=5), QuantExp(8, frac=5, in_bits=8, in_frac=6))
    x = np.random.default_rng(0).integers(-32, 32, (12, 4))
    x[0], x[1] = -32, 31
    return calibrate(module, x), x


def test_torch_golden_and_gates_agree():
    module, x = network_with_all()
    network = export(module, x[:1])
    kinds = [node.kind for node in network.nodes]
    assert (kinds.count("table"), kinds.count("requantise")) == (3, 3)
    edges = golden.run(network, x)
    assert np.array_equal(edges[network.scores], predict_integers(module, x))
    design = plan(network, ECP5, interval_cycles=60)
    expected = np.concatenate([edges[name] for name in network.outputs], axis=1)
    check_all_stalls(lambda: AsStreams(Pipeline(design)), x.tolist(), expected.tolist())


def test_gradient_is_that_of_the_function():
    x = torch.tensor([0.0, 3.0, 99.0], requires_grad=True)
    QuantSigmoid(8, frac=8, in_bits=8, in_frac=4)(x).sum().backward()
    slope = 1 / (1 + math.exp(-3))
    assert x.grad.tolist() == pytest.approx([0.25, slope * (1 - slope), 0.0])
