"""Matrix products to nodes."""

from dataclasses import replace

import numpy as np

from hwgen.ir import Dense, Edge, Matrix, MatVec, PerChannel, Shared
from hwgen.numeric import Codebook, SpecError

from .dynamic import DynamicQuantLinear
from .fixed import QuantLinear
from .linear import IntegerLinear
from .named import (
    BinaryLinear,
    DoReFaLinear,
    MultiBaseLinear,
    ScaledBinaryLinear,
    TernaryLinear,
    TwoScaleTernaryLinear,
    WrpnLinear,
)
from .value import FLOAT64_SAFE, Value, int64_of, settled, sound

__all__ = ["CONVERTERS", "depthwise_linear", "integer_linear", "quant_linear"]


def integer_linear(layer: IntegerLinear, value: Value, name: str):
    """Node of a layer of any kind of weights; a scale that it has waits for the thresholds."""
    if layer.bias is not None:
        _check_in_frac(layer, value)
    frac = value.frac + layer.out_shift
    weights = structured(layer, layer.matrix())
    nodes, result = _linear(value, name, weights, layer.integer_bias(), frac)
    return nodes, result if layer.scale() is None else replace(result, pending=(layer.rescale,))


def quant_linear(layer: QuantLinear, value: Value, name: str):
    """Node of a fixed-point layer."""
    _check_in_frac(layer, value)
    fracs = layer.frac.numpy()
    fmt = layer.weight_format(int(fracs.max()))
    integers = int64_of(layer.integer_weight())
    weights = Shared.of(integers) if getattr(layer, "is_shared", False) else Dense(integers, fmt)
    nodes, result = _linear(value, name, structured(layer, weights), layer.integer_bias(),
                            layer.out_frac)
    result = replace(result, has_no_step=isinstance(weights, Shared))
    if fracs.min() == fracs.max():
        return nodes, result
    return nodes, replace(result, channel_frac=fracs + int(layer.in_frac))


def structured(layer, weights: Matrix) -> Matrix:
    """``weights`` as the kind that the layer's forms say, where they still are so.

    A matrix of another kind than :class:`Dense` of plain numbers, or :class:`Shared`, stays: laid
    out again, it must be what it was.
    """
    if type(weights) is Shared or type(weights) is Dense and not isinstance(weights.format,
                                                                            Codebook):
        found = (each.matrix(weights.to_dense(), weights.format)
                 for each in getattr(layer, "storages", ()))
        return next((each for each in found if each is not None), weights)
    return weights


def depthwise_linear(layer, value: Value, name: str):
    """Node of a fixed-point layer each of whose outputs reads one channel."""
    _check_in_frac(layer, value)
    weights = PerChannel(int64_of(layer.integer_weight()), layer.weight_format(int(layer.frac)),
                         layer.multiplier)
    return _linear(value, name, weights, layer.integer_bias(), layer.out_frac)


def _check_in_frac(layer, value: Value) -> None:
    if int(layer.in_frac) != value.frac:
        raise SpecError(f"in_frac must be {value.frac}, the fraction bits of its input, not"
                        f" {int(layer.in_frac)}: run hwgen.compress.calibrate before training")


def _linear(value, name, weights, bias, frac):
    value = settled(value)
    if value.spatial is not None:
        raise SpecError(f"input must be vectors, not maps of {value.size} channels: put"
                        f" hwgen.compress.Flatten between")
    if bias is not None and float(bias.abs().max()) >= FLOAT64_SAFE:
        raise SpecError(f"bias must stay below 2**52 in steps of the accumulator, not reach"
                        f" {float(bias.abs().max()):.4g}")
    bias, dense = None if bias is None else int64_of(bias), weights.to_dense()
    if value.zero:
        bias = (0 if bias is None else bias) - value.zero * dense.sum(axis=1)
    node = MatVec(name, (value.node,), weights, bias)
    edge = sound(node, value.edge)
    worst = max(abs(bound) for bound in node.partial_sum_range(value.edge))
    worst += abs(value.zero) * int(np.abs(dense).sum(axis=1).max())
    if worst >= FLOAT64_SAFE:
        raise SpecError(f"accumulator must stay below 2**52, where torch's float64 is exact, not"
                        f" reach {worst}")
    return [node], Value(name, edge, edge.size, frac, _row_ranges(node, value.edge))


def _row_ranges(node: MatVec, edge: Edge):
    """Smallest and largest accumulator of each output, int64 (n_out,) each."""
    ends = np.stack([node.weights.to_dense() * edge.lo, node.weights.to_dense() * edge.hi])
    return (ends.min(axis=0).sum(axis=1) + node.bias_or_zero,
            ends.max(axis=0).sum(axis=1) + node.bias_or_zero)


CONVERTERS = {
    **dict.fromkeys((QuantLinear, DynamicQuantLinear), quant_linear),
    **dict.fromkeys((IntegerLinear, BinaryLinear, DoReFaLinear, MultiBaseLinear, ScaledBinaryLinear,
                     TernaryLinear, TwoScaleTernaryLinear, WrpnLinear), integer_linear),
}
