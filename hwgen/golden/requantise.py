"""Golden requantisation."""

import numpy as np

from ..ir import Requantise
from ..numeric import rescale

__all__ = ["requantise"]


def requantise(node: Requantise, x: np.ndarray) -> np.ndarray:
    """``clip(rescale(x, ...) + zero_point, least, most)``, int64 of the shape of ``x``.

    The check of the network proved that no product leaves int64.
    """
    scaled = rescale(x, node.multiplier, node.shifts, node.rounding, node.slope_shift)
    return (scaled + node.zero_point).clip(node.least, node.most)
