"""Zero points taken off: integers of which 0 stands for 0."""

from dataclasses import replace

import numpy as np

from hwgen.ir import MatVec, PerChannel, Requantise
from hwgen.numeric import Fixed

from .value import Value, sound

__all__ = ["centred", "without_zero_point"]


def centred(value: Value, name: str):
    """``(nodes, value)`` with the zero point subtracted; no node where it is 0.

    A bias of ``-zero`` behind a product of each channel with 1: a Requantise that follows shares
    its stage, so that behind a sum it is the one stage that would stand there anyway.
    """
    if not value.zero:
        return [], value
    ones = PerChannel(np.ones((value.size, 1), np.int64), Fixed(1, 0, False))
    node = MatVec(f"{name}_zero", (value.node,), ones, np.full(value.size, -value.zero))
    rows = None if value.rows is None else tuple(row - value.zero for row in value.rows)
    edge = sound(node, value.edge)
    return [node], replace(value, node=node.name, edge=edge, rows=rows, zero=0)


def without_zero_point(nodes: list, value: Value, name: str):
    """``(nodes, value)`` of a network whose result has none.

    A last Requantise that no other node reads leaves it out, at no cost; else it is subtracted.
    """
    last = nodes[-1]
    is_read = any(value.node in node.inputs for node in nodes)
    if (not isinstance(last, Requantise) or last.name != value.node or is_read
            or last.zero_point != value.zero):
        more, value = centred(value, name)
        return [*nodes, *more], value
    least, most = last.least - value.zero, last.most - value.zero
    fmt = Fixed.covering(min(least, 0), max(most, 0), frac=last.format.frac)
    last = replace(last, format=fmt, zero_point=0, low=None if least == fmt.min else least,
                   high=None if most == fmt.max else most)
    edge = replace(value.edge, format=fmt, lo=value.edge.lo - value.zero,
                   hi=value.edge.hi - value.zero, channels=None)
    return [*nodes[:-1], last], replace(value, edge=edge, zero=0)
