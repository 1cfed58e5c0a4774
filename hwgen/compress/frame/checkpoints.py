"""Files in which the trainings of a recipe keep their checkpoints."""

import re
from pathlib import Path

from ..methods import METHODS

__all__ = ["SUFFIX", "remove_checkpoints", "step_name", "training_name"]

SUFFIX = ".ckpt"


def step_name(recipe, k: int) -> str:
    """Name of step ``k`` (from 0) in files, and in what its random numbers follow from."""
    return f"{k + 1}-{recipe.steps[k].kind}"


def training_name(recipe, k: int, count: int) -> str:
    """Name of the training ``count`` (from 1) of step ``k`` (from 0); of its checkpoint, too."""
    further = f"-{count}" if count > 1 else ""
    return f"{recipe.name}-{step_name(recipe, k)}{further}"


def remove_checkpoints(folder, recipe) -> list[Path]:
    """Remove the checkpoints in ``folder`` that are of ``recipe`` by their names; which they were.

    Also those of steps that it does not have any more. Those of other recipes stay, even of one
    whose name begins with the same letters.
    """
    kinds = {*METHODS, *(step.kind for step in recipe.steps)}
    own = re.compile(rf"{re.escape(recipe.name)}-[0-9]+-({'|'.join(map(re.escape, kinds))})"
                     rf"(-[0-9]+)?{re.escape(SUFFIX)}")
    found = sorted(path for path in Path(folder).glob(f"*{SUFFIX}") if own.fullmatch(path.name))
    for path in found:
        path.unlink()
    return found
