"""A function of one element by table: sigmoid, tanh, exp, or any other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import MAX_TABLE_BITS, Fixed, as_int
from ..base import Edge, Node, frozen_ints

__all__ = ["Table"]


@dataclass(frozen=True, eq=False)
class Table(Node):
    """``out = values[x - first]``: one entry for every integer of the input's format.

    The integers are the definition; ``function`` and ``error`` say what they stand for.
    :func:`hwgen.numeric.table_of` computes them, correctly rounded.

    Parameters
    ----------
    values : int64 (2**bits,)       of the smallest input first
    first : int                     that smallest input
    format : Fixed                  of the result
    function : str                  name of the real function, empty where there is none
    error : int
        Bound of the error of every entry against it, in 2**-16 of a step of ``format``.
    """

    kind: ClassVar[str] = "table"
    values: np.ndarray
    first: int
    format: Fixed
    function: str = ""
    error: int = 0

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "values")
        self._freeze(as_int, "first", "error")
        if not isinstance(self.format, Fixed):
            raise TypeError(f"{self.path}: format must be Fixed, not {self.format!r}")
        if not isinstance(self.function, str):
            raise TypeError(f"{self.path}: function must be a str, not {self.function!r}")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        if not isinstance(x.format, Fixed) or x.format.bits > MAX_TABLE_BITS:
            return [f"input must be fixed point of at most {MAX_TABLE_BITS} bits, not {x.format}:"
                    f" put a Requantise before"]
        faults = []
        if self.values.shape != (1 << x.format.bits,):
            faults.append(f"values must be of shape ({1 << x.format.bits},) for {x.format}, not"
                          f" {self.values.shape}")
        if self.first != x.format.min:
            faults.append(f"first must be {x.format.min}, the smallest input, not {self.first}")
        outside = self.values[(self.values < self.format.min) | (self.values > self.format.max)]
        if outside.size:
            faults.append(f"values must be in {self.format}, not {int(outside.flat[0])}")
        if self.error < 0:
            faults.append(f"error must be at least 0, not {self.error}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        reached = self.values[x.lo - self.first:x.hi - self.first + 1]
        return Edge(x.shape, self.format, int(reached.min()), int(reached.max()))
