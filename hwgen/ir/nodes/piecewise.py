"""A function of one element by straight lines, where its input is too wide for a table."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import MAX_SHIFT, Fixed, as_int
from ..base import INT64_SAFE, Edge, Node, frozen_ints

__all__ = ["Piecewise"]


@dataclass(frozen=True, eq=False)
class Piecewise(Node):
    """``out = clip((bases[s] + slopes[s] * r + half) >> shift)`` into ``format``.

    ``s`` is the segment and ``r`` the place in it: quotient and remainder of ``x - first`` by
    ``length``; ``half = 2**(shift - 1)``, so ties go up. The integers are
    the definition; ``function`` and ``error`` say what they stand for.
    :func:`hwgen.numeric.piecewise_of` computes them.

    Parameters
    ----------
    bases, slopes : int64 (S,)      of the segment of the smallest input first; S a power of two
    length : int                    inputs of a segment, ``2**bits / S``
    first : int                     smallest integer of the input's format
    shift : int                     1..60
    format : Fixed                  of the result
    function : str                  name of the real function, empty where there is none
    error : int
        Bound of the error of every result against it, in 2**-16 of a step of ``format``.
    """

    kind: ClassVar[str] = "piecewise"
    bases: np.ndarray
    slopes: np.ndarray
    length: int
    first: int
    shift: int
    format: Fixed
    function: str = ""
    error: int = 0

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "bases", "slopes")
        self._freeze(as_int, "length", "first", "shift", "error")
        if not isinstance(self.format, Fixed):
            raise TypeError(f"{self.path}: format must be Fixed, not {self.format!r}")
        if not isinstance(self.function, str):
            raise TypeError(f"{self.path}: function must be a str, not {self.function!r}")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        if not isinstance(x.format, Fixed):
            return [f"input must be fixed point, not {x.format}"]
        faults, count = [], len(self.bases) if self.bases.ndim == 1 else 0
        if count < 2 or self.length < 2 or count * self.length != 1 << x.format.bits:
            faults.append(f"segments must be at least 2, of at least 2 inputs each, and share those"
                          f" of {x.format} evenly, not be {self.bases.shape} of {self.length}")
        if self.slopes.shape != self.bases.shape:
            faults.append(f"slopes must be of shape {self.bases.shape}, not {self.slopes.shape}")
        if self.first != x.format.min:
            faults.append(f"first must be {x.format.min}, the smallest input, not {self.first}")
        if not 1 <= self.shift <= MAX_SHIFT:
            faults.append(f"shift must be in 1..{MAX_SHIFT}, not {self.shift}")
        if self.error < 0:
            faults.append(f"error must be at least 0, not {self.error}")
        if not faults:
            worst = (max(map(abs, self.bases.tolist())) + (1 << self.shift)
                     + max(map(abs, self.slopes.tolist())) * self.length)
            if worst >= INT64_SAFE:
                faults.append(f"sum must stay below 2**61, not reach {worst}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``, whose range is that of the segments' ends."""
        ends = np.stack([self.bases, self.bases + self.slopes * (self.length - 1)])
        ends = ((ends + (1 << self.shift - 1)) >> self.shift).clip(self.format.min, self.format.max)
        return Edge(x.shape, self.format, int(ends.min()), int(ends.max()))
