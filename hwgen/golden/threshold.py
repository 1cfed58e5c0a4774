"""Golden threshold."""

import numpy as np

from ..ir import Threshold

__all__ = ["threshold"]


def threshold(node: Threshold, x: np.ndarray) -> np.ndarray:
    """+1 where ``(x >= thresholds) != invert``, else -1; int64 of the shape of ``x``."""
    return np.where((x >= node.thresholds) != node.invert, np.int64(1), np.int64(-1))
