"""What the units of a sliding window share."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from ...ir import Edge, SlidingWindow
from .base import Stage

__all__ = ["WindowStage"]


@dataclass(frozen=True, eq=False)
class WindowStage(Stage):
    """The windows of ``x`` (h, w, c), row by row; elements of a window in the order kh, kw, c."""

    window: SlidingWindow
    x: Edge

    @property
    def where(self) -> str:
        return f"{self.core} core '{self.window.name}'"

    @property
    def nodes(self):
        return (self.window,)

    @property
    def in_edge(self):
        return self.x

    @property
    def out_edge(self):
        return self.window.infer(self.x)

    @property
    def out_map(self) -> tuple[int, int]:
        """``(oh, ow)``."""
        return self.window.out_map(self.x)

    @property
    def pad_code(self) -> int:
        """Code of the value that stands beyond the map; 0 where nothing is padded."""
        if not any(self.window.padding):
            return 0
        return int(self.x.format.encode(np.array([self.window.pad_value]))[0])

    @abstractmethod
    def flow(self, arrivals, gates=None):
        """See :meth:`Stage.flow`; an output beat leaves at the cycle in ``gates``, or later."""

    @property
    @abstractmethod
    def memory(self) -> tuple[int, int]:
        """Rows and bits of a row of its memory."""
