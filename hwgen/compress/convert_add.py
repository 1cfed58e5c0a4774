"""Sums of several values to nodes."""

from dataclasses import replace

import numpy as np

from hwgen.ir import Add, Requantise
from hwgen.numeric import MAX_SHIFT, Fixed, SpecError

from .add import QuantAdd
from .value import FLOAT64_SAFE, Value, settled, sound

__all__ = ["CONVERTERS"]


def _add(layer: QuantAdd, values: tuple[Value, ...], name: str):
    nodes, values = _labelled([settled(value) for value in values], name)
    for value in values:
        if not isinstance(value.edge.format, Fixed):
            raise SpecError(f"inputs must be fixed point, not {value.edge.format}, as of"
                            f" '{value.node}': use QuantActivation in its place")
        if value.edge.format.frac != value.frac:
            raise SpecError(f"inputs must be in their own steps, of 2**-{value.edge.format.frac},"
                            f" not 2**-{value.frac}, as of '{value.node}': leave out_shift at 0")
    shapes = [value.edge.shape for value in values]
    if len(set(shapes)) > 1:
        raise SpecError(f"inputs must be of one shape, not {shapes} (channels last): make them so"
                        f" with a QuantConv2d of 1 x 1, padding or strides")
    frac = max(value.frac for value in values)
    shifts = tuple(frac - value.frac for value in values)
    if max(shifts) > MAX_SHIFT:
        raise SpecError(f"inputs must be at most {MAX_SHIFT} fraction bits apart, not"
                        f" {max(shifts)}")
    node = Add(name, tuple(value.node for value in values), shifts)
    edge = sound(node, *(value.edge for value in values))
    if (worst := max(abs(edge.lo), abs(edge.hi))) >= FLOAT64_SAFE:
        raise SpecError(f"sum must stay below 2**52, where torch's float64 is exact, not reach"
                        f" {worst}")
    zero = sum(value.zero << shift for value, shift in zip(values, shifts, strict=True))
    return [*nodes, node], Value(name, edge, edge.shape[-1], frac, spatial=values[0].spatial,
                                 zero=zero)


def _labelled(values, name):
    """``(nodes, values)``: sums of shared weights, which say no step, get nodes that say theirs."""
    nodes, found = [], list(values)
    for k, value in enumerate(values):
        edge = value.edge
        if value.has_no_step and edge.format.frac != value.frac:
            wide = Fixed.covering(edge.lo, edge.hi, frac=value.frac)
            node = Requantise(f"{name}_step{k}", (value.node,), np.array([1]), 0, "half_up", wide)
            nodes.append(node)
            found[k] = replace(value, node=node.name, edge=sound(node, edge))
    return nodes, found


CONVERTERS = {QuantAdd: _add}
