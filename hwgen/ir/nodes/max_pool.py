"""Largest value of each channel in each window."""

from dataclasses import dataclass
from typing import ClassVar

from ..base import Edge, Node
from .maps import frozen_pair, map_faults, outputs, pair_faults

__all__ = ["MaxPool"]


@dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """``out[oy, ox, k] = max of x[oy * sh + i, ox * sw + j, k]`` over ``i < ph``, ``j < pw``.

    From ``(h, w, c)`` to ``(oh, ow, c)``. Rows and columns left over at the far edges are not
    used, as in torch. On bipolar values the maximum is an OR of bits.

    Parameters
    ----------
    size : (ph, pw)
    stride : (sh, sw)
    """

    kind: ClassVar[str] = "max_pool"
    size: tuple[int, int]
    stride: tuple[int, int]

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_pair, "size", "stride")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = map_faults(x) + pair_faults("size", self.size) + pair_faults("stride", self.stride)
        if not faults and (self.size[0] > x.shape[0] or self.size[1] > x.shape[1]):
            faults.append(f"size must be at most the map, {x.shape[0]} x {x.shape[1]},"
                          f" not {self.size}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        shape = (*outputs(x.shape[:2], self.size, self.stride), x.shape[2])
        return Edge(shape, x.format, x.lo, x.hi)
