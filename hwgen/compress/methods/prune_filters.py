"""Whole filters and neurons removed: those of the smallest L1 norm, or Taylor's criterion."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional as F

from ..channels import channels_of, inputs_of
from .mask import largest
from .narrow import ToDensity

__all__ = ["PruneFilters", "TaylorFilters", "filter_norms", "first_order_changes"]

SAMPLES = 500
"""Training samples on which changes of the loss are measured."""


@torch.no_grad()
def filter_norms(model, found) -> torch.Tensor:
    """L1 norm of each channel's weights, ``sum |w|`` of all filters that make it; (count,)."""
    return found.totals({name: model.get_submodule(name).weight.flatten(1).abs().sum(1)
                         for name in found.columns})


def first_order_changes(model, found, x, labels) -> torch.Tensor:
    """Mean over samples of ``|sum of dC/dz z|`` over the elements ``z`` of each channel; (count,).

    ``z`` is what the layers that read a channel get of it, ``C`` the cross entropy: eq. 8 of
    arXiv 1611.06440, times the number of elements, which all channels of a layer have. Changes
    through several readers are added before the magnitude is taken.
    """
    names = [name for each in found.sets for name in each.readers]
    read, scores = inputs_of(model, names, x)
    F.cross_entropy(scores, labels, reduction="sum").backward()
    changes = {name: (z.grad * z).flatten(2).sum(2) if z.dim() == 4 else z.grad * z
               for name, z in read.items()}
    model.zero_grad()
    return found.totals_read(changes).detach().abs().mean(0)


@dataclass(frozen=True, kw_only=True)
class _Ranked(ToDensity):
    """Steps that leave the channels of the largest score."""

    def remove(self, run, counts):
        """All layers at once, then a training."""
        found = channels_of(run.model, run.labelled(1)[0])
        score = self.score(run, found)
        self.cut(run, found, [each.numbers[~largest(score[each.numbers], counts[each.layers])]
                              for each in found.sets if each.layers in counts])
        run.train(self)

    @abstractmethod
    def score(self, run, found) -> torch.Tensor:
        """What each channel is worth, at least 0; (found.count,)."""


@dataclass(frozen=True, kw_only=True)
class PruneFilters(_Ranked):
    """Remove the filters and neurons of the smallest L1 norm, and what reads them.

    The sum of the magnitudes of a filter's weights ranks it within its layer; of layers whose
    outputs are added the sums are added. Each layer has its own density, by its sensitivity.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the outputs that stay
    rounds : int    in each of which a part is removed, then trained for ``epochs``
    """

    kind: ClassVar[str] = "prune-filters"
    text: ClassVar[str] = "remove filters and neurons of the smallest L1 norm: smaller layers"
    source: ClassVar[str] = "arXiv 1608.08710"

    def score(self, run, found):
        """Norms."""
        return filter_norms(run.model, found)


@dataclass(frozen=True, kw_only=True)
class TaylorFilters(_Ranked):
    """Remove filters and neurons whose absence changes the loss least, to first order.

    ``|sum of dC/dz z|`` over a map, averaged over samples. Channels are ranked within their layer,
    so the paper's norm of a layer, which makes layers comparable, is left out.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the outputs that stay
    rounds : int    in each of which a part is removed, then trained for ``epochs``
    """

    kind: ClassVar[str] = "taylor-filters"
    text: ClassVar[str] = "remove filters and neurons of the smallest first-order change"
    source: ClassVar[str] = "arXiv 1611.06440"

    def score(self, run, found):
        """Changes of the loss."""
        return first_order_changes(run.model, found, *run.labelled(SAMPLES))
