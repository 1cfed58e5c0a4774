"""Golden argmax."""

import numpy as np

from ..ir import Argmax

__all__ = ["argmax"]


def argmax(node: Argmax, x: np.ndarray) -> np.ndarray:
    """int64 (batch, 1): index of the largest element of each row of ``x`` (batch, n).

    The lowest index wins a tie, as numpy defines it.
    """
    return np.argmax(x, axis=1, keepdims=True).astype(np.int64)
