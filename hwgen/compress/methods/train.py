"""Training and nothing else: a start from random weights, or a fine-tuning behind other steps."""

from dataclasses import dataclass, field
from itertools import takewhile
from typing import ClassVar

from ..frame.step import TrainingStep

__all__ = ["Train"]


@dataclass(frozen=True, kw_only=True)
class Train(TrainingStep):
    """Train the model as it is, under the forms that earlier steps gave its weights.

    Parameters
    ----------
    see :class:`~hwgen.compress.frame.step.TrainingStep`; at least one epoch
    """

    kind: ClassVar[str] = "train"
    text: ClassVar[str] = "train with Adam, from the start or behind other steps"
    epochs: int = field()

    def check(self):
        self.require_int("epochs", 1)

    def apply(self, run):
        """Train; before a step has changed the model, the trained one is that to compare with."""
        run.train(self)
        before = takewhile(lambda step: step is not self, run.recipe.steps)
        if not any(step.changes_model for step in before):
            run.take_origin()
