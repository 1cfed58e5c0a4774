"""A map as one vector."""

from dataclasses import dataclass
from typing import ClassVar

from ..base import Edge, Node

__all__ = ["Flatten"]


@dataclass(frozen=True, eq=False)
class Flatten(Node):
    """All elements as one vector, the last axis fastest: of ``(h, w, c)`` channels come first.

    Elements travel in this order anyway, so it needs no hardware.
    """

    kind: ClassVar[str] = "flatten"

    def faults(self, x: Edge) -> list[str]:
        """None: every shape can be flattened."""
        return []

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        channels = x.channels and x.channels.tiled(x.size // x.shape[-1])
        return Edge((x.size,), x.format, x.lo, x.hi, channels)
