"""Layers on maps to nodes: torch's ``(c, h, w)`` becomes ``(h, w, c)``."""

from dataclasses import replace

from torch import nn

from hwgen.ir import Flatten as FlattenNode
from hwgen.ir import MaxPool, SlidingWindow
from hwgen.numeric import SpecError

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
                             layer.dilation, (down, down, across, across), layer.pad_value)
        edge = sound(node, value.edge)
        windows = replace(value, node=node.name, edge=edge, size=edge.shape[-1], rows=None,
                          spatial=None)
        nodes, result = convert(layer, windows, name)
        return [node, *nodes], replace(result, size=layer.n_out, spatial=edge.shape[:2])

    return converter


def _max_pool(layer: nn.MaxPool2d, value: Value, name: str):
    # What rises with its input can as well be done behind the maximum.
    value = _map(value if value.pending and value.rises else settled(value))
    for what, wanted in (("padding", 0), ("dilation", 1), ("ceil_mode", False),
                         ("return_indices", False)):
        found = getattr(layer, what)
        if found not in (wanted, (wanted, wanted)):
            raise SpecError(f"{what} must be {wanted}, not {found}")
    size, stride = (tuple(n) if isinstance(n, tuple | list) else (n, n)
                    for n in (layer.kernel_size, layer.stride))
    node = MaxPool(name, (value.node,), size, stride)
    edge = sound(node, value.edge)
    return [node], replace(value, node=name, edge=edge, spatial=edge.shape[:2])


def _flatten(layer: Flatten, value: Value, name: str):
    value = settled(value)
    if value.spatial is None:
        return [], value
    node = FlattenNode(name, (value.node,))
    edge = sound(node, value.edge)
    return [node], Value(name, edge, edge.size, value.frac)


CONVERTERS = {
    **dict.fromkeys((IntegerConv2d, BinaryConv2d, TernaryConv2d), _convolution(integer_linear)),
    **dict.fromkeys((QuantConv2d, DynamicQuantConv2d), _convolution(quant_linear)),
    QuantDepthwiseConv2d: _convolution(depthwise_linear),
    BatchNorm2d: batch_norm,
    ShiftBatchNorm2d: batch_norm,
    nn.MaxPool2d: _max_pool,
    Flatten: _flatten,
}
