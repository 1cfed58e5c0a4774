"""Training samples that are held back, and what a module makes of them: the test part stays unseen.

A study chooses widths by what they do to samples. Those of the test part are for the one look at
the end, so it takes some of the training part, which then nothing is trained on.
"""

import copy

import numpy as np
import torch
from torch.nn import functional as F

from ..data import Split, stratified
from ..frame.prepare import context_of, prepared
from ..frame.recipe import Recipe
from ..frame.run import Run
from ..frame.step import FIXED
from ..layer import within
from ..verb import begun

__all__ = ["MOST", "again", "held_back", "judged", "started", "steps_in_float"]

MOST, SHARE = 5_000, 5
"""Samples that are held back unless a number is given: at most so many, and one of so many."""

BATCH = 500
"""Samples at a time: bounds the memory."""


def held_back(split: Split, count: int | None = None, *, seed: int = 0) -> Split:
    """The training part of ``split`` alone, ``count`` of it as the test part.

    Each class is there in proportion, and which samples they are follows from ``seed``; see
    :func:`~hwgen.compress.stratified`.
    """
    total = len(split.x_train)
    count = min(MOST, max(1, total // SHARE)) if count is None else count
    within("held", count, 1, total - 1)
    rest, held = stratified(split.y_train, count, seed=seed)
    return Split(split.x_train[rest], split.y_train[rest], split.x_train[held],
                 split.y_train[held], side=split.side)


def steps_in_float(model, recipe: Recipe, split: Split) -> int:
    """How many steps of a recipe stand in front of the one that makes all numbers integers."""
    context = context_of(prepared(model, split), split)
    for k, step in enumerate(recipe.steps):
        context.enter(recipe.step_path(k))
        step.validate(context)
        if context.is_marked(FIXED):
            return k
    return len(recipe.steps)


def started(model, recipe: Recipe, split: Split, count: int, *, folder=None, progress=None,
            device: str | None = None) -> Run:
    """A run of a recipe, checked whole, of which the first ``count`` steps are done.

    Parameters as those of :func:`hwgen.compress.compress`.
    """
    run = begun(model, recipe, split, folder=folder, progress=progress, device=device)
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
    for name in ("lessons", "epochs", "storage", "notes"):
        setattr(other, name, copy.copy(getattr(run, name)))
    return other


@torch.no_grad()
def judged(module, x, y, *, dtype=torch.float32) -> tuple[float, float]:
    """``(error in percent, mean cross entropy)`` of integer samples ``x`` with labels ``y``.

    By torch's evaluation in ``dtype``, that of the module's parameters; the first of equal scores
    is the class.
    """
    scores = torch.cat([module(torch.tensor(part).to(dtype))
                        for part in np.split(x, range(BATCH, len(x), BATCH))])
    labels = torch.tensor(y).long()
    wrong = int((scores.argmax(1) != labels).sum())
    return round(100 * wrong / len(labels), 4), float(F.cross_entropy(scores, labels))
