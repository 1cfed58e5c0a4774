"""Han's pruning: thresholds from the deviation of each layer, then training, round by round."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..form import form_of, latent
from .mask import Mask, Pruning, left_of

__all__ = ["PruneIterative", "cut"]


@torch.no_grad()
def cut(layer, quality: float) -> None:
    """Remove a masked layer's weights below ``quality`` times their deviation; none comes back.

    The deviation is that of the weights that are left.
    """
    weight = latent(layer)
    left = weight[left_of(layer)]
    if left.numel() > 1:
        form_of(layer, Mask).kept.logical_and_(weight.abs() >= quality * float(left.std()))


@dataclass(frozen=True, kw_only=True)
class PruneIterative(Pruning):
    """Remove weights below a multiple of their layer's deviation, train the others, and so on.

    In round ``r`` of ``rounds`` the multiple is ``quality * r / rounds``; each round trains for
    ``epochs``, on the weights that are left and from the values that they had.

    Parameters
    ----------
    quality : float, or mapping of layer to it    in deviations
    rounds : int
    """

    kind: ClassVar[str] = "prune-iterative"
    text: ClassVar[str] = "remove weights below a multiple of the deviation, train, repeat"
    source: ClassVar[str] = "arXiv 1506.02626"
    quality: float | Mapping[str, float]
    rounds: int = 3

    def check(self):
        self.require_real("quality", 0)
        self.require_int("rounds", 1)

    def validate(self, context):
        """Before weights are shared."""
        context.per_layer("quality", self.quality)
        super().validate(context)

    def apply(self, run):
        """Put the masks; cut and train."""
        qualities = run.per_layer("quality", self.quality)
        self.put(run, qualities)
        for k in range(1, self.rounds + 1):
            for name, quality in qualities.items():
                cut(run.matrices[name], quality * k / self.rounds)
            run.train(self)
        self.note(run, qualities)
