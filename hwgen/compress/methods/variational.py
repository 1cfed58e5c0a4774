"""Sparse variational dropout: noise of its own on each weight; what is noise alone is removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from ..form import Form, form_of
from ..frame.marks import FIXED
from ..hook import Hook
from .mask import Pruning, to_mask

__all__ = ["Noise", "Variational", "divergence", "noisy"]

K1, K2, K3 = 0.63576, 1.87320, 1.48695
"""Of the approximation of the divergence, as in the paper."""

LEAST = 1e-16


def divergence(log_alpha):
    """Kullback-Leibler divergence from the prior for each weight, about (eq. 14).

    ``k1 - k1 sigmoid(k2 + k3 log alpha) + 1/2 log(1 + 1 / alpha)``: falls to 0 with alpha.
    """
    return K1 - K1 * torch.sigmoid(K2 + K3 * log_alpha) + F.softplus(-log_alpha) / 2


class Noise(Form):
    """The means ``theta`` of weights from ``N(theta, sigma**2)``; holds ``log sigma**2``.

    Parameters
    ----------
    weight : Tensor
    start : float      ``log sigma**2`` of all
    speed : float      ``log sigma**2`` is this many times what is trained
    """

    made_by = "'variational'"

    def __init__(self, weight, start: float, speed: float = 1.0):
        super().__init__()
        self.speed = speed
        self.place = nn.Parameter(torch.full_like(weight.detach(), start / speed))

    @property
    def log_variance(self):
        """``log sigma**2`` of each weight."""
        return self.place * self.speed

    def forward(self, weight):
        return weight

    def log_alpha(self, weight):
        """``log sigma**2 / theta**2``, kept within -20 .. 20."""
        return (self.log_variance - torch.log(weight.square() + LEAST)).clamp(-20, 20)


def noisy(form, layer, given, result):
    """What noise on the weights makes of ``result``, drawn for each output (eq. 17).

    ``result + sqrt(sum sigma**2 x**2) eps``; the local reparametrisation, as a torch hook.
    """
    if not layer.training:
        return result
    squares, variance = given[0].square(), form.log_variance.exp()
    if isinstance(layer, nn.Linear):
        spread = F.linear(squares, variance)
    else:
        spread = layer._conv_forward(squares, variance, None)
    return result + (spread + LEAST).sqrt() * torch.randn_like(result)


@dataclass(frozen=True)
class _Bound(Hook):
    """Adds noise to the results of layers, and the divergence to the loss."""

    strengths: dict
    warm: float
    count: int

    def begin(self, module, steps):
        layers = {name: module.get_submodule(name) for name in self.strengths}
        object.__setattr__(self, "_handles", [
            layer.register_forward_hook(partial(noisy, form_of(layer, Noise)))
            for layer in layers.values()])
        object.__setattr__(self, "_rise", max(1, round(self.warm * steps)))

    def penalty(self, module, step):
        total = 0
        for name, strength in self.strengths.items():
            layer = module.get_submodule(name)
            found = divergence(form_of(layer, Noise).log_alpha(layer.weight)).sum()
            total = total + strength * found
        return min(1.0, (step + 1) / self._rise) / self.count * total

    def end(self, module):
        for handle in self._handles:
            handle.remove()


@dataclass(frozen=True, kw_only=True)
class Variational(Pruning):
    """Train weights together with noise on each, then remove those that the noise outweighs.

    The loss becomes the bound ``CE + w strength / n sum KL`` of ``n`` training samples; ``w``
    rises evenly from 0 to 1 in a share ``warm`` of the training. A weight is removed where
    ``log alpha = log(sigma**2 / theta**2)`` is above ``threshold``. Give it epochs: log sigma**2
    moves by ``speed`` times the rate of the training.

    Parameters
    ----------
    strength : float, or mapping of layer to it    1 is the bound itself
    threshold : float    of log alpha
    start : float        ``log sigma**2`` of all weights at the start
    warm, speed : float
    """

    kind: ClassVar[str] = "variational"
    text: ClassVar[str] = "noise trained on each weight; remove those that it outweighs (sparse VD)"
    source: ClassVar[str] = "arXiv 1701.05369"
    strength: float | Mapping[str, float] = 1.0
    threshold: float = 3.0
    start: float = -8.0
    warm: float = 0.3
    speed: float = 10.0
    epochs: int = 1

    def check(self):
        self.require_real("strength", 0)
        self.require_real("threshold", -20, 20)
        self.require_real("start", -20, 20)
        self.require_real("warm", 0, 1)
        self.require_real("speed", 0, above=True)
        self.require_int("epochs", 1)

    def validate(self, context):
        """Of floats that are all there, before weights are shared."""
        context.per_layer("strength", self.strength)
        context.refuse(FIXED, "noise is on floats: variational before 'quantise'")
        context.refuse("pruned", "noise would be on what is removed: variational first")
        super().validate(context)

    def apply(self, run):
        """Put the noise, train, and leave what stands out of it."""
        strengths = run.per_layer("strength", self.strength)
        for name in strengths:
            run.put(name, Noise(run.matrices[name].weight, self.start, self.speed))
        run.train(self, hooks=(_Bound(strengths, self.warm, len(run.split.x_train)),))
        for name in strengths:
            layer = run.matrices[name]
            form = form_of(layer, Noise)
            kept = form.log_alpha(layer.weight.detach()) <= self.threshold
            to_mask(layer, form, kept)
        self.note(run, strengths)
