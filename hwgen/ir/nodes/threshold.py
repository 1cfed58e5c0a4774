"""Batch norm and sign, folded to one integer comparison per channel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import Bipolar
from ..base import Edge, Node, frozen_bools, frozen_ints

__all__ = ["Threshold"]


@dataclass(frozen=True, eq=False)
class Threshold(Node):
    """``out[i] = +1 if (x[i] >= thresholds[i]) != invert[i] else -1``.

    ``thresholds`` int64 ``(n,)``, ``invert`` bool ``(n,)``. BNN (arXiv 1602.02830) folded:
    ``invert`` where gamma < 0. A threshold at or below the smallest value, or above the largest,
    makes a constant, as gamma = 0 needs.
    """

    kind: ClassVar[str] = "threshold"
    thresholds: np.ndarray
    invert: np.ndarray

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "thresholds")
        self._freeze(frozen_bools, "invert")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = []
        for what in ("thresholds", "invert"):
            found = getattr(self, what).shape
            if found != x.shape:
                faults.append(f"{what} must be of shape {x.shape}, not {found}")
        low, high = x.lo, x.hi + 1
        outside = np.argwhere((self.thresholds < low) | (self.thresholds > high))
        if len(outside):
            index = tuple(outside[0].tolist())
            faults.append(f"thresholds must be in {low}..{high} (the proven range of the input, and"
                          f" one more for never), not {int(self.thresholds[index])}"
                          f" at index {list(index)}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        return Edge(x.shape, Bipolar(), -1, 1)
