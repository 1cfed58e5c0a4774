"""Magnitude pruning: the smallest weights are removed, more and more of them, while it trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..form import Form, form_of, latent
from ..frame.step import TrainingStep
from ..hook import Hook
from ..prune import cubic_density

__all__ = ["Cubic", "Mask", "Prune", "keep_largest"]


class Mask(Form):
    """Weights that are 0 where ``kept`` is not set; the latent ones stay, with no gradient."""

    of_weights = ("kept",)

    def __init__(self, weight):
        super().__init__()
        self.register_buffer("kept", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight):
        return weight * self.kept


@dataclass(frozen=True)
class Cubic(Hook):
    """Shrinks the masks of layers along the cubic schedule, each to its own density."""

    densities: dict
    ends: float
    every: int

    def begin(self, module, steps):
        object.__setattr__(self, "_end", max(1, int(self.ends * steps)))

    def after(self, module, step):
        if step % self.every and step != self._end or step > self._end:
            return
        for name, final in self.densities.items():
            layer = module.get_submodule(name)
            self.shrink(layer, cubic_density(step, begin=0, end=self._end, final=final))

    def shrink(self, layer, density: float) -> None:
        """Leave a share ``density`` of a masked layer's weights."""
        keep_largest(layer, density)


@torch.no_grad()
def keep_largest(layer, density: float) -> None:
    """Leave a share ``density`` of a masked layer's weights, the largest; none comes back."""
    mask = form_of(layer, Mask)
    left = mask.kept & (layer.weight != 0)     # another form may have removed some
    score = torch.where(left, latent(layer).abs(), -1.0).flatten()
    keep = max(1, round(density * score.numel()))
    if keep < int(left.sum()):
        order = torch.argsort(score, descending=True, stable=True)
        mask.kept.zero_().view(-1)[order[:keep]] = True


@dataclass(frozen=True, kw_only=True)
class Prune(TrainingStep):
    """Remove the weights of the smallest magnitude, along a cubic schedule while training.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the weights that stay
    ends : float    share of the training in which the density falls; the rest is without change
    every : int     steps between two updates of the masks
    epochs          0 prunes at once
    """

    kind: ClassVar[str] = "prune"
    text: ClassVar[str] = "remove the smallest weights along a cubic schedule"
    source: ClassVar[str] = "arXiv 1710.01878"
    density: float | Mapping[str, float]
    ends: float = 0.6
    every: int = 20

    def check(self):
        self.require_real("density", 0, 1, above=True)
        self.require_real("ends", 0, 1, above=True)
        self.require_int("every", 1)

    def validate(self, context):
        """Before weights are shared: a centroid is that of the weights that are left."""
        context.per_layer("density", self.density)
        context.refuse("shared", "the centroids were those of the weights that are now removed:"
                                 " prune first")
        context.mark("pruned")

    def apply(self, run):
        """Put the masks, train while they shrink, and end at the density exactly."""
        densities = run.per_layer("density", self.density)
        for name in densities:
            run.put(name, Mask(run.matrices[name].weight))
        run.train(self, hooks=(Cubic(densities, self.ends, self.every),))
        for name, density in densities.items():
            keep_largest(run.matrices[name], density)
        run.notes[self.kind] = {"density": densities}
