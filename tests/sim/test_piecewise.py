# amaranth: UnusedElaboratable=no
"""Sigmoid, tanh and exp by straight lines: the stated error, torch, and hardware under stalls."""

import math

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5
from golden.slow import piecewise as slow_piecewise
from sim.harness import assert_flow, check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams
from torch import nn

from hwgen import golden
from hwgen.compress import QuantExp, QuantInput, QuantSigmoid, QuantTanh, export, predict_integers
from hwgen.ir import Edge, Piecewise
from hwgen.numeric import ERROR_UNIT, Fixed, SpecError, piecewise_of
from hwgen.plan import plan
from hwgen.plan.stages import PiecewiseStage
from hwgen.rtl.piecewise import PiecewiseLines
from hwgen.rtl.pipeline import Pipeline

FLOAT = {"sigmoid": lambda x: 1 / (1 + math.exp(-x)), "tanh": math.tanh, "exp": math.exp}


def node_of(x, y, function="tanh", segments=8):
    lines = piecewise_of(function, x, y, segments)
    return Piecewise("act", ("x",), lines.bases, lines.slopes, lines.length, x.min, lines.shift, y,
                     function, lines.error)


@pytest.mark.parametrize(("function", "x", "y", "segments", "curvature"), [
    ("sigmoid", Fixed(13, 9), Fixed(12, 12, False), 64, 0.0963),
    ("tanh", Fixed(14, 11), Fixed(10, 9), 128, 0.7699),
    ("exp", Fixed(10, 8), Fixed(12, 8, False), 32, math.exp(2)),
], ids=str)
def test_no_error_is_larger_than_stated(function, x, y, segments, curvature):
    """Nor than that of a chord, ``h**2 / 8 * max abs(f'')``, and of the roundings."""
    node = node_of(x, y, function, segments)
    inputs = list(range(x.min, x.max + 1))
    errors = [abs(FLOAT[function](n / 2**x.frac) * 2**y.frac - value)
              for n, value in zip(inputs, slow_piecewise(node, inputs), strict=True)]
    h = node.length / 2**x.frac
    assert max(errors) <= h**2 / 8 * curvature * 2**y.frac + 0.5 + 1 / 8
    assert node.error - 1.001 <= max(errors) * ERROR_UNIT <= node.error + 1e-3


def test_refusals():
    with refused(SpecError, "segments must be a power of two in 2..8, not 6"):
        piecewise_of("tanh", Fixed(4, 2), Fixed(4, 3), 6)
    with refused(SpecError, "input of a table must have at most 16 bits, not fixed s17.2"
                            " (-65536..65535)"):
        piecewise_of("tanh", Fixed(17, 2), Fixed(4, 3), 4)
    node = Piecewise("p", ("x",), [1, 2, 3, 4], [1], 5, 0, 0, Fixed(4), error=-1)
    assert node.faults(Edge((1,), Fixed(5), -16, 15)) == [
        "segments must be at least 2, of at least 2 inputs each, and share those of"
        " fixed s5.0 (-16..15) evenly, not be (4,) of 5",
        "slopes must be of shape (4,), not (1,)",
        "first must be -16, the smallest input, not 0", "shift must be in 1..60, not 0",
        "error must be at least 0, not -1"]


@pytest.mark.parametrize(("x", "function"), [
    (Fixed(8, 5), "tanh"), (Fixed(7, 4, False), "sigmoid"), (Fixed(8, 4), "exp")], ids=str)
@pytest.mark.parametrize("lanes", [1, 6])
def test_values_under_all_stalls_latency_and_interval(x, function, lanes):
    signed = function == "tanh"
    node = node_of(x, Fixed(7, 6 - 3 * (function == "exp"), signed), function)
    stage = PiecewiseStage(node, Edge((2, 3), x, x.min, x.max), lanes)
    assert node.faults(stage.x) == []
    frames = np.resize(np.arange(x.min, x.max + 1), (-(-2**x.bits // 6), 6)).tolist()
    expected = [slow_piecewise(node, frame) for frame in frames]
    check_all_stalls(lambda: PiecewiseLines(stage), frames, expected)
    assert_flow(stage, check_stream(PiecewiseLines(stage), frames, expected))
    reached = np.array(expected)
    assert stage.out_edge.lo <= reached.min() <= reached.max() <= stage.out_edge.hi
    convert(PiecewiseLines(stage))


def test_torch_golden_and_gates_agree():
    module = nn.Sequential(
        QuantInput(bits=9, frac=6, signed=True),
        QuantTanh(9, frac=8, in_bits=13, in_frac=10, segments=64),
        QuantSigmoid(9, frac=9, in_bits=9, in_frac=8, segments=16),
        QuantExp(10, frac=8, in_bits=10, in_frac=9, segments=16))
    x = np.random.default_rng(0).integers(-256, 256, (20, 4))
    x[0], x[1] = -256, 255
    network = export(module, x[:1], argmax=False)
    assert [node.kind for node in network.nodes].count("piecewise") == 3
    y = golden.run(network, x)[network.scores]
    assert np.array_equal(y, predict_integers(module, x))
    design = plan(network, ECP5, interval_cycles=16)
    check_all_stalls(lambda: AsStreams(Pipeline(design)), x.tolist(), y.tolist())
