"""Golden piecewise-linear function."""

import numpy as np

from ..ir import Piecewise

__all__ = ["piecewise"]


def piecewise(node: Piecewise, x: np.ndarray) -> np.ndarray:
    """The line of each element's segment at its place, int64 of the shape of ``x``."""
    place = x - node.first
    segment, rest = place // node.length, place % node.length
    total = node.bases[segment] + node.slopes[segment] * rest + (1 << node.shift - 1)
    return (total >> node.shift).clip(node.format.min, node.format.max)
