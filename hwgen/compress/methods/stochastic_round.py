"""Training in fixed point: updated weights are rounded at random, without bias, and stored so."""

import zlib
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..fixed import QuantLinear
from ..form import latent
from ..frame.step import TrainingStep
from ..hook import Hook

__all__ = ["StochasticRound", "StoredIntegers", "rounded"]


def rounded(values, generator):
    """Integers: ``floor(v)`` with probability ``floor(v) + 1 - v``, else ``floor(v) + 1``.

    So their mean is ``v`` and integers stay (eq. 2 of arXiv 1502.02551, in units of the step). In
    the shape and dtype of ``values``.
    """
    drawn = torch.rand(values.shape, dtype=torch.float64, generator=generator)
    return torch.floor(values.double() + drawn.to(values.device)).to(values.dtype)


@dataclass(frozen=True)
class StoredIntegers(Hook):
    """Behind each step of the optimiser rounds weights and biases of ``layers`` to their grids.

    Numbers beyond the range saturate. What is drawn follows from ``seed`` and the step.
    """

    layers: tuple[str, ...]
    seed: int

    def after(self, module, step):
        generator = torch.Generator().manual_seed(zlib.crc32(f"{self.seed} {step}".encode()))
        for name in self.layers:
            layer = module.get_submodule(name)
            weight, frac = latent(layer), int(layer.frac)
            weight.copy_(rounded(weight * 2.0 ** frac, generator).clamp(*layer.limits)
                         * 2.0 ** -frac)
            if layer.bias is not None:
                layer.bias.copy_(rounded(layer.bias * 2.0 ** layer.out_frac, generator)
                                 * 2.0 ** -layer.out_frac)


@dataclass(frozen=True, kw_only=True)
class StochasticRound(TrainingStep):
    """Train on behind ``quantise`` with weights and biases that are stored in fixed point alone.

    There are no weights in float behind the integers: what a step of the optimiser gives is rounded
    at random to a neighbour on the grid, the nearer the likelier, so that updates far below the
    grid's step count on average, where the nearest integer would undo them. The integers that are
    exported are the stored ones. Activations are those of ``quantise``; Adam's moments and
    gradients are floats, as the paper's fixed-point products of the backward pass are left out.
    """

    kind: ClassVar[str] = "stochastic-round"
    text: ClassVar[str] = "train weights stored in fixed point, updates rounded at random"
    source: ClassVar[str] = "arXiv 1502.02551"
    epochs: int = 1

    def check(self):
        self.require_int("epochs", 1)

    def validate(self, context):
        """Of fixed point whose weights are each of their own."""
        context.need("quantised", "updates are rounded to its grid of integers")
        for mark in ("shared", "tied", "structured"):
            context.refuse(mark, "weights follow from others there, and are not stored themselves:"
                                 " leave one of the two out")
        context.refuse("signs", "those latent weights are in float: leave one of the two out")
        context.refuse("own-bits", "the grid is a layer's, not one of each weight: do this first")

    @torch.no_grad()
    def _store(self, layer):
        """Begin with the integers as they are."""
        latent(layer).copy_(layer.integer_weight() * 2.0 ** -int(layer.frac))
        if layer.bias is not None:
            layer.bias.copy_(layer.integer_bias() * 2.0 ** -layer.out_frac)

    def apply(self, run):
        """Put the latent weights on the grid, then train."""
        layers = {name: layer for name, layer in run.matrices.items()
                  if isinstance(layer, QuantLinear)}
        for layer in layers.values():
            self._store(layer)
        seed = run.generator("rounding").initial_seed()
        run.train(self, hooks=(StoredIntegers(tuple(layers), seed),))
