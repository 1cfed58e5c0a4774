"""The class: index of the largest score."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Fixed
from ..base import Edge, Node

__all__ = ["Argmax"]


@dataclass(frozen=True, eq=False)
class Argmax(Node):
    """Index of the largest element of ``(n,)``; the lowest index wins a tie. Output ``(1,)``."""

    kind: ClassVar[str] = "argmax"

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        if len(x.shape) != 1:
            return [f"input must be a vector (n,), not {x.shape}"]
        return []

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        return Edge((1,), Fixed.covering(0, x.shape[0] - 1), 0, x.shape[0] - 1)
