"""Largest value of each channel in windows that a sliding window shows."""

from dataclasses import dataclass
from typing import ClassVar

from ..base import Edge, Ends
from .window_pool import WindowPool

__all__ = ["WindowMax"]


@dataclass(frozen=True, eq=False)
class WindowMax(WindowPool):
    """``out[.., k] = max of x[.., t * c + k]`` over the taps t.

    Behind a :class:`SlidingWindow` it is a :class:`MaxPool` whose windows may overlap or be padded.

    Parameters
    ----------
    taps : int      elements of a channel in each window
    """

    kind: ClassVar[str] = "window_max"

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        channels = x.channels
        if channels is not None:
            channels = Ends(*channels.both.reshape(2, self.taps, -1).max(axis=1))
        return Edge(self.out_shape(x), x.format, x.lo, x.hi, channels)
