"""Golden thermometer code."""

import numpy as np

from ..ir import Thermometer

__all__ = ["thermometer"]


def thermometer(node: Thermometer, x: np.ndarray) -> np.ndarray:
    """int64 (batch, n * T) of ``x`` (batch, n): element 0 first, of it the lowest level first."""
    bits = np.where(x[:, :, np.newaxis] >= node.levels, np.int64(1), np.int64(-1))
    return bits.reshape(len(x), x.shape[1] * len(node.levels))
