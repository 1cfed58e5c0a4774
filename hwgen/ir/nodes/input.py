"""The vector that enters the network."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Format, as_int
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
        if not isinstance(self.format, Format):
            raise TypeError(f"{self.path}: format must be a Format, not {self.format!r}")
        if not isinstance(self.shape, (tuple, list)):
            raise TypeError(f"{self.path}: shape must be a tuple of ints, not {self.shape!r}")
        shape = tuple(as_int(n, f"{self.path}: size in shape") for n in self.shape)
        object.__setattr__(self, "shape", shape)

    def faults(self) -> list[str]:
        """Every rule that the shape breaks."""
        if not self.shape or min(self.shape) < 1:
            return [f"shape must have positive sizes, not {self.shape}"]
        return []

    def infer(self) -> Edge:
        """The edge of all values in the format."""
        return Edge(self.shape, self.format, self.format.min, self.format.max)
