"""The integers of a network of affine numbers that was trained: multipliers and shifts between."""

from functools import partial

import torch
from torch import nn

from .affine import AffineRange, AffineWeights
from .conv import Flatten
from .fixed import QuantInput
from .form import baked, form_of, forms_of, latent
from .graph import as_graph
from .quantise import TWINS as FIXED_TWINS
from .rescale import QuantRescale
from .twin import PLAIN, flattened, twin_of, unchanged

__all__ = ["as_integers"]


@torch.no_grad()
def as_integers(module, samples):
    """The integer layers of what :func:`hwgen.compress.integer_only.affine` gave, and their grids.

    Every fraction is at 0, scales are in rescales. A grid, ready for JSON, is ``{"scale": S,
    "zero_point": Z}`` of a layer's result, ``real = S (q - Z)``; S is a list where outputs have
    scales of their own.
    """
    grids = {}
    twin = twin_of(module, samples, INTEGER_TWINS, lambda name: {"name": name, "grids": grids},
                   verb="integer-only", **PLAIN)
    return as_graph(twin), grids


def _noted(state, made, scale, zero: int = 0):
    """``made``, whose result has this grid."""
    state.scale = scale
    values = scale.tolist()
    state.options["grids"][state.options["name"]] = {
        "scale": values if len(values) > 1 else values[0], "zero_point": zero}
    return made


def _input(layer: QuantInput, state):
    made = QuantInput(bits=layer.bits, signed=layer.signed, zero_point=layer.zero_point)
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
    made = QuantRescale(layer.bits, (state.scale / scale).tolist(), zero_point=zero)
    return _noted(state, made, _one(scale), zero)


def _one(scale: float):
    return torch.tensor([scale]).double()


INTEGER_TWINS = {
    QuantInput: _input,
    **{kind: partial(_matrix, FIXED_TWINS[kind]) for kind in (nn.Linear, nn.Conv2d)},
    AffineRange: _range, nn.MaxPool2d: unchanged, nn.Flatten: flattened, Flatten: unchanged,
}
"""``INTEGER_TWINS[kind](layer, state)`` of what was trained."""
