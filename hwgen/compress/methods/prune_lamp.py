"""Layer-adaptive magnitude pruning: one density for the network, which the layers share out."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..form import form_of, latent
from ..frame.step import named
from .mask import Mask, Pruning, largest, left_of
from .prune import Falling

__all__ = ["PruneLamp", "lamp"]


def lamp(weight):
    """``w_u**2 / sum of w_v**2 over v with |w_v| >= |w_u|`` (eq. 1), in the shape of ``weight``.

    The share of weight ``u`` in what would be left of its layer if all smaller ones were removed;
    1 for the largest. Of equals, those that come first count as the larger ones.
    """
    squares = weight.flatten().double().square()
    order = torch.argsort(squares, descending=True, stable=True)
    sums = torch.empty_like(squares)
    sums[order] = squares[order].cumsum(0)
    return torch.where(squares > 0, squares / sums, 0.0).view(weight.shape)


@torch.no_grad()
def keep_best(layers, density: float) -> None:
    """Leave a share ``density`` of all weights of masked layers, those of the largest scores.

    None that is out comes back, and each layer keeps its largest one at least.
    """
    left = [left_of(layer) for layer in layers]
    scores = [torch.where(some, lamp(latent(layer) * some), -1.0)
              for layer, some in zip(layers, left, strict=True)]
    every = torch.cat([score.flatten() for score in scores])
    count = max(len(layers), round(density * len(every)))
    if count >= sum(int(some.sum()) for some in left):
        return
    kept = largest(every, count).split([score.numel() for score in scores])
    for layer, some in zip(layers, kept, strict=True):
        mask = form_of(layer, Mask).kept
        mask.copy_(some.view(mask.shape))


@dataclass(frozen=True)
class _Shrinking(Falling):
    """Shrinks the masks of ``names`` together."""

    names: tuple
    density: float
    ends: float
    every: int

    def shrink_all(self, module, now):
        keep_best([module.get_submodule(name) for name in self.names], now(self.density))


@dataclass(frozen=True, kw_only=True)
class PruneLamp(Pruning):
    """Remove the weights of the smallest LAMP score of the whole network while training.

    The score compares a weight with those of its layer that are not smaller, so that magnitudes of
    different layers can be compared: each layer's density follows from one number.

    Parameters
    ----------
    density : float in (0, 1]    share of the weights of all ``layers`` together that stay
    layers : list of str, or None for all
    ends : float    share of the training in which the density falls; the rest is without change
    every : int     steps between two updates of the masks
    epochs          0 prunes at once
    """

    kind: ClassVar[str] = "prune-lamp"
    text: ClassVar[str] = "remove the weights of the smallest score over all layers together"
    source: ClassVar[str] = "arXiv 2010.07611"
    density: float
    layers: list[str] | tuple[str, ...] | None = None
    ends: float = 0.6
    every: int = 20

    def check(self):
        self.require_real("density", 0, 1, above=True)
        self.require_real("ends", 0, 1, above=True)
        self.require_int("every", 1)
        if self.layers is not None:
            self.require_names("layers")

    def validate(self, context):
        """Of layers that are there, and before weights are shared."""
        named(self.layers, context.layers)
        super().validate(context)

    def apply(self, run):
        """Put the masks, train while they shrink, and end at the density exactly."""
        names = tuple(named(self.layers, run.matrices))
        self.put(run, names)
        run.train(self, hooks=(_Shrinking(names, self.density, self.ends, self.every),))
        keep_best([run.matrices[name] for name in names], self.density)
        self.note(run, names)
