"""Training samples put aside for the steps that choose by errors."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ..frame.step import Step
from ..held import held_back
from ..layer import within

__all__ = ["HoldBack"]


@dataclass(frozen=True, kw_only=True)
class HoldBack(Step):
    """Take samples out of the training part; later trainings do without them.

    Put it first: what was trained before has seen them.

    Parameters
    ----------
    count : int, optional    a fifth unless given, at most 5,000
    """

    kind: ClassVar[str] = "hold-back"
    text: ClassVar[str] = "put training samples aside for steps that choose by errors"
    changes_model: ClassVar[bool] = False
    count: int | None = None

    def check(self):
        if self.count is not None:
            self.require_int("count", 1)

    def validate(self, context):
        """Once, and not all."""
        context.refuse("held", "leave one of the two out")
        if self.count is not None:
            within("count", self.count, 1, len(context.split.x_train) - 1)
        context.mark("held")

    def apply(self, run):
        """``run.held`` has them as its test part."""
        run.held = held_back(run.split, self.count, seed=run.seed)
        run.split = replace(run.split, x_train=run.held.x_train, y_train=run.held.y_train)
        run.notes[self.kind] = {"count": len(run.held.x_test)}
