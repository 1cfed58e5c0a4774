"""Bits of each weight, trained against what its multiplications cost (HGQ)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from ..export import values_of
from ..fixed import QuantLinear
from ..form import Form, form_of
from ..frame.prepare import integers_of
from ..frame.step import TrainingStep
from ..hook import Hook

__all__ = ["GROUPS", "FewerBits", "Hgq", "ebops", "spans"]

GROUPS = ("weight", "output", "layer")
"""What shares its fraction bits."""


class _Round(torch.autograd.Function):
    """``clip(round(w 2**f)) 2**-f``, with HGQ's gradient for f: that of the rounding error.

    The error ``w - q`` is taken to shrink as ``2**-f`` does (arXiv 2405.00645), so ``dq / df`` is
    ``ln 2 (w - q)``. The gradient for ``w`` passes unchanged.
    """

    @staticmethod
    def forward(ctx, weight, frac, top):
        scaled, step = weight * 2.0 ** frac, 2.0 ** -frac
        rounded = torch.minimum(torch.round(scaled).abs(), torch.floor(top * 2.0 ** frac))
        result = torch.sign(scaled) * rounded * step
        ctx.save_for_backward(weight - result)
        ctx.shape = frac.shape
        return result

    @staticmethod
    def backward(ctx, grad):
        (error,) = ctx.saved_tensors
        return grad, (grad * math.log(2) * error).sum_to_size(ctx.shape), None


class _Whole(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


class FewerBits(Form):
    """Weights of a fixed-point layer, each rounded to trained fraction bits of its own.

    They stay multiples of the layer's step, so the integers are exact: one of fewer bits is an
    integer that ends in zeros. With none left a weight is 0.

    Parameters
    ----------
    layer : QuantLinear
    group : str      of GROUPS
    speed : float    bits are taken off at so many times the rate of the training
    """

    made_by = "'hgq'"

    def __init__(self, layer: QuantLinear, group: str, speed: float):
        super().__init__()
        self.bits, self.speed = layer.bits, speed
        shape = {"weight": layer.weight.shape, "output": (len(layer.weight), 1), "layer": (1, 1)}
        self.off = nn.Parameter(torch.zeros(shape[group]))
        self.register_buffer("finest", layer.frac.detach().clone().reshape(-1, 1).float())
        self.register_buffer("top", layer.limit * 2.0 ** -self.finest)

    @property
    def frac(self):
        """Fraction bits, whole numbers; their gradient passes to what is trained."""
        return self.finest - _Whole.apply(self.off * self.speed)

    def forward(self, weight):
        return _Round.apply(weight, self.frac, self.top)

    def width(self, weight):
        """Bits of each weight without its sign, ``max(integer bits + fraction bits, 0)``.

        ``weight`` are the rounded ones; those that are 0 have none.
        """
        magnitude = weight.detach().abs()
        integer = torch.floor(torch.log2(magnitude.clamp_min(2.0 ** -126))) + 1
        return torch.where(magnitude > 0, (integer + self.frac).clamp_min(0), 0.0)

    @torch.no_grad()
    def constrain(self) -> None:
        """Keep what is trained between none and all bits."""
        self.off.clamp_(0, self.bits / self.speed)


def _left(module, input_bits):
    """The bit operations that the forms of these layers leave, a scalar with a gradient."""
    return sum(bits * form_of(layer, FewerBits).width(layer.weight).sum() for layer, bits in
               ((module.get_submodule(name), bits) for name, bits in input_bits.items()))


@dataclass(frozen=True)
class _Cost(Hook):
    """Adds ``strength`` times the share of the first EBOPs that is left."""

    strength: float
    input_bits: dict
    first: float

    def penalty(self, module, step):
        return self.strength / self.first * _left(module, self.input_bits)

    def after(self, module, step):
        for name in self.input_bits:
            form_of(module.get_submodule(name), FewerBits).constrain()


def spans(integers) -> np.ndarray:
    """Bits from the highest to the lowest that is 1, of each magnitude; 0 of 0."""
    values = np.abs(np.asarray(integers, np.int64))
    lowest = values & -values
    return np.where(values, np.frexp(values)[1] - np.frexp(lowest)[1] + 1, 0)


def ebops(layers: Mapping, input_bits: Mapping) -> int:
    """Effective bit operations: over all weights, their bits times those of what they multiply.

    Bits of a weight are its :func:`spans`, as in the paper for constants; each weight counts once,
    also where a convolution uses it at many places, as one multiplier may serve all.
    """
    return int(sum(bits * spans(integers_of(layers[name])[0]).sum()
                   for name, bits in input_bits.items()))


@dataclass(frozen=True, kw_only=True)
class Hgq(TrainingStep):
    """Train how many bits each weight has, against the bit operations that they cost.

    Behind ``quantise``, whose widths are the most that a weight may have; activations keep theirs.
    The loss gets ``strength`` times the share of the effective bit operations (EBOPs) that is left.
    No storage holds weights of different widths, so the account counts the layer's (of nonzeros
    alone where they are few); what it saves is adders of the unrolled cores.

    Parameters
    ----------
    strength : float
    group : str      ``weight``; ``output``: of all weights of an output; ``layer``
    speed : float    bits move at so many times the rate of the training
    """

    kind: ClassVar[str] = "hgq"
    text: ClassVar[str] = "bits of each weight trained against their bit operations (HGQ)"
    source: ClassVar[str] = "arXiv 2405.00645"
    strength: float = 0.5
    group: str = "weight"
    speed: float = 20.0
    epochs: int = 1

    def check(self):
        self.require_int("epochs", 1)
        self.require_real("strength", 0)
        self.require_real("speed", 0, above=True)
        self.require_choice("group", GROUPS)

    def validate(self, context):
        """Of integers in fixed point that share no values."""
        context.need("quantised", "it takes bits off integers")
        context.refuse("shared", "shared values have bits together: hgq before 'share'")
        context.mark("own-bits")

    def apply(self, run):
        """Put the forms, train, and leave the bits that were found."""
        input_bits = _input_bits(run)
        before = ebops(run.matrices, input_bits)
        for name in input_bits:
            run.put(name, FewerBits(run.matrices[name], self.group, float(self.speed)))
        with torch.no_grad():
            first = float(_left(run.model, input_bits))
        run.train(self, hooks=(_Cost(float(self.strength), input_bits, max(first, 1.0)),))
        for name in input_bits:
            form_of(run.matrices[name], FewerBits).off.requires_grad_(False)
        run.notes[self.kind] = {
            "ebops_before": before, "ebops": ebops(run.matrices, input_bits),
            "mean_bits": {name: round(float(spans(integers_of(run.matrices[name])[0]).mean()), 3)
                          for name in input_bits},
            "zeros": {name: round(float((integers_of(run.matrices[name])[0] == 0).mean()), 5)
                      for name in input_bits}}


def _input_bits(run) -> dict[str, int]:
    """Bits of what each fixed-point matrix reads, by its name; not of factors behind signs."""
    values, found, known = {}, {}, run.matrices
    for step, value in values_of(run.model.eval(), run.samples(1)):
        if isinstance(step.layer, QuantLinear) and step.path in known:
            found[step.path] = values[step.sources[0]].edge.format.bits
        values[step.node] = value
    return found
