"""Unrolled cores taken unasked: where a vector has one cycle, and they are cheaper."""

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5

from hwgen.ir import Dense, Edge, Input, MatVec, Network, Requantise, Threshold
from hwgen.numeric import Bipolar, Fixed, PowerOfTwo, SpecError
from hwgen.plan import FitError, matrix_core, plan
from hwgen.plan.stages import FixedUnrolledStage, UnrolledStage


def network(n_out=16, n_in=16, fmt=Fixed(4), x=Fixed(4), *, post=None, fill=1.0, shape=()):
    rng = np.random.default_rng(0)
    values = rng.integers(-7, 8, (n_out, n_in)) * (rng.random((n_out, n_in)) < fill)
    if isinstance(fmt, Bipolar):
        values = 2 * rng.integers(0, 2, (n_out, n_in)) - 1
    nodes = [Input("x", (), (*shape, n_in), x), MatVec("fc", ("x",), Dense(values, fmt))]
    nodes += [post] if post else []
    return Network("net", tuple(nodes), (nodes[-1].name,))


def relu():
    return Requantise("act", ("fc",), np.ones(1, np.int64), 4, "floor", Fixed(3, 0, False))


def sign():
    return Threshold("act", ("fc",), np.zeros(16, np.int64), np.zeros(16, bool))


def core(net, target=ECP5, **options):
    return plan(net, target, **{"interval_cycles": 1} | options).stages[0].core


@pytest.mark.parametrize(("net", "interval", "taken", "folded"), [
    (network(), 1, "fixed-unrolled", "fixed"),
    (network(post=relu()), 1, "fixed-unrolled", "fixed"),
    (network(shape=(3, 2)), 6, "fixed-unrolled", "fixed"),
    (network(shape=(3, 2)), 11, "fixed-unrolled", "fixed"),
    (network(fill=0.2), 1, "fixed-unrolled", "fixed"),
    (network(fmt=Bipolar(), x=Bipolar(), post=sign()), 1, "binary-unrolled", "binary"),
    (network(fmt=Bipolar(), x=Fixed(4)), 1, "binary-unrolled", "binary"),
], ids=["scores", "requantise", "pixels", "no-two-cycles", "sparse", "threshold", "pixels-of-4"])
def test_unrolled_where_a_vector_has_one_cycle_and_that_is_cheaper(net, interval, taken, folded):
    design = plan(net, ECP5, interval_cycles=interval)
    assert design.stages[0].core == taken
    by_hand = plan(net, ECP5, interval_cycles=interval, cores={"fc": {"core": folded}})
    assert design.interval_cycles == by_hand.interval_cycles
    assert design.estimate.lut < by_hand.estimate.lut


def test_folded_where_a_vector_has_more_cycles():
    assert core(network(), interval_cycles=16) == "fixed"
    assert core(network(shape=(3, 2)), interval_cycles=16 * 6) == "fixed"
    assert core(network(fmt=Bipolar(), x=Bipolar()), interval_cycles=16) == "binary"


def test_folded_where_that_is_cheaper(monkeypatch):
    dear = plan(network(), ECP5, cores={"fc": {"core": "fixed"}}, interval_cycles=1).estimate
    monkeypatch.setattr(FixedUnrolledStage, "estimate", lambda stage, target: dear + dear)
    assert core(network()) == "fixed"


def test_an_interval_that_no_sparse_core_reaches():
    assert core(network(fill=0.2)) == "fixed-unrolled"
    with refused(SpecError,
                 "network 'net': interval_cycles must be at least 16, which the sparse core 'fc'"
                 " takes with pe = 4, queue_depth = 8, not 1"):
        core(network(fill=0.2), cores={"fc": {"core": "sparse"}})


def test_not_where_what_is_chosen_by_hand_says_otherwise():
    assert core(network(), cores={"fc": {"core": "fixed"}}) == "fixed"
    assert core(network(), cores={"fc": {"pe": 16}}) == "fixed"
    assert core(network(), cores={"fc": {"memory": "logic"}}) == "fixed"
    assert core(network(), weights="ram") == "fixed"
    assert core(network(), weights="rom") == "fixed-unrolled"


def test_not_for_inputs_that_it_does_not_take():
    many = np.tile(np.arange(-15, 16), (16, 1))
    post = Threshold("act", ("fc",), many, np.zeros(16, bool), Fixed(5, 0, False))
    assert core(network(fmt=Bipolar(), post=post)) == "binary"


def test_graphs_are_made_once(monkeypatch):
    made = []
    graph = FixedUnrolledStage.graph.func
    monkeypatch.setattr(FixedUnrolledStage.graph, "func",
                        lambda stage: made.append(stage.name) or graph(stage))
    plan(network(), ECP5, interval_cycles=1)
    assert made == ["fc"]
    plan(network(2, 3), ECP5)       # has all products side by side, but nobody asked for that
    assert made == ["fc"]


def test_large_matrices_are_not_weighed_and_the_message_says_so(monkeypatch):
    monkeypatch.setattr(matrix_core, "MOST_WEIGHED", 255)
    with pytest.raises(FitError, match=(
            r"^network 'net' must fit board 'test-ecp5' at interval 1, but LUT: needs about \d+, of"
            r" 71094 usable\. Allow a longer interval_cycles, a smaller network or a larger board;"
            r" the fixed-unrolled core, chosen by hand, may take less for 'fc'$")):
        core(network(64, 48, Fixed(8), Fixed(8)))
    assert core(network(15, 17)) == "fixed-unrolled"
    assert core(network()) == "fixed"
    assert core(network(), cores={"fc": {"core": "fixed-unrolled"}}) == "fixed-unrolled"


def test_what_stands_in():
    [_, large] = network(400, 400).nodes
    edge = network(400, 400).edges["x"]
    assert not FixedUnrolledStage.stands_in(large, edge)
    assert UnrolledStage.stands_in(large, edge)
    [_, small] = network().nodes
    powers = Edge((16,), PowerOfTwo(3), -4, 4)
    assert not FixedUnrolledStage.stands_in(small, powers)
    assert UnrolledStage.stands_in(small, powers) == (powers.format.planes is not None)
