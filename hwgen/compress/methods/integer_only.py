"""Integer-only inference: affine grids of any scale, requantised by a multiplier and a shift."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..affine import WEIGHTS, ranges_of
from ..affine_integers import as_integers
from ..frame.marks import FINAL, FIXED
from ..frame.step import TrainingStep
from ..hook import Hook
from ..integer_only import affine
from .quantise import require_all

__all__ = ["DelayedRanges", "IntegerOnly"]


@dataclass(frozen=True)
class DelayedRanges(Hook):
    """Activations are rounded behind a share ``delay`` of a training's steps alone."""

    delay: float

    def begin(self, module, steps):
        for part in ranges_of(module).values():
            part.start = round(self.delay * steps)


@dataclass(frozen=True, kw_only=True)
class IntegerOnly(TrainingStep):
    """Every number ``real = S (q - Z)``, integers ``q`` of a few bits, real scales ``S``.

    Of Jacob et al., as TFLite computes it: sums of ``(q1 - Z1)(q2 - Z2)`` in int32 with biases of
    the scale ``S1 S2`` and zero point 0; each becomes a value of the next layer by the multiplier
    ``M = S1 S2 / S3 = 2**-n M0``, a saturating rounding doubling high multiply and a rounding
    shift (eq. 5, section 2.3). ReLU is part of the clamp. Batch norms are folded first, scores
    are integers of as many bits as activations. Values that are added are rescaled to the coarsest
    of their scales (appendix A.2); averages stay on the grid of their input. In training weights
    and activations are rounded in float, straight through; ranges of weights are their ends, those
    of activations running means, which begin with the ends on training samples. Behind the training
    the integers are final.

    Parameters
    ----------
    weight_bits : int, or mapping of layer to int     2..8
    activation_bits : int        2..8
    weights : str                ``affine``: one scale and zero point of a layer; ``symmetric``: one
                                 scale, zero point 0; ``channel``: a scale of each output, zero
                                 point 0. Stored as ``q - Z``, affine ones may take a bit more.
    momentum : float in [0, 1)   share of the old range that stays with each batch
    delay : float in [0, 1]      share of the training before activations are rounded
    """

    kind: ClassVar[str] = "integer-only"
    text: ClassVar[str] = "affine integers, any scale, multiplier and shift as in TFLite"
    source: ClassVar[str] = "arXiv 1712.05877"
    weight_bits: int | Mapping[str, int] = 8
    activation_bits: int = 8
    weights: str = "affine"
    momentum: float = 0.99
    delay: float = 0.1

    def check(self):
        self.require_int("weight_bits", 2, 8)
        self.require_int("activation_bits", 2, 8)
        self.require_choice("weights", WEIGHTS)
        self.require_real("momentum", 0, 0.9999)
        self.require_real("delay", 0, 1)

    def validate(self, context):
        """In the place of ``quantise``; of masks alone behind other steps that form weights."""
        context.refuse(FIXED, "leave one of the two out")
        for mark in ("shared", "tied", "structured", "signs"):
            context.refuse(mark, "affine grids are of weights of their own: take 'quantise'")
        require_all("weight_bits", context.per_layer("weight_bits", self.weight_bits),
                    context.layers)
        as_integers(self._affine(context, context.model, context.samples), context.samples)
        context.norms = frozenset()
        context.mark(FIXED, FINAL)

    def apply(self, run):
        """Train the twin in float, then put its integers in the model's place."""
        run.model = self._affine(run, run.model, run.samples())
        run.train(self, hooks=(DelayedRanges(self.delay),))
        run.model, run.notes[self.kind] = as_integers(run.model.eval(), run.samples())

    def _affine(self, of, model, samples):
        return affine(model, samples, weight_bits=of.per_layer("weight_bits", self.weight_bits),
                      activation_bits=self.activation_bits, weights=self.weights,
                      momentum=self.momentum)
