"""Where a study begins: a recipe of which the first steps are done."""

import copy
import hashlib

from ..data import Split
from ..frame.marks import FIXED
from ..frame.prepare import context_of, prepared
from ..frame.recipe import Recipe
from ..frame.run import Run
from ..verb import begun

__all__ = ["again", "fingerprint", "started", "steps_in_float"]


def steps_in_float(model, recipe: Recipe, split: Split) -> int:
    """How many steps of a recipe stand in front of the one that makes all numbers integers."""
    context = context_of(prepared(model, split), split)
    for k in range(len(recipe.steps)):
        recipe.validate_step(k, context)
        if context.is_marked(FIXED):
            return k
    return len(recipe.steps)


def started(model, recipe: Recipe, split: Split, count: int, *, folder=None, progress=None,
            device: str | None = None, fresh: bool = False) -> Run:
    """A run of a recipe, checked whole, of which the first ``count`` steps are done.

    Parameters as those of :func:`hwgen.compress.compress`.
    """
    run = begun(model, recipe, split, folder=folder, progress=progress, device=device,
                fresh=fresh)
    for k in range(count):
        run.enter(k)
        recipe.steps[k].apply(run)
    run.model.eval()
    return run


def again(run: Run, recipe: Recipe) -> Run:
    """A run that stands where ``run`` does and goes its own way, without checkpoints."""
    other = copy.copy(run)
    other.model, other.recipe = copy.deepcopy(run.model), recipe
    other.folder = other._progress = None
    for name, value in vars(run).items():       # what steps add to: of whatever name
        if isinstance(value, list | dict):
            setattr(other, name, copy.copy(value))
    return other


def fingerprint(run: Run, *choices) -> str:
    """Hex digits that agree where results of an earlier study hold, which go on from them.

    Of the model, the held-back samples, those on which steps of numbers are chosen, and
    ``choices`` as they print.
    """
    digest = hashlib.sha256(f"{run.model} {choices!r}".encode())
    for tensor in run.model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    for array in (run.split.x_test, run.split.y_test, run.samples()):
        digest.update(array.tobytes())
    return digest.hexdigest()
