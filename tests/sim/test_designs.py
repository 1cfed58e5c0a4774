# amaranth: UnusedElaboratable=no
"""Whole designs of drawn sizes and foldings: values, latency and interval, to the cycle."""

import random
from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import binary, fixed, inputs
from cases.targets import ECP5
from sim.harness import check_all_stalls, check_stream
from sim.test_pipeline import AsStreams, frames_of

from hwgen import golden
from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Requantise, Thermometer, Threshold
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import divisors
from hwgen.rtl.pipeline import Pipeline

LARGE = replace(ECP5, dsps=10_000)
SIZES = (1, 2, 3, 4, 5, 6, 8, 9, 12)


def drawn_design(seed):
    """Layers of drawn sizes, each folded by drawn divisors, at a drawn clock."""
    draw = random.Random(seed)
    sizes = [draw.choice(SIZES) for _ in range(draw.randint(2, 4))]
    levels = draw.choice([(7,), (2, 5, 9), (1, 2, 3, 4)])
    network = (binary(seed=seed, sizes=sizes, levels=levels) if seed % 2
               else fixed(seed=seed, sizes=sizes))
    cores = {}
    for node in network.nodes:
        if isinstance(node, MatVec):
            n_out, n_in = node.weights.shape
            cores[node.name] = {"core": "binary" if seed % 2 else "fixed",
                                "pe": draw.choice(divisors(n_out)),
                                "simd": draw.choice(divisors(n_in))}
    return plan(network, LARGE, cores=cores,
                clk_hz=draw.choice([12_000_000, 100_000_000, 200_000_000]))


@pytest.mark.parametrize("seed", range(16))
def test_drawn_designs_keep_their_values_and_their_cycles(seed):
    design = drawn_design(seed)
    frames, expected = frames_of(design.network, 6)
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames, expected)
    many = check_stream(AsStreams(Pipeline(design)), frames * 3, expected * 3)
    assert many.out_cycles[0] - many.in_cycles[0] == design.latency_cycles
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[6:])) == {design.interval_cycles}


# -- short designs ---------------------------------------------------------------------------------

def codes(values, fmt):
    """As they travel: a bipolar value as its bit."""
    return (values + 1) // 2 if isinstance(fmt, Bipolar) else values


def check_network(nodes, **options):
    last = nodes[-1]
    outputs = (*last.inputs, last.name) if isinstance(last, Argmax) else (last.name,)
    network = Network("net", nodes, outputs)
    design = plan(network, LARGE, **options)
    x = inputs(network, 8)
    edges = golden.run(network, x)
    formats = [network.edges[name].format for name in outputs]
    expected = np.concatenate([codes(edges[name], fmt)
                               for name, fmt in zip(outputs, formats, strict=True)], axis=1)
    sent = codes(x, network.input.format)
    check_all_stalls(lambda: AsStreams(Pipeline(design)), sent.tolist(), expected.tolist())
    lone = check_stream(AsStreams(Pipeline(design)), sent[:1].tolist(), expected[:1].tolist())
    assert lone.out_cycles[0] - lone.in_cycles[0] == design.latency_cycles


def signs(n_out, n_in, name="fc", source="x"):
    values = np.random.default_rng(n_out * n_in).choice([-1, 1], (n_out, n_in))
    return MatVec(name, (source,), Dense(values, Bipolar()))


def threshold(n, name="act", source="fc"):
    return Threshold(name, (source,), np.arange(n) % 3 - 1, np.arange(n) % 2)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (7, 1), (7, 3), (4, 4)])
@pytest.mark.parametrize("fmt", [Fixed(5), Fixed(3, 0, False), Fixed(1)], ids=str)
def test_argmax_alone(n, k, fmt):
    check_network([Input("x", (), (n,), fmt), Argmax("class", ("x",), k)])


def test_the_best_classes_behind_a_matrix():
    check_network([Input("x", (), (6,), Bipolar()), signs(8, 6), Argmax("class", ("fc",), 3)],
                  cores={"fc": {"pe": 8, "simd": 6}})


@pytest.mark.parametrize("interval", [1, 3, 6])
def test_thermometer_alone(interval):
    check_network([Input("x", (), (6,), Fixed(4)), Thermometer("code", ("x",), [-7, 0, 3])],
                  interval_cycles=interval)


@pytest.mark.parametrize("folding", [(1, 1), (4, 1), (2, 3), (4, 6)], ids=str)
def test_one_matrix_without_argmax_sends_its_lanes(folding):
    cores = {"fc": dict(zip(("pe", "simd"), folding, strict=True))}
    x = Input("x", (), (6,), Bipolar())
    check_network([x, signs(4, 6)], cores=cores)
    check_network([x, signs(4, 6), threshold(4)], cores=cores)


def test_lanes_that_do_not_divide_each_other_are_regrouped():
    nodes = [Input("x", (), (6,), Bipolar()), signs(12, 6), threshold(12),
             signs(6, 12, "fc2", "act")]
    check_network(nodes, cores={"fc": {"pe": 4, "simd": 2}, "fc2": {"pe": 3, "simd": 6}})
    check_network(nodes, cores={"fc": {"pe": 6, "simd": 3}, "fc2": {"pe": 2, "simd": 4}})


@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_a_sink_that_waits_long_loses_nothing(seed):
    """Every queue fills up and every credit is taken before the first beat leaves."""
    design = drawn_design(seed)
    frames, expected = frames_of(design.network, 6)
    check_stream(AsStreams(Pipeline(design)), frames * 2, expected * 2, hold=400)


def test_refuses_stages_whose_instances_would_have_one_name():
    nodes = [Input("x", (), (4,), Bipolar()), signs(4, 4, "fc-1"), threshold(4, source="fc-1"),
             signs(4, 4, "fc_1", "act")]
    design = plan(Network("net", nodes, ("fc_1",)), LARGE)
    with refused(SpecError, "design 'net': names of stages must differ in more than '-' and '_',"
                            " not ['fc-1', 'fc_1']"):
        Pipeline(design)


@pytest.mark.parametrize("bits", [4, 6, 9])
@pytest.mark.parametrize("k", [1, 3])
def test_signed_scores_that_need_fewer_bits_than_their_format(bits, k):
    """The largest of them, where they leave the argmax with fewer bits than they come with."""
    weights = Dense(np.array([[-27, 4], [4, -15], [18, -1], [5, -4]]), Fixed(7))
    check_network((Input("x", (), (2,), Fixed(3)), MatVec("fc", ("x",), weights),
                   Requantise("act", ("fc",), np.array([1]), 5, "half_up", Fixed(bits)),
                   Argmax("class", ("act",), k)))
