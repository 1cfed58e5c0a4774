"""Magnitude pruning: the smallest weights are removed, more and more of them, while it trains."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ..form import latent
from ..hook import Hook
from ..prune import cubic_density
from .mask import PruningTo, keep

__all__ = ["Cubic", "Falling", "Prune"]


class Falling(Hook, ABC):
    """A hook with ``ends`` and ``every`` whose densities fall along the cubic schedule."""

    def begin(self, module, steps):
        object.__setattr__(self, "_end", max(1, int(self.ends * steps)))

    def after(self, module, step):
        if step <= self._end and (step % self.every == 0 or step == self._end):
            self.shrink_all(module, lambda final: cubic_density(step, begin=0, end=self._end,
                                                                final=final))

    @abstractmethod
    def shrink_all(self, module, now) -> None:
        """Shrink the masks; ``now(final)`` is the density at this step of one that ends there."""


@dataclass(frozen=True)
class Cubic(Falling):
    """Shrinks the masks of layers along the cubic schedule, each to its own density."""

    densities: dict
    ends: float
    every: int

    def shrink_all(self, module, now):
        for name, final in self.densities.items():
            self.shrink(module.get_submodule(name), now(final))

    def shrink(self, layer, density: float) -> None:
        """Leave a share ``density`` of a masked layer's weights, the largest."""
        keep(layer, latent(layer).detach().abs(), density)


@dataclass(frozen=True, kw_only=True)
class Prune(PruningTo):
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
    ends: float = 0.6
    every: int = 20

    def check(self):
        super().check()
        self.require_real("ends", 0, 1, above=True)
        self.require_int("every", 1)

    def apply(self, run):
        """Put the masks, train while they shrink, and end at the density exactly."""
        densities = run.per_layer("density", self.density)
        self.put(run, densities)
        hook = Cubic(densities, self.ends, self.every)
        run.train(self, hooks=(hook,))
        for name, density in densities.items():
            hook.shrink(run.matrices[name], density)
        self.note(run, densities)
