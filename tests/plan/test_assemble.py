"""Which nodes share a stage, and which networks have no hardware."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS
from cases.targets import ECP5

from hwgen.ir import (
    Add,
    Argmax,
    Dense,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Network,
    Requantise,
    Thermometer,
    Threshold,
)
from hwgen.numeric import Bipolar, Codebook, Fixed, PowerOfTwo, SpecError, Ternary
from hwgen.plan import plan

FIXED = Fixed(4)


def matrix(name, source, n=3):
    return MatVec(name, (source,), Dense(np.ones((n, n), int), FIXED))


def requantise(name, source):
    return Requantise(name, (source,), np.array([1]), 2, "floor", FIXED)


def network(*nodes, outputs=None, x=FIXED, n=3):
    nodes = [Input("x", (), (n,), x), *nodes]
    last = nodes[-1]
    expected = (*last.inputs, last.name) if isinstance(last, Argmax) else (last.name,)
    return Network("net", nodes, outputs or expected)


def refuses(message, *nodes, **options):
    with refused(SpecError, message):
        plan(network(*nodes, **options), ECP5)


@pytest.mark.parametrize("case", ["binary", "fixed", "sparse"])
def test_a_matrix_and_what_narrows_it_share_a_stage(case):
    whole = NETWORKS[case]()
    stages = plan(whole, ECP5).stages
    planned = [node.name for stage in stages for node in stage.nodes]
    assert planned == [node.name for node in whole.nodes[1:]]
    for stage in stages:
        kinds = [node.kind for node in stage.nodes]
        assert kinds in (["thermometer"], ["argmax"], ["mat_vec"], ["mat_vec", "threshold"],
                         ["mat_vec", "requantise"])


def signs(name, source):
    return Threshold(name, (source,), np.zeros(3, int), np.zeros(3, bool))


def test_a_threshold_that_follows_no_matrix_has_a_stage_of_its_own():
    pool = MaxPool("pool", ("fc",), (2, 2), (2, 2))
    nodes = (Input("x", (), (2, 3, 3), FIXED), signs("first", "x"), matrix("fc", "first"), pool,
             signs("sign", "pool"), Flatten("flat", ("sign",)), matrix("scores", "flat"))
    stages = plan(Network("net", nodes, ("scores",)), ECP5, interval_cycles=9).stages
    assert [(stage.name, stage.core) for stage in stages] == [
        ("first", "threshold"), ("fc", "binary-unrolled"), ("pool", "pool"), ("sign", "threshold"),
        ("scores", "binary")]
    assert [stage.lanes for stage in stages if stage.core == "threshold"] == [3, 1]


def test_a_requantise_that_follows_no_matrix_has_a_stage_of_its_own():
    pool = MaxPool("pool", ("act",), (2, 2), (2, 2))
    nodes = (Input("x", (), (2, 3, 3), FIXED), requantise("first", "x"), matrix("fc", "first"),
             requantise("act", "fc"), pool, requantise("again", "pool"))
    stages = plan(Network("net", nodes, ("again",)), ECP5, interval_cycles=9).stages
    assert [(stage.name, stage.core) for stage in stages] == [
        ("first", "requantise"), ("fc", "fixed-unrolled"), ("pool", "pool"),
        ("again", "requantise")]
    assert [stage.lanes for stage in stages if stage.core == "requantise"] == [3, 1]


def test_a_threshold_shares_no_stage_with_a_core_that_does_not_compare():
    wide = MatVec("fc", ("x",), Dense(np.full((3, 3), 300), Fixed(12)))
    far = MatVec("fc", ("x",), Dense(np.full((3, 3), 4), PowerOfTwo(4)))
    for node, x, cores in ((wide, Fixed(6), {}), (far, FIXED, {}),
                           (matrix("fc", "x"), FIXED, {"fc": {"core": "fixed"}}),
                           (matrix("fc", "x"), FIXED, {"fc": {"core": "sparse"}})):
        stages = plan(network(node, signs("sign", "fc"), x=x), ECP5, cores=cores).stages
        assert [(stage.core, [one.name for one in stage.nodes]) for stage in stages] == [
            (cores.get("fc", {"core": "fixed"})["core"], ["fc"]), ("threshold", ["sign"])]
    [both] = plan(network(matrix("fc", "x"), signs("sign", "fc")), ECP5).stages
    assert (both.core, len(both.nodes)) == ("binary", 2)


def test_networks_of_one_stage():
    for nodes, core in (((matrix("fc", "x"),), "fixed"), ((signs("sign", "x"),), "threshold"),
                        ((Argmax("class", ("x",)),), "argmax"),
                        ((Thermometer("code", ("x",), [0, 3]),), "thermometer")):
        design = plan(network(*nodes), ECP5)
        assert [stage.core for stage in design.stages] == [core]
        assert design.joints[0].is_wire
        assert design.has_class == (core == "argmax")


def test_refuses_branches_that_end():
    why = ("must be read by a later node, as a design has one output, that of '{}': leave it out,"
           " or add it to another value").format
    refuses(f"node 'a' {why('b')}", matrix("a", "x"), matrix("b", "x"))
    refuses(f"node 'b' {why('act')}", matrix("a", "x"), matrix("b", "a"), requantise("act", "a"))


def test_a_matrix_that_a_second_node_reads_shares_no_stage():
    act = requantise("act", "a")
    nodes = (matrix("a", "x"), act, matrix("b", "act"), Add("sum", ("b", "a"), (0, 0)))
    stages = plan(network(*nodes), ECP5).stages
    assert [[node.name for node in stage.nodes] for stage in stages] == [
        ["a"], ["act"], ["b"], ["sum"]]
    [first, *_] = plan(network(*nodes[:3], Add("sum", ("b", "act"), (0, 0))), ECP5).stages
    assert [node.name for node in first.nodes] == ["a", "act"]


def test_what_narrows_a_matrix_need_not_follow_it_at_once():
    nodes = (matrix("a", "x"), matrix("b", "x"), requantise("low", "a"), requantise("act", "b"),
             Add("sum", ("low", "act"), (0, 0)))
    stages = plan(network(*nodes), ECP5).stages
    assert [[node.name for node in stage.nodes] for stage in stages] == [
        ["a", "low"], ["b", "act"], ["sum"]]


def test_refuses_outputs_that_are_not_the_scores_and_the_class():
    a, b, top = matrix("a", "x"), matrix("b", "a"), Argmax("class", ("b",))
    refuses("network 'net': outputs must be ['b'], not ['a']", a, b, outputs=("a",))
    refuses("network 'net': outputs must be ['b'], not ['a', 'b']", a, b, outputs=("a", "b"))
    for wrong in (("class",), ("b",), ("class", "b")):
        refuses(f"network 'net': outputs must be ['b', 'class'], not {list(wrong)}", a, b, top,
                outputs=wrong)


def test_refuses_an_argmax_before_the_end():
    for k in (1, 3):
        refuses("node 'class': an argmax must be the last node, not before 'a'",
                Argmax("class", ("x",), k), matrix("a", "class", k))


def test_refuses_a_network_without_nodes():
    refuses("design 'net': stages must not be empty")


@pytest.mark.parametrize("fmt", [Bipolar(), Ternary(), Codebook((-9, -1, 0, 6))], ids=str)
def test_refuses_codes_where_integers_are_compared(fmt):
    # Their bit patterns are no two's complement: 'largest' and 'at least' would be of the codes.
    refuses(f"argmax core 'class': input must be fixed point, not {fmt}",
            Argmax("class", ("x",)), x=fmt)
    refuses(f"thermometer core 'code': input must be fixed point, not {fmt}",
            Thermometer("code", ("x",), [0]), x=fmt)
    if isinstance(fmt, Codebook):           # the others have planes, and a core of their own
        refuses(f"fixed core 'fc': input must be fixed point, not {fmt}", matrix("fc", "x"), x=fmt)


def test_refuses_the_argmax_of_signs():
    signs = Threshold("sign", ("fc",), np.zeros(3, int), np.zeros(3, bool))
    weights = Dense(np.ones((3, 3), int), Bipolar())
    refuses("argmax core 'class': input must be fixed point, not bipolar {-1, +1}",
            MatVec("fc", ("x",), weights), signs, Argmax("class", ("sign",)), x=Bipolar())
