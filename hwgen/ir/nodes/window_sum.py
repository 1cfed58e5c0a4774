"""Sum of the values of each channel in windows that a sliding window shows."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Fixed
from ..base import INT64_SAFE, Edge
from .window_pool import WindowPool

__all__ = ["WindowSum"]


@dataclass(frozen=True, eq=False)
class WindowSum(WindowPool):
    """``out[.., k] = sum of x[.., t * c + k]`` over the taps t, in full width.

    Behind a :class:`SlidingWindow` it is a :class:`SumPool` whose windows may overlap.

    Parameters
    ----------
    taps : int      elements of a channel in each window
    """

    kind: ClassVar[str] = "window_sum"

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = super().faults(x)
        worst = self.taps * max(abs(x.lo), abs(x.hi))
        if not faults and worst >= INT64_SAFE:
            faults.append(f"sum must stay below 2**61, not reach {worst}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        lo, hi = self.taps * x.lo, self.taps * x.hi
        return Edge(self.out_shape(x), Fixed.covering(lo, hi, frac=getattr(x.format, "frac", 0)),
                    lo, hi)
