"""Layers on maps to nodes: torch's ``(c, h, w)`` becomes ``(h, w, c)``."""

from dataclasses import replace

import numpy as np
from torch import nn

from hwgen.ir import Flatten as FlattenNode
from hwgen.ir import MatVec, MaxPool, PerChannel, Requantise, SlidingWindow, SumPool
from hwgen.numeric import Fixed, SpecError, division_of

from .average import QuantAvgPool2d
from .centre import centred
from .conv import (
    BatchNorm2d,
    Convolution,
    Flatten,
    IntegerConv2d,
    QuantConv2d,
    QuantDepthwiseConv2d,
)
from .convert_linear import depthwise_linear, integer_linear, quant_linear
from .convert_steps import batch_norm
from .dynamic import DynamicQuantConv2d
from .named import BinaryConv2d, TernaryConv2d
from .shift_norm import ShiftBatchNorm2d
from .value import Value, settled, sound

__all__ = ["CONVERTERS"]


def _map(value: Value) -> Value:
    if value.spatial is None:
        raise SpecError(f"input must be maps (batch, c, h, w), not vectors of {value.size}")
    return value


def _convolution(convert):
    def converter(layer: Convolution, value: Value, name: str):
        value = _map(settled(value))
        if layer.c_in != value.size:
            raise SpecError(f"c_in must be {value.size}, the channels of its input, not"
                            f" {layer.c_in}")
        if layer.pad_value and value.frac:
            raise SpecError(f"pad_value must be 0 where the input has fraction bits, not"
                            f" {layer.pad_value} with {value.frac} of them")
        (down, across) = layer.padding
        node = SlidingWindow(f"{name}_window", (value.node,), layer.kernel, layer.stride,
                             layer.dilation, (down, down, across, across),
                             layer.pad_value + value.zero)
        edge = sound(node, value.edge)
        windows = replace(value, node=node.name, edge=edge, size=edge.shape[-1], rows=None,
                          spatial=None)
        nodes, result = convert(layer, windows, name)
        return [node, *nodes], replace(result, size=layer.n_out, spatial=edge.shape[:2])

    return converter


def _max_pool(layer: nn.MaxPool2d, value: Value, name: str):
    # What rises with its input can as well be done behind the maximum.
    value = _map(value if value.pending and value.rises else
                 settled(value, any_frac=True))
    for what, wanted in (("dilation", 1), ("return_indices", False)):
        found = getattr(layer, what)
        if found not in (wanted, (wanted, wanted)):
            raise SpecError(f"{what} must be {wanted}, not {found}")
    size, stride, padding = (tuple(n) if isinstance(n, tuple | list) else (n, n)
                             for n in (layer.kernel_size, layer.stride, layer.padding))
    sides = [side for each in zip(value.spatial, size, stride, padding, strict=True)
             for side in _sides(*each, layer.ceil_mode)]
    node = MaxPool(name, (value.node,), size, stride, sides)
    edge = sound(node, value.edge)
    return [node], replace(value, node=name, edge=edge, spatial=edge.shape[:2])


def _sides(n: int, size: int, stride: int, padding: int, ceil_mode: bool) -> tuple[int, int]:
    """Padding before and behind ``n`` places, so that windows that fit are those of torch.

    With ``ceil_mode`` a last one that begins before the padding behind may reach beyond it.
    """
    if not ceil_mode:
        return padding, padding
    last = -(-(n + 2 * padding - size) // stride) * stride
    if last >= n + padding:
        last -= stride
    return padding, max(padding, last + size - n - padding)


def _average(layer: QuantAvgPool2d, value: Value, name: str):
    """Sums, then their quotients; sums of signs are those of a matrix of ones."""
    value = _map(settled(value))
    if int(layer.in_frac) != value.frac:
        raise SpecError(f"in_frac must be {value.frac}, the fraction bits of its input, not"
                        f" {int(layer.in_frac)}: run hwgen.compress.calibrate before training")
    before = []
    if layer.zero_point:
        layer.require_one_step()
        if layer.zero_point != value.zero:
            raise SpecError(f"zero_point must be {value.zero}, that of its input, not"
                            f" {layer.zero_point}")
    else:
        before, value = centred(value, name)
    size, stride = layer.windows(value.spatial)
    if isinstance(value.edge.format, Fixed):
        nodes = [SumPool(f"{name}_sum", (value.node,), size, stride)]
    else:
        ones = PerChannel(np.ones((value.size, size[0] * size[1]), np.int64), Fixed(1, 0, False))
        nodes = [SlidingWindow(f"{name}_window", (value.node,), size, stride),
                 MatVec(f"{name}_sum", (f"{name}_window",), ones)]
    edge = value.edge
    for node in nodes:
        edge = sound(node, edge)
    multiplier, shift = division_of(*layer.ratio(size), max(abs(edge.lo), abs(edge.hi)))
    node = Requantise(name, (nodes[-1].name,), np.array([multiplier]), shift, "half_away",
                      layer.format)
    edge = sound(node, edge)
    return [*before, *nodes, node], Value(name, edge, edge.shape[-1], layer.format.frac,
                                          spatial=edge.shape[:2], zero=layer.zero_point)


def _flatten(layer: Flatten, value: Value, name: str):
    value = settled(value)
    if value.spatial is None:
        return [], value
    node = FlattenNode(name, (value.node,))
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.size, value.frac, zero=value.zero,
                         has_no_step=value.has_no_step)


CONVERTERS = {
    **dict.fromkeys((IntegerConv2d, BinaryConv2d, TernaryConv2d), _convolution(integer_linear)),
    **dict.fromkeys((QuantConv2d, DynamicQuantConv2d), _convolution(quant_linear)),
    QuantDepthwiseConv2d: _convolution(depthwise_linear),
    BatchNorm2d: batch_norm,
    ShiftBatchNorm2d: batch_norm,
    nn.MaxPool2d: _max_pool,
    QuantAvgPool2d: _average,
    Flatten: _flatten,
}
