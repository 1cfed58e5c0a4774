"""Thermometer code: an integer becomes one bipolar bit per level."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import Bipolar
from ..base import Edge, Node, frozen_ints

__all__ = ["Thermometer"]


@dataclass(frozen=True, eq=False)
class Thermometer(Node):
    """``out[i * T + t] = +1 if x[i] >= levels[t] else -1`` for T ascending ``levels``.

    Input ``(n,)``, output ``(n * T,)`` bipolar. The usual input coding of binarised networks.
    """

    kind: ClassVar[str] = "thermometer"
    levels: np.ndarray

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "levels")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = []
        if len(x.shape) != 1:
            faults.append(f"input must be a vector (n,), not {x.shape}")
        if self.levels.ndim != 1 or self.levels.size == 0:
            faults.append(f"levels must be a non-empty vector, not of shape {self.levels.shape}")
        elif np.any(self.levels[1:] <= self.levels[:-1]):
            faults.append(f"levels must ascend, not {self.levels.tolist()}")
        elif self.levels[0] <= x.lo or self.levels[-1] > x.hi:
            faults.append(f"levels must be in {x.lo + 1}..{x.hi} (outside, a bit is constant),"
                          f" not {self.levels.tolist()}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        return Edge((x.shape[0] * len(self.levels),), Bipolar(), -1, 1)
