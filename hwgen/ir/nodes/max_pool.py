"""Largest value of each channel in each window."""

from dataclasses import dataclass, field
from typing import ClassVar

from ..base import OMIT_DEFAULT, Edge
from .maps import frozen_sizes
from .pool import Pool

__all__ = ["MaxPool"]


@dataclass(frozen=True, eq=False)
class MaxPool(Pool):
    """``out[oy, ox, k] = max of x[oy * sh + i - top, ox * sw + j - left, k]``.

    Over ``i < ph``, ``j < pw``, from ``(h, w, c)`` to ``(oh, ow, c)``. What lies in the padding is
    no value and is left out of the maximum; rows and columns left over at the far edges are not
    used, as in torch. On bipolar values the maximum is an OR of bits.

    Parameters
    ----------
    size : (ph, pw)
    stride : (sh, sw)
    padding : (top, bottom, left, right)
    """

    kind: ClassVar[str] = "max_pool"
    padding: tuple[int, int, int, int] = field(default=(0, 0, 0, 0), metadata=OMIT_DEFAULT)

    def __post_init__(self):
        super().__post_init__()
        self._freeze(lambda values, what: frozen_sizes(values, what, 4), "padding")

    @property
    def around(self):
        return self.padding

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        return Edge(self.out_shape(x), x.format, x.lo, x.hi, x.channels)
