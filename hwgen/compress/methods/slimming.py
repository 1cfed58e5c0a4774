"""Network slimming: the scales of batch norms are driven to 0, and channels of small ones go."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from hwgen.numeric import SpecError

from ..channels import channels_of
from ..frame.marks import NARROWED
from ..hook import Hook
from .mask import largest
from .narrow import Narrowing

__all__ = ["Shrink", "Slimming", "scaled_sets", "slimmed"]


@dataclass(frozen=True)
class Shrink(Hook):
    """Adds ``strength * sum |gamma|`` over the scales of ``norms`` (eq. 1 of arXiv 1708.06519)."""

    norms: tuple[str, ...]
    strength: float

    def penalty(self, module, step):
        return self.strength * sum(module.get_submodule(name).weight.abs().sum()
                                   for name in self.norms)


def scaled_sets(model, found) -> list:
    """Sets of channels all of whose makers have a batch norm with scales right behind.

    Depthwise convolutions make no channels, so they need none.
    """
    followed = {node.args[0].target for node in model.graph.nodes if node.target in found.rows
                and node.target not in found.columns
                and model.get_submodule(node.target).weight is not None}
    return [each for each in found.sets if all(
        name in followed or getattr(model.get_submodule(name), "groups", 1) > 1
        for name in each.layers)]


@torch.no_grad()
def slimmed(model, found, sets, density: float) -> torch.Tensor:
    """Numbers of the channels that go: all but a share ``density``, those of the largest scales.

    One threshold is for all ``sets``; each keeps its largest channel at least. Where a channel goes
    through several norms, the mean of their scales counts.
    """
    norms = {name: model.get_submodule(name).weight.abs() for each in sets for name in each.norms}
    scale = found.totals(norms) / found.totals(
        {name: torch.ones_like(each) for name, each in norms.items()}).clamp_min(1)
    numbers = torch.cat([each.numbers for each in sets])
    kept = torch.zeros(found.count, dtype=torch.bool)
    kept[numbers] = largest(scale[numbers], round(density * len(numbers)))
    for each in sets:
        kept[each.numbers[scale[each.numbers].argmax()]] = True
    return numbers[~kept[numbers]]


@dataclass(frozen=True, kw_only=True)
class Slimming(Narrowing):
    """Train with a penalty on the scales of batch norms, remove channels of small ones, train on.

    The threshold is one for the whole model, so layers find their own widths. Layers without a
    batch norm with scales right behind keep their outputs.

    Parameters
    ----------
    density : float in (0, 1]    share of all these channels that stay
    strength : float             factor of the penalty, the sum of the scales' magnitudes
    epochs : int                 of training with the penalty
    retrain : int                epochs behind the removal, without it
    """

    kind: ClassVar[str] = "slimming"
    text: ClassVar[str] = "penalise scales of batch norms, remove channels of small ones"
    source: ClassVar[str] = "arXiv 1708.06519"
    density: float
    strength: float = 1e-3
    retrain: int = 0

    def check(self):
        self.require_real("density", 0, 1, above=True)
        self.require_real("strength", 0)
        self.require_int("retrain", 0)

    def expect(self, context, found):
        """Which channels stay is found in training alone."""
        if not scaled_sets(context.model, found):
            raise SpecError("model must have a batch norm with scales behind a layer whose outputs"
                            " it can lose, and has none: take 'prune-filters' or 'group-lasso'")
        context.mark(NARROWED)

    def apply(self, run):
        """Train, remove, train."""
        found = channels_of(run.model, run.labelled(1)[0])
        sets = scaled_sets(run.model, found)
        norms = tuple(name for each in sets for name in each.norms)
        run.train(self, hooks=(Shrink(norms, self.strength),))
        self.cut(run, found, [slimmed(run.model, found, sets, self.density)])
        run.train(self, epochs=self.retrain)
        self.note(run)
