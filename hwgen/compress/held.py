"""Training samples that are held back, and what a module makes of samples.

What chooses widths by errors may not look at the test part, which is for the one look at the end.
So some of the training part is held back, and nothing is trained on it.
"""

import numpy as np
import torch
from torch.nn import functional as F

from .data import Split, stratified
from .layer import within

__all__ = ["held_back", "judged"]

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
