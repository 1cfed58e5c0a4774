"""One function per exportable layer: the layer and the value that it reads, to nodes.

Each returns ``(nodes, value)`` and raises SpecError, without a path, for what is not exact.
"""

from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from hwgen.ir import Dense, Edge, Input, MatVec, Requantise, Thermometer, Threshold
from hwgen.numeric import Bipolar, Fixed, SpecError

from .binary import BinaryLinear, Sign
from .fixed import QuantInput, QuantLinear, QuantReLU
from .normalise import BatchNorm
from .thermometer import ThermometerInput
from .thresholds import sign_thresholds
from .tracing import INPUT

__all__ = ["CONVERTERS", "Value"]

FLOAT64_SAFE = 1 << 52
"""Below this magnitude float64 holds every integer and every half, so torch's sums are exact."""

MAX_SHIFT = 61


@dataclass(frozen=True)
class Value:
    """What a layer returns: ``integer * 2**-frac``.

    Members
    -------
    node : str           node that holds the integers
    edge : Edge or None  None for the module's input before a layer has declared its format
    size : int           elements
    frac : int
    rows : (int64 (size,), int64 (size,)) or None
        Smallest and largest integer of each element, where tighter than the edge's.
    norm : BatchNorm or None
        Normalisation that was applied to the integers and waits for its sign.
    """

    node: str
    edge: Edge | None
    size: int
    frac: int = 0
    rows: tuple[np.ndarray, np.ndarray] | None = None
    norm: nn.Module | None = None


def _settled(value: Value) -> Value:
    """``value`` if it is made of integers, as most layers need."""
    if value.edge is None:
        raise SpecError("input must be quantised: begin the module with QuantInput or"
                        " ThermometerInput")
    if value.norm is not None:
        raise SpecError("input must not be a BatchNorm's output, which has no exact form: put Sign"
                        " between, or fold it with hwgen.compress.fold_batch_norm")
    return value


def _sound(node, edge: Edge) -> Edge:
    """The edge that ``node`` makes of ``edge``; SpecError with the faults it finds."""
    faults = node.faults(edge)
    if faults:
        raise SpecError("; ".join(faults))
    return node.infer(edge)


def _declared(layer, value: Value, frac: int):
    """The Input node in the format of a first layer."""
    if value.edge is not None:
        raise SpecError("must be the first layer and the only one that reads the module's input")
    node = Input(INPUT, (), (value.size,), Fixed(layer.bits, frac, layer.signed))
    return node, node.infer()


def _quant_input(layer: QuantInput, value: Value, name: str):
    frac = int(layer.frac)
    node, edge = _declared(layer, value, frac)
    return [node], Value(INPUT, edge, value.size, frac)


def _thermometer(layer: ThermometerInput, value: Value, name: str):
    start, edge = _declared(layer, value, 0)
    node = Thermometer(name, (INPUT,), np.array(layer.levels, dtype=np.int64))
    edge = _sound(node, edge)
    return [start, node], Value(name, edge, edge.size)


def _binary_linear(layer: BinaryLinear, value: Value, name: str):
    if layer.bias is not None:
        _check_in_frac(layer, value)
    frac = value.frac + layer.out_shift
    return _linear(layer, value, name, Bipolar(), layer.integer_bias(), frac)


def _quant_linear(layer: QuantLinear, value: Value, name: str):
    _check_in_frac(layer, value)
    fmt = Fixed(layer.bits, int(layer.frac), True)
    return _linear(layer, value, name, fmt, layer.integer_bias(), layer.out_frac)


def _check_in_frac(layer, value: Value) -> None:
    if int(layer.in_frac) != value.frac:
        raise SpecError(f"in_frac must be {value.frac}, the fraction bits of its input, not"
                        f" {int(layer.in_frac)}: run hwgen.compress.calibrate before training")


def _linear(layer, value, name, fmt, bias, frac):
    value = _settled(value)
    if bias is not None and float(bias.abs().max()) >= FLOAT64_SAFE:
        raise SpecError(f"bias must stay below 2**52 in steps of the accumulator, not reach"
                        f" {float(bias.abs().max()):.4g}")
    weights = Dense(_int64(layer.integer_weight()), fmt)
    node = MatVec(name, (value.node,), weights, None if bias is None else _int64(bias))
    edge = _sound(node, value.edge)
    worst = max(abs(bound) for bound in node.partial_sum_range(value.edge))
    if worst >= FLOAT64_SAFE:
        raise SpecError(f"accumulator must stay below 2**52, where torch's float64 is exact, not"
                        f" reach {worst}")
    return [node], Value(name, edge, edge.size, frac, _row_ranges(node, value.edge))


def _int64(tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.int64)


def _row_ranges(node: MatVec, edge: Edge):
    """Smallest and largest accumulator of each output, int64 (n_out,) each."""
    ends = np.stack([node.weights.to_dense() * edge.lo, node.weights.to_dense() * edge.hi])
    return (ends.min(axis=0).sum(axis=1) + node.bias_or_zero,
            ends.max(axis=0).sum(axis=1) + node.bias_or_zero)


def _quant_relu(layer: QuantReLU, value: Value, name: str):
    value = _settled(value)
    frac = int(layer.frac)
    shift = value.frac - frac
    if abs(shift) > MAX_SHIFT:
        raise SpecError(f"shift from {value.frac} to {frac} fraction bits must be at most"
                        f" {MAX_SHIFT}, not {abs(shift)}")
    node = Requantise(name, (value.node,), np.array([1 << max(-shift, 0)], dtype=np.int64),
                      max(shift, 0), "half_up", Fixed(layer.bits, frac, False))
    edge = _sound(node, value.edge)
    return [node], Value(name, edge, edge.size, frac)


def _batch_norm(layer: BatchNorm, value: Value, name: str):
    value = _settled(value)
    if layer.num_features != value.size:
        raise SpecError(f"num_features must be {value.size}, the size of its input, not"
                        f" {layer.num_features}")
    return [], replace(value, norm=layer)


def _sign(layer: Sign, value: Value, name: str):
    if value.norm is None:
        value = _settled(value)
    low, high = value.rows or (np.full(value.size, value.edge.lo), np.full(value.size,
                                                                           value.edge.hi))
    thresholds, invert = sign_thresholds(value.norm or nn.Identity(), low, high, frac=value.frac)
    node = Threshold(name, (value.node,), thresholds, invert)
    edge = _sound(node, value.edge)
    return [node], Value(name, edge, edge.size)


def _unchanged(layer, value: Value, name: str):
    return [], value


CONVERTERS = {
    QuantInput: _quant_input,
    ThermometerInput: _thermometer,
    BinaryLinear: _binary_linear,
    QuantLinear: _quant_linear,
    QuantReLU: _quant_relu,
    BatchNorm: _batch_norm,
    Sign: _sign,
    nn.Identity: _unchanged,
    nn.Dropout: _unchanged,
}
"""``CONVERTERS[type(layer)](layer, value, node name)`` for every layer with an exact form."""
