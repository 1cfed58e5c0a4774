"""The integers of a network of affine numbers that was trained: multipliers and shifts between."""

import math
from functools import partial

import torch
from torch import nn

from hwgen.numeric import Fixed

from .add import QuantAdd
from .affine import AffineAverage, AffineRange, AffineWeights, average_of
from .average import QuantAvgPool2d
from .conv import Flatten
from .fixed import MAX_BITS, QuantInput
from .form import baked, form_of, forms_of, latent
from .graph import as_graph, layer_of, put_between
from .integer_only import KNOWN
from .quantise import TWINS as FIXED_TWINS
from .rescale import QuantRescale
from .twin import flattened, twin_of, unchanged

__all__ = ["as_integers"]

GUARD_BITS = 8
"""Most fraction bits of a value that is brought to the scale of another, to be added to it."""


@torch.no_grad()
def as_integers(module, samples):
    """The integer layers of what :func:`hwgen.compress.integer_only.affine` gave, and their grids.

    Scales are in rescales, and every fraction is at 0 but those of what is added. A grid, ready for
    JSON, is ``{"scale": S, "zero_point": Z}`` of a layer's result, ``real = S (q - Z)``; S is a
    list where outputs have scales of their own.
    """
    grids, added = {}, {}

    def options(name):
        return {"name": name, "grids": grids, "added": added}

    whole = as_graph(twin_of(module, samples, INTEGER_TWINS, options, verb="integer-only", **KNOWN))
    for node in list(whole.graph.nodes):
        if isinstance(layer_of(whole, node), QuantAdd):
            _rescale_added(whole, node, *added[node.target], grids)
    return whole, grids


def _rescale_added(whole, node, rescales, zeros, grids):
    """Put ``rescales``, a layer or None of each value that ``node`` adds, between the two."""
    sources, grid = node.all_input_nodes, grids[node.target]
    zeros = dict(zip(sources, zeros, strict=True))
    grid["zero_point"] = sum(zeros[source] for source in node.args)
    frac = max((int(layer.frac) for layer in rescales if layer), default=0)
    for k, (source, layer) in enumerate(zip(sources, rescales, strict=True)):
        if layer is not None:
            name = put_between(whole, source, node, layer,
                               f"{node.target}_scaled{k}".replace(".", "_"))
            step = grid["scale"] * 2.0 ** (max(frac, 0) - int(layer.frac))
            grids[name] = {"scale": step, "zero_point": 0}


def _noted(state, made, scale, zero: int = 0):
    """``made``, whose result has this grid."""
    state.scale = scale
    values = (scale * 2.0 ** -state.frac).tolist()
    state.options["grids"][state.options["name"]] = {
        "scale": values if len(values) > 1 else values[0], "zero_point": zero}
    return made


def _input(layer: QuantInput, state):
    made = QuantInput(bits=layer.bits, signed=layer.signed, zero_point=layer.zero_point)
    state.bounded = made
    return _noted(state, made, _one(2.0 ** -int(layer.frac)), layer.zero_point)


def _matrix(convert, layer, state):
    """The layer that ``convert(layer, state)`` makes of integers, its fraction at 0."""
    form, plain = form_of(layer, AffineWeights), baked(layer)
    integers, scale, zero = form.integers(_behind(layer, form))
    scale = state.scale * scale.double()
    plain.weight.copy_(integers)
    if plain.bias is not None:
        plain.bias.copy_(torch.round(plain.bias.double() / scale))
    state.options["weight_bits"] = form.bits
    made = convert(plain, state)
    made.frac.fill_(0)
    made.zero_point = zero if form.kind == "affine" else None
    return _noted(state, made, scale)


def _behind(layer, last):
    """The weights behind all forms of a layer but ``last``."""
    weight = latent(layer).detach()
    for form in forms_of(layer):
        weight = weight if form is last else form(weight)
    return weight


def _range(layer: AffineRange, state):
    scale, zero = layer.grid()
    made = QuantRescale(layer.bits, (state.scale / scale).tolist(), in_frac=state.frac,
                        zero_point=zero)
    state.bounded, state.frac = made, 0
    return _noted(state, made, _one(scale), zero)


def _average(layer, state):
    """An AffineAverage or, of pixels, a QuantAvgPool2d: integers are averaged as they are."""
    pool = layer.pool if isinstance(layer, AffineAverage) else layer
    state.bounded = average_of(pool, state.bounded)
    return _noted(state, state.bounded, state.scale, state.bounded.zero_point)


def _addition(layer: QuantAdd, state):
    """The exact sum in the coarsest scale; the other values are rescaled to it before.

    As in arXiv 1712.05877, appendix A.2. They get fraction bits, so that what their rounding costs
    is far below a step of the coarsest.
    """
    scale = max(each.scale for each in state.read)
    rescales = [_to_scale(each, scale) for each in state.read]
    state.frac = max(0, 0, *(int(layer.frac) for layer in rescales if layer))
    zeros = [0 if layer else each.bounded.zero_point << state.frac
             for each, layer in zip(state.read, rescales, strict=True)]
    state.options["added"][state.options["name"]] = rescales, zeros
    return _noted(state, QuantAdd(), scale)


def _to_scale(read, scale):
    """What brings values to ``scale``, all of them within its bits; None where they have it."""
    ratio = float(read.scale / scale)
    if ratio == 1:
        return None
    fmt, zero = Fixed(read.bounded.bits, 0, read.bounded.signed), read.bounded.zero_point
    most = max(zero - fmt.min, fmt.max - zero)
    room = ((1 << MAX_BITS - 1) - 1) / (most * ratio)
    return QuantRescale(MAX_BITS, ratio, frac=min(GUARD_BITS, math.floor(math.log2(room))),
                        signed=True)


def _one(scale: float):
    return torch.tensor([scale], dtype=torch.float64)


INTEGER_TWINS = {
    QuantInput: _input,
    **{kind: partial(_matrix, FIXED_TWINS[kind]) for kind in (nn.Linear, nn.Conv2d)},
    AffineRange: _range, AffineAverage: _average, QuantAvgPool2d: _average, QuantAdd: _addition,
    nn.MaxPool2d: unchanged, nn.Flatten: flattened, Flatten: unchanged,
}
"""``INTEGER_TWINS[kind](layer, state)`` of what was trained."""
