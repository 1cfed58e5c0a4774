"""Binarised networks that cannot be: the whole message, with the node's place and name."""

import numpy as np
import pytest
from cases.errors import refused

from hwgen.ir import (
    CheckError,
    Dense,
    Input,
    MatVec,
    MaxPool,
    Network,
    SlidingWindow,
    Threshold,
)
from hwgen.numeric import Bipolar, Fixed, Ternary

MAP = (4, 5, 1)


def matrix(value=1, fmt=None):
    return MatVec("fc", ("x",), Dense(np.full((2, 4), value), fmt or Bipolar()))


def signs(thresholds, invert=(0, 0), *, fmt=None, source="fc"):
    return Threshold("act", (source,), thresholds, invert, fmt or Bipolar())


@pytest.mark.parametrize(("nodes", "x", "shape", "fault"), [
    ([matrix(), signs([-4, 6])], Bipolar(), (4,),
     "node 2 'act': thresholds must be in -4..5 (the proven range of the input, and one more for"
     " never), not 6 at index [1]"),
    ([matrix(), signs([[-4, 0, 9], [0, 0, 0]], fmt=Fixed(2))], Bipolar(), (4,),
     "node 2 'act': thresholds must be in -4..5 (the proven range of the input, and one more for"
     " never), not 9 at index [0, 2]"),
    ([matrix(0, Ternary()), signs([-1, 0])], Fixed(8), (4,),
     "node 2 'act': thresholds must be in 0..1 (the proven range of the input, and one more for"
     " never), not -1 at index [0]"),
    ([matrix(), signs([[2, 1, 3], [0, 0, 0]], fmt=Fixed(2))], Bipolar(), (4,),
     "node 2 'act': thresholds of a channel must not descend, not [2, 1, 3] of channel 0"),
    ([matrix(), signs([[0, 1], [0, 1]])], Bipolar(), (4,),
     "node 2 'act': thresholds must be of shape (2, 1) or (2,) for 2 channels and the 2 levels of"
     " bipolar {-1, +1}, not (2, 2)"),
    ([matrix(), signs([0, 0], fmt=Fixed(9))], Bipolar(), (4,),
     "node 2 'act': format must have at most 8 bits, not fixed s9.0 (-256..255)"),
    ([signs([0, 300], source="x")], Fixed(8, 0, False), (2,),
     "node 1 'act': thresholds must be in 0..256 (the proven range of the input, and one more for"
     " never), not 300 at index [1]"),
    ([matrix(1 << 57, Fixed(60))], Fixed(8), (4,),
     "node 1 'fc': accumulator must stay below 2**61, not reach 73786976294838206464"),
    ([SlidingWindow("win", ("x",), (5, 3))], Bipolar(), MAP,
     "node 1 'win': window must fit the padded map 4 x 5, not span 5 x 3"),
    ([SlidingWindow("win", ("x",), (2, 2), (1, 1), (4, 5), (0, 0, 0, 0))], Bipolar(), MAP,
     "node 1 'win': window must fit the padded map 4 x 5, not span 5 x 6"),
    ([SlidingWindow("win", ("x",), (3, 3), padding=(1, 1, 1, 1))], Bipolar(), MAP,
     "node 1 'win': pad_value must be in the format of the map, bipolar {-1, +1}, not 0"),
    ([SlidingWindow("win", ("x",), (3, 3), padding=(3, 0, 0, 0), pad_value=-1)], Bipolar(), MAP,
     "node 1 'win': padding must be smaller than the window, 3 x 3 (one of padding alone is"
     " constant), not (3, 0, 0, 0)"),
    ([MaxPool("pool", ("x",), (5, 3), (5, 3))], Bipolar(), MAP,
     "node 1 'pool': size must be at most the map, 4 x 5, not (5, 3)"),
])
def test_the_whole_message(nodes, x, shape, fault):
    with refused(CheckError, f"network 'net' has 1 fault(s):\n  - {fault}"):
        Network("net", [Input("x", (), shape, x), *nodes], (nodes[-1].name,))


def test_all_faults_are_in_one_message():
    nodes = [Input("x", (), (4,), Bipolar()), matrix(), signs([9, 0], [0])]
    with refused(CheckError, "network 'net' has 2 fault(s):\n  - node 2 'act': invert must be of"
                             " shape (2,), not (1,)\n  - node 2 'act': thresholds must be in -4..5"
                             " (the proven range of the input, and one more for never), not 9 at"
                             " index [0]"):
        Network("net", nodes, ("act",))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5])
def test_thresholds_that_are_no_integers(value):
    with refused(TypeError, "node 'act': thresholds must be integers, not float64"):
        signs(np.array([0, value]))
    with refused(TypeError, "node 'act': invert must be integers, not float64"):
        signs([0, 0], np.array([0, value]))
