"""Scaling of the input in a module's own forward, ``(x / 255 - 0.13) / 0.31``, and its folding."""

import operator

import torch
import torch.fx
from torch import nn

from hwgen.numeric import SpecError

from .layer import Layer

__all__ = ["InputScale", "fold_scale", "take_scale"]

TIMES = (operator.mul, torch.mul, "mul")
OVER = (operator.truediv, torch.div, "div")
PLUS = (operator.add, torch.add, "add")
MINUS = (operator.sub, torch.sub, "sub")


class InputScale(Layer):
    """``x * scale + offset`` of a module's input; :func:`fold_scale` takes it out again."""

    def __init__(self, scale: float, offset: float):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x):
        return x * self.scale + self.offset

    def extra_repr(self):
        return f"scale={self.scale:g}, offset={self.offset:g}"


def take_scale(graph: torch.fx.Graph, root: nn.Module) -> None:
    """Put one InputScale in the place of all constants that scale and shift the input."""
    node = start = next(n for n in graph.nodes if n.op == "placeholder")
    scale, offset = 1.0, 0.0
    while len(node.users) == 1:
        (following,) = node.users
        changed = _changed(following, node, scale, offset)
        if changed is None:
            break
        node, (scale, offset) = following, changed
    if node is start:
        return
    name = "scale"
    while hasattr(root, name):
        name += "_"
    root.add_module(name, InputScale(scale, offset))
    with graph.inserting_after(start):
        new = graph.call_module(name, (start,))
    node.replace_all_uses_with(new)
    while node is not start:
        before = next(n for n in node.all_input_nodes)
        graph.erase_node(node)
        node = before


def _changed(node, source, scale, offset):
    """Scale and offset behind ``node``; None where it is no such operation."""
    if node.op not in ("call_function", "call_method") or len(node.args) != 2 or node.kwargs:
        return None
    constant = node.args[1] if node.args[0] is source else node.args[0]
    if isinstance(constant, bool) or not isinstance(constant, int | float):
        return None
    if node.target in TIMES and constant:
        return scale * constant, offset * constant
    if node.target in PLUS:
        return scale, offset + constant
    if node.args[0] is not source:
        return None
    if node.target in OVER and constant:
        return scale / constant, offset / constant
    return (scale, offset - constant) if node.target in MINUS else None


@torch.no_grad()
def fold_scale(layers, scale: float, offset: float, frac: int, zero: int) -> None:
    """Let matrices read ``(x - zero) * 2**-frac`` in the place of ``x * scale + offset``.

    ``x = u 2**frac + zero``, so weights are multiplied by ``scale * 2**frac``, and what is left of
    the offset, ``zero * scale + offset``, times the sum of the weights goes into the bias. At the
    border of a padded map, where torch has zeros, that is off by this rest: at most half a step.

    Raises
    ------
    SpecError    If a layer that reads the input is neither Linear nor Conv2d.
    """
    for name, layer in layers.items():
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            raise SpecError(f"scale of the input must be read by Linear or Conv2d, into which it is"
                            f" folded, not by '{name}', a {type(layer).__name__}")
        rest = (zero * scale + offset) * layer.weight.flatten(1).sum(1)
        if layer.bias is None and bool(rest.abs().max() > 0):
            layer.bias = nn.Parameter(torch.zeros_like(rest))
        if layer.bias is not None:
            layer.bias += rest
        layer.weight *= scale * 2.0 ** frac
