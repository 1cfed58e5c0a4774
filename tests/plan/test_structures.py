"""Matrices of a structure are planned as the dense ones that they are."""

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen.ir import (
    Dense,
    Input,
    MatVec,
    Network,
    Placed,
    ProductQuantised,
    Requantise,
    Shared,
    replaced,
)
from hwgen.numeric import Codebook, Fixed
from hwgen.plan import plan
from hwgen.plan.balance import balanced

CIRCULANT = (np.arange(8)[:, None] - np.arange(8)) % 8
MATRICES = {
    "placed": Placed(range(-4, 4), CIRCULANT, Fixed(4)),
    "codebook": Placed([-5, 2, 2, -5, 2, -5, 3, 3], CIRCULANT, Codebook((-5, 2, 3))),
    "product": ProductQuantised([[0, 1]] * 5 + [[1, 1]] * 3, np.arange(-8, 8).reshape(2, 2, 4),
                                range(8), Fixed(4)),
}
PLAIN = {"codebook": lambda matrix: Shared.of(matrix.to_dense())}


def network(matrix):
    last = Dense(np.eye(8, dtype=int)[:3], Fixed(2))
    nodes = (Input("x", (), (8,), Fixed(4, 0, False)), MatVec("fc", ("x",), matrix, range(8)),
             Requantise("r", ("fc",), [1], 4, "floor", Fixed(4, 0, False)),
             MatVec("last", ("r",), last))
    return Network("n", nodes, ("last",))


def plain(name):
    matrix = MATRICES[name]
    return network(PLAIN.get(name, lambda m: Dense(m.to_dense(), m.format))(matrix))


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("weights", ["rom", "ram"])
def test_the_design_is_that_of_every_entry(name, weights):
    design, wanted = (plan(each, ECP5, interval_cycles=16, weights=weights)
                      for each in (network(MATRICES[name]), plain(name)))
    assert design.to_dict() == wanted.to_dict()
    assert design.network.digest == wanted.network.digest
    assert (design.estimate, design.weight_bits) == (wanted.estimate, wanted.weight_bits)


def test_rows_are_put_in_order_as_those_of_every_entry():
    assert balanced(network(MATRICES["placed"]), {"fc": 2}).digest == balanced(
        plain("placed"), {"fc": 2}).digest


def test_weights_of_a_structure_are_loaded_into_hardware_of_dense_ones():
    hardware = plan(plain("placed"), ECP5, interval_cycles=16, weights="ram").network
    other = network(Placed([3, -3], [[0, 1] * 4] * 8, Fixed(4)))
    found = replaced(hardware, other).node("fc").weights
    assert (found.kind, found.to_dense().tolist()) == ("loaded", [[3, -3] * 4] * 8)
