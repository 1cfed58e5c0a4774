"""Golden flatten."""

import numpy as np

from ..ir import Flatten

__all__ = ["flatten"]


def flatten(node: Flatten, x: np.ndarray) -> np.ndarray:
    """int64 (batch, size), the last axis fastest."""
    return x.reshape(len(x), int(np.prod(x.shape[1:])))
