"""What the pools share: windows of a map whose elements become one, channel by channel."""

from dataclasses import dataclass

from ..base import Edge, Node
from .maps import frozen_pair, map_faults, outputs, pair_faults

__all__ = ["Pool"]


@dataclass(frozen=True, eq=False)
class Pool(Node):
    """From ``(h, w, c)`` to ``(oh, ow, c)``; what is left over at the far edges is not used.

    Parameters
    ----------
    size : (ph, pw)
    stride : (sh, sw)
    """

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

    def out_shape(self, x: Edge) -> tuple[int, int, int]:
        """``(oh, ow, c)``."""
        return (*outputs(x.shape[:2], self.size, self.stride), x.shape[2])
