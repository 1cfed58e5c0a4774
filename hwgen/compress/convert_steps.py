"""Batch norms and activations to nodes."""

from dataclasses import replace

import numpy as np
import torch

from hwgen.ir import Piecewise, Requantise, Table, Threshold
from hwgen.numeric import Fixed, SpecError

from .activation import Bounded, QuantActivation
from .basis_steps import AbcActivation, LqActivation
from .bi_real import ApproxSign
from .binary import Sign
from .bitwise import BitwiseSign
from .centre import centred
from .fixed import QuantReLU
from .log_steps import LogActivation
from .lookup import QuantExp, QuantSigmoid, QuantTanh, TableLayer
from .normalise import BatchNorm
from .rescale import QuantRescale
from .residual import HorqSign, ResidualSign
from .shift_norm import ShiftBatchNorm
from .steps import StepActivation, StepLayer
from .thresholds import sign_thresholds, step_thresholds
from .value import Value, settled, sound

__all__ = ["CONVERTERS", "batch_norm"]

MAX_SHIFT = 61


def _quant_relu(layer: QuantReLU, value: Value, name: str):
    before, value = centred(settled(value), name)
    frac = int(layer.frac)
    shift = value.frac - frac
    if abs(shift) > MAX_SHIFT:
        raise SpecError(f"shift from {value.frac} to {frac} fraction bits must be at most"
                        f" {MAX_SHIFT}, not {abs(shift)}")
    node = Requantise(name, (value.node,), np.array([1 << max(-shift, 0)], dtype=np.int64),
                      max(shift, 0), "half_up", Fixed(layer.bits, frac, False))
    edge = sound(node, value.edge)
    return [*before, node], Value(name, edge, edge.shape[-1], frac, spatial=value.spatial)


def _activation(layer: QuantActivation, value: Value, name: str):
    before, value = centred(settled(value, any_frac=True), name)
    fracs = value.frac if value.channel_frac is None else value.channel_frac
    shifts = np.atleast_1d(np.asarray(fracs, np.int64)) - int(layer.frac)
    if (worst := int(np.abs(shifts).max())) > MAX_SHIFT:
        raise SpecError(f"shift from {value.frac} to {int(layer.frac)} fraction bits must be at"
                        f" most {MAX_SHIFT}, not {worst}")
    multiplier = 1 << np.maximum(-shifts, 0)
    if len(set(shifts.tolist())) == 1:
        multiplier = multiplier[:1]
    return _bounded(layer, value, name, before, multiplier, np.maximum(shifts, 0))


def _rescale(layer: QuantRescale, value: Value, name: str):
    before, value = centred(settled(value, any_frac=True), name)
    layer.require_channels(value.size)
    fracs, found = value.fracs, layer.in_frac.numpy()
    if (found != fracs).any():
        wanted = value.frac if value.channel_frac is None else fracs.tolist()
        raise SpecError(f"in_frac must be {wanted}, the fraction bits of its input, not"
                        f" {found.tolist()}: run hwgen.compress.calibrate before training")
    multiplier, shift = layer.integers
    if layer.is_doubling:
        _check_lefts(layer, value, shift)
    return _bounded(layer, value, name, before, multiplier, shift)


def _check_lefts(layer: QuantRescale, value: Value, shifts) -> None:
    """SpecError, with the scale that is the cause, where inputs shifted left leave int32."""
    k = int(shifts.argmin())
    least, most = value.edge.lo, value.edge.hi
    room = 31 - max((-least - 1).bit_length() if least < 0 else 0, max(most, 0).bit_length())
    if -shifts[k] <= max(room, 0):
        return
    fracs = np.atleast_1d(layer.in_frac.numpy())
    further = int(fracs[k % len(fracs)]) - layer.format.frac
    what = f"scale of channel {k}" if len(layer.scale) > 1 else "scale"
    raise SpecError(f"{what} must be at most 2**{room + further} in size, so that inputs from"
                    f" {least} to {most} shifted left fit the int32 that 'doubling_high'"
                    f" multiplies, not {layer.scale[k % len(layer.scale)]}: round once, by"
                    f" 'half_up', or let the result have fewer fraction bits")


def _bounded(layer: Bounded, value: Value, name: str, before, multiplier, shifts):
    """The Requantise of a layer of bounded integers; one shift where all are the same.

    Behind the nodes ``before``.
    """
    (least, most), fmt = layer.bounds, layer.format
    node = Requantise(name, (value.node,), multiplier,
                      int(shifts[0]) if len(set(shifts.tolist())) == 1 else shifts, layer.rounding,
                      fmt, None if least == fmt.min else least, None if most == fmt.max else most,
                      layer.slope_shift, layer.zero_point)
    edge = sound(node, value.edge)
    return [*before, node], Value(name, edge, edge.shape[-1], fmt.frac, spatial=value.spatial,
                                  zero=layer.zero_point)


def _table(layer: TableLayer, value: Value, name: str):
    """The table, behind a Requantise unless its input has that format."""
    nodes, fmt = [], layer.in_format
    value = settled(value, any_frac=True)
    if value.edge.format != fmt or value.channel_frac is not None or value.zero:
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
    low, high = low - value.zero, high - value.zero

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
    node = Threshold(name, (value.node,), thresholds + value.zero, invert, layer.format)
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.shape[-1], spatial=value.spatial)


CONVERTERS = {
    QuantActivation: _activation,
    QuantReLU: _quant_relu,
    QuantRescale: _rescale,
    **dict.fromkeys((QuantExp, QuantSigmoid, QuantTanh), _table),
    BatchNorm: batch_norm,
    ShiftBatchNorm: batch_norm,
    **dict.fromkeys((AbcActivation, ApproxSign, BitwiseSign, HorqSign, LogActivation, LqActivation,
                     ResidualSign, Sign, StepActivation), _steps),
}
