"""The class, or the k best: indices of the largest scores."""

from dataclasses import dataclass, field
from typing import ClassVar

from ...numeric import Fixed, as_int
from ..base import OMIT_DEFAULT, Edge, Node

__all__ = ["Argmax"]


@dataclass(frozen=True, eq=False)
class Argmax(Node):
    """Indices of the ``k`` largest elements of ``(n,)``, the largest first. Output ``(k,)``.

    Of equal elements the one of the lowest index comes first.

    Parameters
    ----------
    k : int      1 to n; by default the class alone. A network file names it where it is not 1.
    """

    kind: ClassVar[str] = "argmax"
    k: int = field(default=1, metadata=OMIT_DEFAULT)

    def __post_init__(self):
        super().__post_init__()
        self._freeze(as_int, "k")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        if len(x.shape) != 1:
            return [f"input must be a vector (n,), not {x.shape}"]
        if not 1 <= self.k <= x.size:
            return [f"k must be in 1..{x.size}, the elements of its input, not {self.k}"]
        return []

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        return Edge((self.k,), Fixed.covering(0, x.size - 1), 0, x.size - 1)
