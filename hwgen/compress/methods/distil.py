"""Distillation: later trainings also learn the scores of a teacher."""

import copy
from dataclasses import dataclass
from typing import ClassVar

from ..frame.marks import FIXED
from ..frame.step import Step

__all__ = ["Distil"]


@dataclass(frozen=True, kw_only=True)
class Distil(Step):
    """Let the model as it is now teach the one that later steps make of it.

    Their loss becomes ``alpha T**2 KL(teacher / T, student / T) + (1 - alpha) CE``.

    Parameters
    ----------
    alpha : float          0..1, weight of the teacher's scores
    temperature : float    T, above 0
    """

    kind: ClassVar[str] = "distil"
    text: ClassVar[str] = "later trainings learn the scores of the model as it is here"
    source: ClassVar[str] = "arXiv 1503.02531"
    alpha: float = 0.7
    temperature: float = 4.0

    def check(self):
        self.require_real("alpha", 0, 1)
        self.require_real("temperature", 0, above=True)

    def validate(self, context):
        """Before numbers are rounded: the teacher is to know more than the student."""
        context.refuse(FIXED, "the teacher would be no better than the student: distil first")
        context.mark("distilled")

    def apply(self, run):
        """Keep the model as the teacher."""
        run.teacher = copy.deepcopy(run.model).eval()
        run.alpha, run.temperature = float(self.alpha), float(self.temperature)
