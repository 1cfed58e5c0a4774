"""Golden sum of several values."""

import numpy as np

from ..ir import Add

__all__ = ["add"]


def add(node: Add, *xs: np.ndarray) -> np.ndarray:
    """int64 (batch, *shape) of values of that shape; see the node."""
    total = np.zeros_like(xs[0])
    for x, shift in zip(xs, node.shifts, strict=True):
        total += x * (1 << shift)
    return total
