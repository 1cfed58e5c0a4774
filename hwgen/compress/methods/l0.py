"""Hard concrete gates: the expected number of weights that are not 0 is part of the loss."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from ..form import Form, form_of, latent
from ..frame.marks import FIXED
from ..hook import Hook
from .mask import Pruning, to_mask

__all__ = ["GROUPS", "L0", "Gates"]

BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1
"""Temperature and ends of the stretched distribution, as in the paper."""

LEAST = 1e-6

GROUPS = ("weight", "input", "output")
"""What shares a gate: nothing, all that read one input (channel), all of one output."""


class Gates(Form):
    """``theta * z``, ``z`` a hard concrete gate (arXiv 1712.01312, eq. 10 to 13).

    While it trains ``s = sigmoid((log u - log(1 - u) + log alpha) / beta)`` with ``u`` evenly from
    0 to 1, else ``s = sigmoid(log alpha)``; ``z = min(1, max(0, s (zeta - gamma) + gamma))``. The
    random numbers are torch's, which a training seeds for each epoch.

    Parameters
    ----------
    weight : Tensor              (n_out, n_in, ...)
    group : str                  of GROUPS
    kept : float                 share of the gates that are open at the start, about
    generator : torch.Generator  for ``log alpha``, which deviates by 0.01
    speed : float                ``log alpha`` is this many times what is trained
    """

    made_by = "'l0'"

    def __init__(self, weight, *, group: str, kept: float, generator, speed: float = 1.0):
        super().__init__()
        shape = list(weight.shape)
        for axis in range(len(shape)):
            if group != "weight" and axis != (group == "input"):
                shape[axis] = 1
        mean = math.log(kept / (1 - kept))
        self.speed = speed
        self.place = nn.Parameter((mean + 0.01 * torch.randn(shape, generator=generator)) / speed)
        self.eval()

    def forward(self, weight):
        return weight * self.gates()

    @property
    def log_alpha(self):
        """Location of each gate's distribution."""
        return self.place * self.speed

    def gates(self):
        """``z``, in a shape that weights are multiplied with."""
        at = self.log_alpha
        if self.training:
            u = torch.rand_like(at).clamp(LEAST, 1 - LEAST)
            at = (u.log() - (1 - u).log() + at) / BETA
        return (torch.sigmoid(at) * (ZETA - GAMMA) + GAMMA).clamp(0, 1)

    def open(self):
        """Probability of ``z > 0`` (eq. 12): ``sigmoid(log alpha - beta log(-gamma / zeta))``."""
        return torch.sigmoid(self.log_alpha - BETA * math.log(-GAMMA / ZETA))


@dataclass(frozen=True)
class _Expected(Hook):
    """Adds ``strength / count`` times the expected number of weights that are not 0."""

    strengths: dict
    count: int

    def penalty(self, module, step):
        total = 0
        for name, strength in self.strengths.items():
            layer = module.get_submodule(name)
            chance = form_of(layer, Gates).open()
            each = latent(layer).numel() // chance.numel()
            total = total + strength / self.count * each * chance.sum()
        return total


@dataclass(frozen=True, kw_only=True)
class L0(Pruning):
    """Learn which weights to remove, by gates on them that open and close at random.

    The loss gets ``lambda`` times the expected number of weights whose gate is not closed,
    ``lambda = strength / training samples``, which both is trained against. At the end each weight
    is multiplied by its gate without chance, and removed where that is 0. Give it epochs: ``log
    alpha`` moves by ``speed`` times the rate of the training, and begins some way from where gates
    close, at -2.4.

    Parameters
    ----------
    strength : float, or mapping of layer to it    0.1 in the paper
    kept : float     share of the weights that are there at the start
    group : str      ``weight``: a gate for each; ``input``: for all that read one input, or
                     channel, as the paper's experiments; ``output``: for all of an output
    speed : float
    """

    kind: ClassVar[str] = "l0"
    text: ClassVar[str] = "random gates on weights, trained to be closed (hard concrete)"
    source: ClassVar[str] = "arXiv 1712.01312"
    strength: float | Mapping[str, float] = 0.1
    kept: float = 0.9
    group: str = "weight"
    speed: float = 10.0
    epochs: int = 1

    def check(self):
        self.require_real("strength", 0)
        self.require_real("kept", 0.01, 0.99)
        self.require_choice("group", GROUPS)
        self.require_real("speed", 0, above=True)
        self.require_int("epochs", 1)

    def validate(self, context):
        """Of floats, before weights are shared."""
        context.per_layer("strength", self.strength)
        context.refuse(FIXED, "gates are of floats: l0 before 'quantise'")
        super().validate(context)

    def apply(self, run):
        """Put the gates, train, and leave what they let through."""
        strengths = run.per_layer("strength", self.strength)
        for name in strengths:
            run.put(name, Gates(run.matrices[name].weight, group=self.group, kept=self.kept,
                                speed=float(self.speed),
                                generator=run.generator(f"gates of {name}")))
        run.train(self, hooks=(_Expected(strengths, len(run.split.x_train)),))
        run.model.eval()
        for name in strengths:
            layer = run.matrices[name]
            form = form_of(layer, Gates)
            with torch.no_grad():
                gates = form.gates().expand_as(latent(layer))
                latent(layer).mul_(gates)
            to_mask(layer, form, gates > 0)
        self.note(run, strengths)
