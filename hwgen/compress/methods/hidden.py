"""What a network learns from the hidden layers of a teacher: hints, and maps of attention."""

import copy
from dataclasses import dataclass
from typing import ClassVar

import torch

from hwgen.numeric import SpecError, did_you_mean

from ..frame.marks import FIXED
from ..frame.step import Step
from .lessons import AttentionMaps, HintLayers, listening

__all__ = ["Attention", "Hints"]


@dataclass(frozen=True, kw_only=True)
class _Taught(Step):
    """A step whose lesson is part of all later trainings.

    Parameters
    ----------
    layers : list of str    of the model, best activations, as steps may replace matrices
    strength : float
    """

    layers: tuple[str, ...] | list[str]

    def check(self):
        self.require_names("layers")
        self.require_real("strength", 0, above=True)

    def validate(self, context):
        """Before numbers are rounded; the layers are there."""
        context.refuse(FIXED, "the teacher would be no better than the student:"
                              f" {self.kind} first")
        known = [name for name, layer in context.model.named_modules() if name]
        for name in self.layers:
            if name not in known:
                raise SpecError(f"layers must be of {known}, not {name!r}"
                                + did_you_mean(name, known))
        was_training = context.model.training
        with listening(context.model.eval(), self.layers, self.kind) as heard, torch.no_grad():
            context.model(torch.tensor(context.split.x_train[:1]).float())
        context.model.train(was_training)
        for name in self.layers:
            self.accept(name, tuple(heard[name].shape[1:]))

    def accept(self, name: str, shape) -> None:
        """Raise SpecError unless features of ``shape`` can be learnt from."""
        if len(shape) not in (1, 3):
            raise SpecError(f"layer '{name}' must give vectors or maps, not {shape}")


@dataclass(frozen=True, kw_only=True)
class Hints(_Taught):
    """Let hidden layers of the model as it is here guide those of what later steps make of it.

    Later trainings add ``strength / 2 ||u - r(v)||**2 / n``, ``u`` the teacher's features (of ``n``
    elements), ``v`` the student's of the same name and ``r`` a linear regressor that is trained
    too. Goes with ``distil``, and with other lessons.

    Parameters
    ----------
    layers, strength    see :class:`_Taught`
    first : float       0, or the share of each later training in which the hints are the only loss;
                        behind it they are none of it, as in the paper's two stages
    """

    kind: ClassVar[str] = "hints"
    text: ClassVar[str] = "later trainings learn hidden layers of the model as it is here (FitNets)"
    source: ClassVar[str] = "arXiv 1412.6550"
    strength: float = 1.0
    first: float = 0.0

    def check(self):
        super().check()
        self.require_real("first", 0, 1)

    def apply(self, run):
        """Keep the model as the teacher."""
        run.lessons.append(HintLayers(
            copy.deepcopy(run.model).eval(), self.layers, float(self.strength),
            first=float(self.first), sample=torch.tensor(run.samples(1)).float(),
            generator=run.generator("regressors")))


@dataclass(frozen=True, kw_only=True)
class Attention(_Taught):
    """Let the model as it is here show later trainings where in its maps it looks.

    They add ``strength / 2 mean (Q_s / |Q_s| - Q_t / |Q_t|)**2`` with ``Q = sum_c A_c**2`` of each
    layer, over the places of its map and the batch. Goes with ``distil``, and with other lessons.

    Parameters
    ----------
    layers, strength    see :class:`_Taught`; layers of maps
    """

    kind: ClassVar[str] = "attention"
    text: ClassVar[str] = "later trainings learn the maps of attention of the model as it is here"
    source: ClassVar[str] = "arXiv 1612.03928"
    strength: float = 1000.0

    def accept(self, name, shape):
        if len(shape) != 3:
            raise SpecError(f"layer '{name}' must give maps, (c, h, w), not {shape}")

    def apply(self, run):
        """Keep the model as the teacher."""
        run.lessons.append(AttentionMaps("attention", copy.deepcopy(run.model).eval(), self.layers,
                                         float(self.strength)))
