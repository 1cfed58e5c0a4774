"""What the pools of windows share: the elements of each window become one, channel by channel."""

from dataclasses import dataclass

from ...numeric import as_int
from ..base import Edge, Node

__all__ = ["WindowPool"]


@dataclass(frozen=True, eq=False)
class WindowPool(Node):
    """From ``(..., taps * c)``, as a :class:`SlidingWindow` makes it, to ``(..., c)``.

    Parameters
    ----------
    taps : int      elements of a channel in each window
    """

    taps: int

    def __post_init__(self):
        super().__post_init__()
        self._freeze(as_int, "taps")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        if self.taps < 1 or x.shape[-1] % self.taps:
            return [f"taps must divide the elements of a window, {x.shape[-1]}, not {self.taps}"]
        return []

    def out_shape(self, x: Edge) -> tuple[int, ...]:
        """``(..., c)``."""
        return (*x.shape[:-1], x.shape[-1] // self.taps)
