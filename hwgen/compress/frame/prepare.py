"""The user's module as what the steps work on: a graph of layers that begins with QuantInput."""

import numpy as np
from torch import nn

from hwgen.numeric import SpecError

from ..entry import InputScale, fold_scale
from ..fixed import QuantInput, QuantLinear
from ..form import shares_values
from ..graph import as_graph, layer_of
from ..linear import IntegerLinear
from ..plain import require_finite
from ..quantise import ACTIVATIONS
from ..thermometer import ThermometerInput
from ..twin import LEFT_OUT, NORMS
from .step import Context
from .storage import signed_bits

__all__ = ["MATRICES", "activations", "context_of", "integers_of", "matrices", "prepared"]

MATRICES = (nn.Linear, nn.Conv2d, QuantLinear, IntegerLinear)
"""Layers with a ``weight`` of shape (n_out, ...) that steps may change."""

ENTRY = "pixels"
"""Name of the QuantInput that is put in front of a module without one."""


def prepared(model, split):
    """A copy of ``model`` as a graph of layers; with a QuantInput in front unless it has one.

    That reads the integers of ``split`` as ``integer * 2**-bits``, so as numbers below 1. Where the
    model scales its input by constants, that is folded into the first matrices.

    Raises
    ------
    SpecError    As :func:`hwgen.compress.graph.as_graph`, and for a parameter that is not finite.
    """
    whole = as_graph(model)
    require_finite(whole)
    first = next((node for node in whole.graph.nodes if node.op == "call_module"
                  and not isinstance(layer_of(whole, node), LEFT_OUT)), None)
    if first is None:
        raise SpecError(f"model must have layers, not be {type(model).__name__} without any")
    layer = layer_of(whole, first)
    if isinstance(layer, InputScale):
        bits, frac, signed = _range(split)
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        zero = min(max(round(-layer.offset / layer.scale), low), high)
        fold_scale(_readers(whole, first), layer.scale, layer.offset, frac, zero)
        setattr(whole, first.target, QuantInput(bits=bits, frac=frac, signed=signed,
                                                zero_point=zero))
    elif not isinstance(layer, QuantInput | ThermometerInput):
        _enter(whole, split)
    return whole


def _range(split) -> tuple[int, int, bool]:
    """Bits, fraction bits and sign of the integers of ``split`` as numbers below 1."""
    ends = [(int(np.min(x)), int(np.max(x))) for x in (split.x_train, split.x_test)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    bits = max(1, high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)
    return bits + (low < 0), bits, low < 0


def _readers(whole, node) -> dict:
    """Layers that read a node, also through what only moves or chooses its elements."""
    found = {}
    for user in node.users:
        layer = layer_of(whole, user)
        if isinstance(layer, (*LEFT_OUT, nn.Flatten)):
            found |= _readers(whole, user)
        else:
            found[user.target] = layer
    return found


def _enter(whole, split):
    bits, frac, signed = _range(split)
    name = ENTRY
    while hasattr(whole, name):
        name += "_"
    whole.add_module(name, QuantInput(bits=bits, frac=frac, signed=signed))
    start = next(node for node in whole.graph.nodes if node.op == "placeholder")
    with whole.graph.inserting_after(start):
        entry = whole.graph.call_module(name, (start,))
    start.replace_all_uses_with(entry, delete_user_cb=lambda user: user is not entry)
    whole.recompile()


def matrices(model) -> dict:
    """The matrix layers of a prepared model by name, in the order in which they are called."""
    if not hasattr(model, "graph"):
        return {name: layer for name, layer in model.named_modules()
                if isinstance(layer, MATRICES)}
    return _called(model, MATRICES)


def activations(model) -> dict:
    """The layers of a prepared float model that get activation bits, as :func:`matrices`."""
    return _called(model, ACTIVATIONS)


def _called(model, kinds) -> dict:
    layers = {node.target: layer_of(model, node) for node in model.graph.nodes
              if node.op == "call_module"}
    return {name: layer for name, layer in layers.items() if isinstance(layer, kinds)}


def integers_of(layer):
    """``(integers, bits of a plain entry)`` of a matrix layer, int64 (n_out, n_in) and int.

    Both None of a layer in float.
    """
    if not isinstance(layer, QuantLinear | IntegerLinear):
        return None, None
    if isinstance(layer, IntegerLinear) and layer.quantiser.is_real:
        return None, None
    integers = layer.integer_weight().detach().cpu().numpy().astype(np.int64)
    if shares_values(layer):
        return integers, signed_bits(integers)
    return integers, layer.bits if isinstance(layer, QuantLinear) else layer.format.bits


def context_of(model, split) -> Context:
    """What is known of a prepared model."""
    found = matrices(model)
    if not found:
        raise SpecError("model must have a Linear or Conv2d, and has none")
    norms = {node.target for node in model.graph.nodes if node.target in found
             and any(isinstance(layer_of(model, user), NORMS) for user in node.users)}
    return Context(model, found, norms, split)
