"""Masks of weights, and what all steps share that remove weights by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..form import Form, form_of
from ..frame.step import TrainingStep

__all__ = ["Mask", "Pruning", "PruningTo", "keep", "largest", "left_of", "to_mask"]


class Mask(Form):
    """Weights that are 0 where ``kept`` is not set; the latent ones stay, with no gradient."""

    made_by = "a pruning step"
    of_weights = ("kept",)

    def __init__(self, weight):
        super().__init__()
        self.register_buffer("kept", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight):
        return weight * self.kept


def largest(score, count: int):
    """The ``count`` largest of ``score``, at least one: bool in its shape; of equals the first."""
    kept = torch.zeros(score.numel(), dtype=torch.bool, device=score.device)
    order = torch.argsort(score.flatten(), descending=True, stable=True)
    kept[order[:max(1, count)]] = True
    return kept.view(score.shape)


def left_of(layer):
    """Which weights of a masked layer are left, bool: another form may have removed some too."""
    return form_of(layer, Mask).kept & (layer.weight != 0)


@torch.no_grad()
def keep(layer, score, density: float) -> None:
    """Leave a share ``density`` of a masked layer's weights, those of the largest ``score``.

    ``score`` is at least 0, in the shape of the weights. None that is out comes back.
    """
    left, count = left_of(layer), max(1, round(density * score.numel()))
    if count < int(left.sum()):
        form_of(layer, Mask).kept.copy_(largest(torch.where(left, score, -1.0), count))


@torch.no_grad()
def to_mask(layer, form: Form, kept) -> None:
    """Put a mask in the place of ``form``, one of a layer's, that leaves the weights ``kept``."""
    mask, forms = Mask(kept), layer.parametrizations.weight
    mask.kept.copy_(kept)
    forms[list(forms).index(form)] = mask


@dataclass(frozen=True, kw_only=True)
class Pruning(TrainingStep):
    """A step that removes weights, those of the form ``mask``.

    Members
    -------
    mask : type of Form    with ``kept``, bool in the shape of the weights
    verb : str             what it does, for errors
    """

    mask: ClassVar[type[Form]] = Mask
    verb: ClassVar[str] = "prune"

    def validate(self, context):
        """Before weights are shared."""
        context.refuse("nonzero", "a mask would be without effect: leave one of the two out")
        context.refuse("shared", "the centroids were those of the weights that are now removed:"
                                 f" {self.verb} first")
        context.mark("pruned")

    def put(self, run, names) -> None:
        """Put a mask on the weights of each layer."""
        for name in names:
            run.put(name, self.mask(run.matrices[name].weight))

    def note(self, run, names) -> None:
        """Note which share of the weights is left."""
        run.notes[self.kind] = {"density": {
            name: round(float(form_of(run.matrices[name], self.mask).kept.float().mean()), 5)
            for name in names}}


@dataclass(frozen=True, kw_only=True)
class PruningTo(Pruning):
    """One that leaves a given share of each layer's weights.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the weights that stay
    """

    density: float | Mapping[str, float]

    def check(self):
        self.require_real("density", 0, 1, above=True)

    def validate(self, context):
        """Of layers that are there, and before weights are shared."""
        context.per_layer("density", self.density)
        super().validate(context)
