"""Batch norms and activations to nodes."""

from dataclasses import replace

import numpy as np
import torch

from hwgen.ir import Piecewise, Requantise, Table, Threshold
from hwgen.numeric import Fixed, SpecError

from .activation import QuantActivation, QuantRescale
from .basis_steps import AbcActivation, LqActivation
from .binary import Sign
from .bitwise import BitwiseSign
from .fixed import QuantReLU
from .log_steps import LogActivation
from .lookup import QuantExp, QuantSigmoid, QuantTanh, TableLayer
from .normalise import BatchNorm
from .residual import HorqSign, ResidualSign
from .shift_norm import ShiftBatchNorm
from .steps import StepActivation, StepLayer
from .thresholds import sign_thresholds, step_thresholds
from .value import Value, settled, sound

__all__ = ["CONVERTERS", "batch_norm"]

MAX_SHIFT = 61


def _quant_relu(layer: QuantReLU, value: Value, name: str):
    value = settled(value)
    frac = int(layer.frac)
    shift = value.frac - frac
    if abs(shift) > MAX_SHIFT:
        raise SpecError(f"shift from {value.frac} to {frac} fraction bits must be at most"
                        f" {MAX_SHIFT}, not {abs(shift)}")
    node = Requantise(name, (value.node,), np.array([1 << max(-shift, 0)], dtype=np.int64),
                      max(shift, 0), "half_up", Fixed(layer.bits, frac, False))
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.shape[-1], frac, spatial=value.spatial)


def _activation(layer: QuantActivation, value: Value, name: str):
    value = settled(value, any_frac=True)
    fracs = value.frac if value.channel_frac is None else value.channel_frac
    shifts = np.atleast_1d(np.asarray(fracs, np.int64)) - int(layer.frac)
    if (worst := int(np.abs(shifts).max())) > MAX_SHIFT:
        raise SpecError(f"shift from {value.frac} to {int(layer.frac)} fraction bits must be at"
                        f" most {MAX_SHIFT}, not {worst}")
    shift = np.maximum(shifts, 0)
    (least, most), fmt = layer.bounds, layer.format
    node = Requantise(name, (value.node,), 1 << np.unique(np.maximum(-shifts, 0)) if
                      len(set(shifts.tolist())) == 1 else 1 << np.maximum(-shifts, 0),
                      int(shift[0]) if len(set(shift.tolist())) == 1 else shift, layer.rounding,
                      fmt, None if least == fmt.min else least, None if most == fmt.max else most,
                      layer.slope_shift, layer.zero_point)
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.shape[-1], fmt.frac, spatial=value.spatial,
                         zero=layer.zero_point)


def _rescale(layer: QuantRescale, value: Value, name: str):
    value = settled(value)
    if int(layer.in_frac) != value.frac:
        raise SpecError(f"in_frac must be {value.frac}, the fraction bits of its input, not"
                        f" {int(layer.in_frac)}: run hwgen.compress.calibrate before training")
    if len(layer.scale) not in (1, value.size):
        raise SpecError(f"scale must be one or {value.size}, the channels of its input, not"
                        f" {len(layer.scale)}")
    multiplier, shift = layer.integers
    one = len(set(shift.tolist())) == 1
    node = Requantise(name, (value.node,), multiplier, int(shift[0]) if one else shift,
                      layer.rounding, layer.format)
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.shape[-1], layer.format.frac, spatial=value.spatial)


def _table(layer: TableLayer, value: Value, name: str):
    """The table, behind a Requantise unless its input has that format."""
    nodes, fmt = [], layer.in_format
    value = settled(value, any_frac=True)
    if value.edge.format != fmt or value.channel_frac is not None:
        rounded = QuantActivation(fmt.bits, frac=fmt.frac)
        nodes, value = _activation(rounded, value, f"{name}_in")
    if (lines := layer.lines) is not None:
        node = Piecewise(name, (value.node,), np.array(lines.bases, np.int64),
                         np.array(lines.slopes, np.int64), lines.length, fmt.min, lines.shift,
                         layer.format, layer.function, layer.error)
    else:
        node = Table(name, (value.node,), np.array(layer.values, np.int64), fmt.min, layer.format,
                     layer.function, layer.error)
    edge = sound(node, value.edge)
    return [*nodes, node], Value(name, edge, edge.shape[-1], layer.frac, spatial=value.spatial)


def batch_norm(layer: BatchNorm, value: Value, name: str):
    """No node: the norm waits for the thresholds of the activation that follows."""
    if not value.pending:
        value = settled(value)
    if layer.num_features != value.size:
        raise SpecError(f"num_features must be {value.size}, the size of its input, not"
                        f" {layer.num_features}")
    scale = layer.scale()
    bad = torch.nonzero(~torch.isfinite(scale)).flatten()
    if len(bad):
        k = int(bad[0])
        raise SpecError(f"gamma / sqrt(var + eps) must be finite, not {float(scale[k])} at output"
                        f" {k}, of gamma {float(layer.weight[k]):g}, var"
                        f" {float(layer.running_var[k]):g} and eps {layer.eps:g}")
    rises = value.rises and bool((scale >= 0).all())
    return [], replace(value, pending=(*value.pending, layer), rises=rises)


def _steps(layer: StepLayer, value: Value, name: str):
    if not value.pending:
        value = settled(value)
    low, high = value.rows or (np.full(value.size, value.edge.lo), np.full(value.size,
                                                                           value.edge.hi))

    def before(x):
        for function in value.pending:
            x = function(x)
        return x

    if isinstance(layer, Sign):
        thresholds, invert = sign_thresholds(before, low, high, frac=value.frac)
    else:
        thresholds, invert = step_thresholds(
            lambda x: layer.index(before(x)), len(layer.format.levels) - 1, low, high,
            frac=value.frac)
    node = Threshold(name, (value.node,), thresholds, invert, layer.format)
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.shape[-1], spatial=value.spatial)


CONVERTERS = {
    QuantActivation: _activation,
    QuantReLU: _quant_relu,
    QuantRescale: _rescale,
    **dict.fromkeys((QuantExp, QuantSigmoid, QuantTanh), _table),
    BatchNorm: batch_norm,
    ShiftBatchNorm: batch_norm,
    **dict.fromkeys((AbcActivation, BitwiseSign, HorqSign, LogActivation, LqActivation,
                     ResidualSign, Sign, StepActivation), _steps),
}
