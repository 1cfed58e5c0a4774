"""The sum of several values: what it infers, what it refuses, and that it is stored."""

import pytest

from hwgen import golden
from hwgen.ir import Add, CheckError, Edge, Input, MaxPool, Network, Requantise, load
from hwgen.numeric import Bipolar, Fixed, SpecError
from tests.cases.errors import refused

MAP, WIDE = (4, 3, 2), Fixed(62, 0)


def edge(fmt, lo=None, hi=None, shape=MAP):
    return Edge(shape, fmt, fmt.min if lo is None else lo, fmt.max if hi is None else hi)


def add(*shifts, inputs=None):
    return Add("sum", inputs or [f"x{k}" for k in range(len(shifts))], shifts)


@pytest.mark.parametrize(("shifts", "edges", "fmt", "lo", "hi"), [
    ((0, 0), (edge(Fixed(4)), edge(Fixed(4))), Fixed(5), -16, 14),
    ((0, 0), (edge(Fixed(3, 1, False)), edge(Fixed(3, 1, False))), Fixed(4, 1, False), 0, 14),
    ((2, 0), (edge(Fixed(4, 1)), edge(Fixed(5, 3, False))), Fixed(7, 3), -32, 59),
    ((3, 1), (edge(Fixed(4, -2), -1, 1), edge(Fixed(4, 0), 0, 2)), Fixed(5, 1), -8, 12),
    ((0, 1, 2), (edge(Fixed(2, 2)), edge(Fixed(2, 1)), edge(Fixed(2, 0))), Fixed(5, 2), -14, 7),
], ids=str)
def test_the_sum_has_the_narrowest_format_that_holds_it(shifts, edges, fmt, lo, hi):
    assert add(*shifts).faults(*edges) == []
    assert add(*shifts).infer(*edges) == Edge(MAP, fmt, lo, hi)


@pytest.mark.parametrize(("node", "edges", "faults"), [
    (add(0, 0), (edge(Bipolar()), edge(Fixed(4), shape=(5,))),
     ["input 'x0' must be fixed point, not bipolar {-1, +1}",
      "inputs must be of one shape, not [(4, 3, 2), (5,)]"]),
    (add(-1, 61), (edge(Fixed(4)), edge(Fixed(4))), ["shifts must be in 0..60, not -1"]),
    (add(0, 0), (edge(Fixed(4, 3)), edge(Fixed(4, 1))),
     ["shifts must align inputs of [3, 1] fraction bits, as (0, 2) do, not (0, 0)"]),
    (add(0, 1), (edge(Fixed(4, 3)), edge(Fixed(4, 1))),
     ["shifts must align inputs of [3, 1] fraction bits, as (0, 2) do, not (0, 1)"]),
    (add(0, 0), (edge(WIDE, 0, 1 << 60), edge(WIDE, -(1 << 60), 0)),
     [f"sum must stay below 2**61, not reach {1 << 61}"]),
])
def test_faults(node, edges, faults):
    assert node.faults(*edges) == faults


@pytest.mark.parametrize(("shifts", "error", "message"), [
    (3, TypeError, "node 'sum': shifts must be a tuple of ints, not 3"),
    ((0, 0.5), TypeError, "node 'sum': shifts must be an int, not 0.5"),
    ((0,), SpecError, "node 'sum': shifts must be two or more, one for each input, not (0,)"),
])
def test_refuses_shifts(shifts, error, message):
    with refused(error, message):
        Add("sum", ("a", "b"), shifts)


def residual(*, inputs=("x", "act"), shifts=(0, 1)):
    return Network("residual", (
        Input("x", (), (2, 2, 1), Fixed(4, 2)),
        Requantise("act", ("x",), [1], 1, "floor", Fixed(3, 1)), Add("sum", inputs, shifts),
        MaxPool("pool", ("sum",), (2, 2), (2, 2))), ("pool",))


def test_as_many_inputs_as_shifts():
    with refused(CheckError, "network 'residual' has 1 fault(s):"
                             "\n  - node 2 'sum': add must read 2 node(s), not 3"):
        residual(inputs=("x", "act", "x"))


def test_a_network_that_branches_is_stored_as_it_is_and_computed(tmp_path):
    network = residual()
    network.save(tmp_path / "residual.hwgen")
    again = load(tmp_path / "residual.hwgen")
    assert again.digest == network.digest
    assert (again.nodes[2].inputs, again.nodes[2].shifts) == (("x", "act"), (0, 1))
    assert again.edges["sum"] == network.edges["sum"] == Edge((2, 2, 1), Fixed(5, 2), -16, 13)
    values = golden.run(again, [[[-8], [7]], [[-1], [2]]])
    assert values["act"].reshape(-1).tolist() == [-4, 3, -1, 1]
    assert values["sum"].reshape(-1).tolist() == [-16, 13, -3, 4]
    assert residual(shifts=[0, 1]).digest == network.digest
    assert residual(inputs=("act", "x"), shifts=(1, 0)).digest != network.digest
