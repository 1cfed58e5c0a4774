"""What every node is, and what an edge between nodes carries."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..numeric import Format, SpecError, as_int64

__all__ = ["INT64_SAFE", "OMIT_DEFAULT", "Ends", "Edge", "Node", "frozen_bools", "frozen_ints"]

INT64_SAFE = 1 << 61
"""Every sum and product in a checked network stays strictly below this magnitude: it fits the
widest signed format (62 bits), and two of them still add up inside int64."""

OMIT_DEFAULT = {"omit_default": True}
"""Metadata of a field that a network file names only where it is not the default: what came after
the first files, so that their bytes and digests stay."""


@dataclass(frozen=True, eq=False)
class Ends:
    """Least and largest value of each channel, int64 ``(channels,)``."""

    lo: np.ndarray
    hi: np.ndarray

    def __eq__(self, other):
        return isinstance(other, Ends) and np.array_equal(self.both, other.both)

    __hash__ = None

    @property
    def both(self) -> np.ndarray:
        """``(2, channels)``: the least ones, then the largest."""
        return np.stack([self.lo, self.hi])

    def tiled(self, times: int) -> "Ends":
        """The same, ``times`` times one after another."""
        return Ends(np.tile(self.lo, times), np.tile(self.hi, times))


@dataclass(frozen=True)
class Edge:
    """The value a node produces.

    Members
    -------
    shape : tuple of int     without the batch axis
    format : Format          how one element is stored
    lo, hi : int             proven smallest and largest element, from the actual weights
    channels : Ends or None  the same of each channel, the last axis, where it is known; within
                             ``lo`` and ``hi``, and no part of what makes two edges equal
    """

    shape: tuple[int, ...]
    format: Format
    lo: int
    hi: int
    channels: Ends | None = field(default=None, compare=False, repr=False)

    @property
    def ends(self) -> Ends:
        """Least and largest value of each channel: :attr:`channels`, or ``lo`` and ``hi``."""
        if self.channels is not None:
            return self.channels
        n = self.shape[-1]
        return Ends(np.full(n, self.lo, np.int64), np.full(n, self.hi, np.int64))

    @property
    def size(self) -> int:
        """Elements of one value, without the batch axis."""
        return math.prod(self.shape)


def frozen_ints(values, what: str) -> np.ndarray:
    """A read-only int64 copy of ``values``; see :func:`hwgen.numeric.as_int64` for the errors."""
    array = as_int64(values, what)
    array.setflags(write=False)
    return array


def frozen_bools(values, what: str) -> np.ndarray:
    """A read-only bool copy of ``values``, which are bools or the integers 0 and 1."""
    array = as_int64(values, what)
    wrong = array[(array != 0) & (array != 1)]
    if wrong.size:
        raise SpecError(f"{what} must be 0 or 1, not {int(wrong.flat[0])}")
    array = array.astype(np.bool_)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Node(ABC):
    """One operation: a name, the names of the nodes it reads, and its constants."""

    kind: ClassVar[str]
    arity: ClassVar[int] = 1            # a property where it may be any number
    name: str
    inputs: tuple[str, ...]

    def __post_init__(self):
        if not isinstance(self.name, str):
            raise TypeError(f"{self.kind} name must be a str, not {self.name!r}")
        inputs = self.inputs
        if not isinstance(inputs, (tuple, list)) or not all(isinstance(i, str) for i in inputs):
            raise TypeError(f"{self.path}: inputs must be a tuple of node names, not {inputs!r}")
        object.__setattr__(self, "inputs", tuple(inputs))

    @property
    def path(self) -> str:
        """How errors name this node."""
        return f"node '{self.name}'"

    def _freeze(self, freeze, *names: str) -> None:
        """Replace the fields ``names`` by what ``freeze(value, what)`` makes of them."""
        for name in names:
            frozen = freeze(getattr(self, name), f"{self.path}: {name}")
            object.__setattr__(self, name, frozen)

    @abstractmethod
    def faults(self, *edges: Edge) -> list[str]:
        """Every rule that the node breaks with these input edges; empty if it is sound."""

    @abstractmethod
    def infer(self, *edges: Edge) -> Edge:
        """The edge it produces; only asked of a node without faults."""
