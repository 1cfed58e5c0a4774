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

    @property
    def around(self) -> tuple[int, int, int, int]:
        """Places of no value around the map: top, bottom, left, right."""
        return 0, 0, 0, 0

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = map_faults(x) + pair_faults("size", self.size) + pair_faults("stride", self.stride)
        if min(self.around) < 0:
            faults.append(f"padding must be at least 0, not {self.around}")
        return faults or self._size_faults(x)

    def _size_faults(self, x: Edge) -> list[str]:
        faults, (h, w), (top, bottom, left, right) = [], self._padded(x), self.around
        if self.size[0] > h or self.size[1] > w:
            which = "the padded map" if any(self.around) else "the map"
            faults.append(f"size must be at most {which}, {h} x {w}, not {self.size}")
        if max(top, bottom) >= self.size[0] or max(left, right) >= self.size[1]:
            faults.append(f"padding must be smaller than the size, {self.size}, so that each window"
                          f" has a value, not {self.around}")
        return faults

    def _padded(self, x: Edge) -> tuple[int, int]:
        top, bottom, left, right = self.around
        return x.shape[0] + top + bottom, x.shape[1] + left + right

    @property
    def is_apart(self) -> bool:
        """Whether no value of the map is in two windows, and none of them reaches beyond it."""
        return not any(self.around) and all(
            stride >= size for size, stride in zip(self.size, self.stride, strict=True))

    def out_shape(self, x: Edge) -> tuple[int, int, int]:
        """``(oh, ow, c)``."""
        return (*outputs(self._padded(x), self.size, self.stride), x.shape[2])
