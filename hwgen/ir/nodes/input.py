"""The vector that enters the network."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Format
from ..base import Edge, Node

__all__ = ["Input"]


@dataclass(frozen=True, eq=False)
class Input(Node):
    """Integers of ``shape`` (without the batch axis) in ``format``."""

    kind: ClassVar[str] = "input"
    arity: ClassVar[int] = 0
    shape: tuple[int, ...]
    format: Format

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    def faults(self) -> list[str]:
        if not self.shape or min(self.shape) < 1:
            return [f"shape must have positive sizes, not {self.shape}"]
        return []

    def infer(self) -> Edge:
        return Edge(self.shape, self.format, self.format.min, self.format.max)
