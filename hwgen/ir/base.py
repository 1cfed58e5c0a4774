"""What every node is, and what an edge between nodes carries."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..numeric import Format

__all__ = ["INT64_SAFE", "Edge", "Node", "frozen_ints"]

INT64_SAFE = 1 << 62
"""Every intermediate value of a checked network stays strictly below this magnitude."""


@dataclass(frozen=True)
class Edge:
    """The value a node produces.

    Members
    -------
    shape : tuple of int     without the batch axis
    format : Format          how one element is stored
    lo, hi : int             proven smallest and largest element, from the actual weights
    """

    shape: tuple[int, ...]
    format: Format
    lo: int
    hi: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def frozen_ints(values, what: str, dtype=np.int64) -> np.ndarray:
    """A read-only copy of ``values`` as ``dtype``; TypeError if they are not whole numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "iub":
        raise TypeError(f"{what} must be integers, not {array.dtype}")
    array = array.astype(dtype)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Node(ABC):
    """One operation: a name, the names of the nodes it reads, and its constants."""

    kind: ClassVar[str]
    arity: ClassVar[int] = 1
    name: str
    inputs: tuple[str, ...]

    def __post_init__(self):
        object.__setattr__(self, "inputs", tuple(self.inputs))

    @abstractmethod
    def faults(self, *edges: Edge) -> list[str]:
        """Every rule that the node breaks with these input edges; empty if it is sound."""

    @abstractmethod
    def infer(self, *edges: Edge) -> Edge:
        """The edge it produces; only asked of a node without faults."""
