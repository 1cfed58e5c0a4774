"""The check gathers all faults at once; meta is plain; nodes are found by name."""

import numpy as np
import pytest

from hwgen.ir import Argmax, CheckError, Dense, Input, MatVec, Network, Threshold, check
from hwgen.numeric import Fixed, SpecError
from tests.cases.errors import refused
from tests.cases.networks import NETWORKS

X = Input("x", (), (2,), Fixed(4))
FC = MatVec("fc", ("x",), Dense([[1, 2], [3, 4], [5, 6]], Fixed(4)))


def small(*, name="net", nodes=(X, FC), outputs=("fc",), meta=None):
    return Network(name, nodes, outputs, {} if meta is None else meta)


def test_all_faults_are_reported_at_once():
    message = """network '1st' has 10 fault(s):
  - name must start with a letter and hold letters, digits, '_', '-', not '1st'
  - nodes must begin with one input, not ['mat_vec', 'input', 'mat_vec', 'argmax', 'threshold', \
'argmax']
  - node 0 'fc': input must be an earlier node, not 'x'
  - node 2 'fc': name must be used once
  - node 3 'a b': name must start with a letter and hold letters, digits, '_', '-', not 'a b'
  - node 3 'a b': argmax must read 1 node(s), not 2
  - node 4 't': thresholds must be of shape (2, 1) or (2,) for 2 channels and the 2 levels of \
bipolar {-1, +1}, not (1,)
  - node 4 't': invert must be of shape (2,), not (3,)
  - outputs must be distinct, not ('y', 'y')
  - outputs must name nodes, not 'y'"""
    nodes = [FC, X, FC, Argmax("a b", ("x", "fc")), Threshold("t", ("x",), [0], [0, 0, 0]),
             Argmax("z", ("t",))]
    with refused(CheckError, message) as caught:
        small(name="1st", nodes=nodes, outputs=("y", "y"))
    assert caught.value.faults == tuple(line[4:] for line in message.splitlines()[1:])


@pytest.mark.parametrize(("options", "fault"), [
    ({"nodes": ()}, "nodes must begin with one input, not []"),
    ({"nodes": (X, Input("y", (), (1,), Fixed(2)))},
     "nodes must begin with one input, not ['input', 'input']"),
    ({"outputs": ()}, "outputs must name at least one node, not ()"),
    ({"name": "net\n"},
     "name must start with a letter and hold letters, digits, '_', '-', not 'net\\n'"),
    ({"nodes": (X, MatVec("fc", ("fc",), FC.weights))},
     "node 1 'fc': input must be an earlier node, not 'fc'"),
    ({"nodes": (Input("x", ("y",), (2,), Fixed(4)), FC)},
     "node 0 'x': input must read 0 node(s), not 1"),
])
def test_one_fault(options, fault):
    with pytest.raises(CheckError) as caught:
        small(**options)
    assert fault in caught.value.faults


def test_a_faulty_input_hides_only_what_depends_on_it():
    bad = MatVec("bad", ("x",), Dense([[1]], Fixed(4)))
    nodes = (X, bad, Argmax("a", ("bad",)), Argmax("b", ("x", "x")))
    with refused(CheckError, "network 'net' has 2 fault(s):"
                 "\n  - node 1 'bad': input must be of shape (1,) for weights (1, 1), not (2,)"
                 "\n  - node 3 'b': argmax must read 1 node(s), not 2"):
        small(nodes=nodes, outputs=("a",))


@pytest.mark.parametrize(("options", "message"), [
    ({"name": None}, "network name must be a str, not None"),
    ({"nodes": (1,)}, "network 'net': nodes must be a tuple of Node, not (1,)"),
    ({"nodes": 1}, "network 'net': nodes must be a tuple of Node, not 1"),
    ({"outputs": "fc"}, "network 'net': outputs must be a tuple of node names, not 'fc'"),
    ({"outputs": (1,)}, "network 'net': outputs must be a tuple of node names, not (1,)"),
    ({"meta": [1]}, "network 'net': meta must be a mapping, not [1]"),
    ({"meta": {"a": {1: 2}}}, "network 'net': meta['a'] keys must be str, not 1"),
    ({"meta": {"a": [0, {2}]}}, "network 'net': meta['a'][1] must be JSON-ready (dict, list, str,"
                                " number, bool, None), not {2}"),
])
def test_wrong_types_are_refused(options, message):
    with refused(TypeError, message):
        small(**options)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_meta_must_be_finite(value):
    with refused(SpecError, f"network 'net': meta['accuracy'] must be finite, not {float(value)}"):
        small(meta={"accuracy": value})


def test_meta_is_a_plain_copy():
    given = {"sizes": (1, np.int64(2)), "accuracy": np.float32(0.5), "note": {"a": [None, True]}}
    meta = small(meta=given).meta
    given["note"]["a"].append(3)
    assert meta == {"sizes": [1, 2], "accuracy": 0.5, "note": {"a": [None, True]}}
    assert [type(n) for n in meta["sizes"]] == [int, int]
    with pytest.raises(TypeError, match="does not support item assignment"):
        meta["new"] = 1


def test_parts_are_found():
    network = small()
    assert network.node("fc") is FC
    assert network.input is X
    assert network.scores == "fc"
    assert list(network.edges) == ["x", "fc"]
    with refused(SpecError, "network 'net' must have a node 'y', it has ['x', 'fc']"):
        network.node("y")


@pytest.mark.parametrize("name", NETWORKS)
def test_cases_are_sound_and_repeatable(name):
    network = NETWORKS[name]()
    assert check(network) == []
    assert network.digest == NETWORKS[name]().digest


def test_shown_in_a_line_without_its_weights():
    assert repr(NETWORKS["binary"]()) == (
        "<Network 'case-binary' of 8 nodes: x (5,) to fc3 (4,), argmax (1,)>")
