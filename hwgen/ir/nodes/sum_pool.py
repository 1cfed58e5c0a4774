"""Sum of the values of each channel in each window: an average that is not divided yet."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Fixed
from ..base import INT64_SAFE, Edge
from .pool import Pool

__all__ = ["SumPool"]


@dataclass(frozen=True, eq=False)
class SumPool(Pool):
    """``out[oy, ox, k] = sum of x[oy * sh + i, ox * sw + j, k]`` over ``i < ph``, ``j < pw``.

    From ``(h, w, c)`` to ``(oh, ow, c)``, in full width: neither rounded nor cut. Rows and columns
    left over at the far edges are not used, as in torch. A :class:`Requantise` behind it with the
    multiplier and shift of :func:`hwgen.numeric.division_of` makes it an average pool, a global one
    where ``size`` is that of the map.

    Parameters
    ----------
    size : (ph, pw)
    stride : (sh, sw)
    """

    kind: ClassVar[str] = "sum_pool"

    @property
    def terms(self) -> int:
        """Elements of a window."""
        return self.size[0] * self.size[1]

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = super().faults(x)
        worst = self.terms * max(abs(x.lo), abs(x.hi))
        if not faults and worst >= INT64_SAFE:
            faults.append(f"sum must stay below 2**61, not reach {worst}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        lo, hi = self.terms * x.lo, self.terms * x.hi
        fmt = Fixed.covering(lo, hi, frac=getattr(x.format, "frac", 0))
        return Edge(self.out_shape(x), fmt, lo, hi)
