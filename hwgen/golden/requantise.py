"""Golden requantisation."""

import numpy as np

from ..ir import Requantise
from ..numeric import round_shift, saturate

__all__ = ["requantise"]


def requantise(node: Requantise, x: np.ndarray) -> np.ndarray:
    """``saturate(round(x * multiplier / 2**shift))``, int64 of the shape of ``x``.

    The check of the network proved that ``x * multiplier`` stays below 2**61.
    """
    return saturate(round_shift(x * node.multiplier, node.shift, node.rounding), node.format)
