"""Golden threshold."""

import numpy as np

from ..ir import Threshold

__all__ = ["threshold"]


def threshold(node: Threshold, x: np.ndarray) -> np.ndarray:
    """Level of each element by the thresholds of its channel, int64 of the shape of ``x``.

    ``x`` is int64 (batch, ..., n); the count of thresholds reached is the index of the level,
    from the top where ``invert``.
    """
    steps = node.table.shape[1]
    reached = np.zeros(x.shape, dtype=np.int64)
    for column in node.table.T:
        reached += x >= column
    return node.format.levels[np.where(node.invert, steps - reached, reached)]
