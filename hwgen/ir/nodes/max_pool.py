"""Largest value of each channel in each window."""

from dataclasses import dataclass
from typing import ClassVar

from ..base import Edge
from .pool import Pool

__all__ = ["MaxPool"]


@dataclass(frozen=True, eq=False)
class MaxPool(Pool):
    """``out[oy, ox, k] = max of x[oy * sh + i, ox * sw + j, k]`` over ``i < ph``, ``j < pw``.

    From ``(h, w, c)`` to ``(oh, ow, c)``. Rows and columns left over at the far edges are not
    used, as in torch. On bipolar values the maximum is an OR of bits.

    Parameters
    ----------
    size : (ph, pw)
    stride : (sh, sw)
    """

    kind: ClassVar[str] = "max_pool"

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        return Edge(self.out_shape(x), x.format, x.lo, x.hi, x.channels)
