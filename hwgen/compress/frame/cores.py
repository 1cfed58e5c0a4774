"""What the cores store of matrices: which core takes one unless told otherwise, and its bits.

The planner takes the first core that suits, and so does :data:`CORES`, in its order; tests hold
both equal. Nothing here depends on a folding, on a board or on a clock.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from hwgen.ir import Edge, MatVec, Node, PerChannel, PowerSums, Shared, Threshold
from hwgen.numeric import Bipolar, Fixed, Format, Logarithmic, Ternary

from .elements import Elements
from .planes import matrix_planes
from .storage import Codes, Plain
from .stored import Storage, bits_for

__all__ = ["CORES", "Core", "Nonzeros", "Places", "core_of", "stored_bits", "usual"]

FEW = 0.3
"""Share of nonzeros up to which a matrix is stored without its zeros."""

LARGEST_GROUP, LEAST_FILL = 16, 0.85
"""Inputs of the largest group of an N:M pattern that is looked for, and how full it must be."""

MOST_CENTROIDS, MOST_PRODUCTS = 256, 64
"""Values but 0 of a codebook, and pairs of planes, that a core takes."""

EIGHT_BIT_INPUT, FEW_PLANES = 8, 4
"""Planes of an input up to which signs, and other weights of planes, meet them as planes."""

MULTIPLIED = Fixed | Ternary | Bipolar


def stored_bits(fmt: Format) -> int:
    """Bits of a weight of ``fmt`` where it is stored as an integer."""
    return fmt.bits if isinstance(fmt, Fixed) else Fixed.covering(fmt.min, fmt.max).bits


class Places(Storage):
    """Of each group of M inputs the N that an output reads at most, each with its number."""

    kind, text = "places", "N places of each M inputs, with the number of their input"

    @classmethod
    def suits(cls, values) -> bool:
        """Whether at most half the places are needed, and most of these are in use."""
        density = np.count_nonzero(values) / values.size
        if density > 0.5:
            return False
        group, count = cls._pattern(values)
        share = count / group
        return share <= 0.5 and density >= LEAST_FILL * share and group < values.shape[1]

    @staticmethod
    def _pattern(values) -> tuple[int, int]:
        """``(M, N)`` of the fewest products; of equals the smallest M."""
        sizes = [m for m in range(1, 1 + LARGEST_GROUP) if values.shape[1] % m == 0]
        counts = {m: max(1, int(np.count_nonzero(values.reshape(len(values), -1, m), axis=2).max()))
                  for m in sizes}
        return min(counts.items(), key=lambda pattern: (pattern[1] / pattern[0], pattern[0]))

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part; place ``j`` of N chooses among M - N + 1 inputs."""
        group, count = self._pattern(values)
        places, reach = values.size // group * count, group - count + 1
        index = {"index": places * bits_for(reach)} if reach > 1 else {}
        return {"weights": places * entry_bits} | index


class Nonzeros(Storage):
    """Nonzeros column by column as the sparse core of one element has them unless told otherwise.

    Indices are absolute. Values are plain, numbers of a codebook, or, of -1, 0 and 1, signs:
    whatever takes the fewest bits.
    """

    kind, text = "columns", "nonzeros column by column, absolute indices, pointers"

    @staticmethod
    def suits(values) -> bool:
        """Whether few enough entries are not 0."""
        return np.count_nonzero(values) / values.size <= FEW

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part."""
        widths = [(entry_bits, False), (entry_bits, True)]
        widths += [(1, False)] if np.abs(values).max() <= 1 else []
        return min((Elements(codes=codes).parts(values, bits) for bits, codes in widths),
                   key=lambda parts: sum(parts.values()))


def usual(values, *, is_vector: bool) -> Storage:
    """How integers of fixed point are stored; nonzeros alone only where the input is a vector."""
    if Places.suits(values):
        return Places()
    return Nonzeros() if is_vector and Nonzeros.suits(values) else Plain()


class Core(ABC):
    """A core that takes matrices unless told otherwise.

    Members
    -------
    kind : str    of what it stores, as reports name it
    """

    kind: ClassVar[str]

    @abstractmethod
    def suits(self, node: MatVec, x: Edge, post: Node | None) -> bool:
        """Whether it takes ``node``, which reads ``x`` and is read by ``post`` alone."""

    @abstractmethod
    def parts(self, node: MatVec, x: Edge) -> dict[str, int]:
        """Bits of each part of the matrix, without biases."""


class OfChannels(Core):
    """The depthwise core: the windows alone."""

    kind = "plain"

    def suits(self, node, x, post):
        """Of weights that are given per channel."""
        return isinstance(node.weights, PerChannel) and isinstance(x.format, MULTIPLIED)

    def parts(self, node, x):
        """Bits of the windows."""
        return Plain().parts(node.weights.values, stored_bits(node.weights.format))


class OfPowers(Core):
    """The shift core: of each term a sign and an exponent, with a code more for 0."""

    kind = "power-sums"

    def suits(self, node, x, post):
        """Of weights that are given as sums of powers."""
        return (isinstance(node.weights, PowerSums)
                and isinstance(x.format, MULTIPLIED | Logarithmic))

    def parts(self, node, x):
        """Bits of the terms."""
        weights = node.weights
        return {"weights": weights.codes.size * (1 + weights.exponents.bit_length())}


class OfCodes(Core):
    """The codebook core: a number for each entry, 0 included, and the values but 0."""

    kind = "codes"

    def suits(self, node, x, post):
        """Of shared weights whose rows are at least as long as there are values."""
        if not isinstance(node.weights, Shared) or not isinstance(x.format, MULTIPLIED):
            return False
        values = np.unique(node.weights.to_dense())
        most = min(MOST_CENTROIDS, node.weights.shape[1])
        return 1 <= np.count_nonzero(values) <= most

    def parts(self, node, x):
        """Bits of the numbers and of the values."""
        return Codes().parts(node.weights.to_dense(), 0)


class OfPlanes(Core):
    """The binary core: a bit for each plane of each weight."""

    kind = "planes"

    def suits(self, node, x, post):
        """What is compared or reads no integers; else of few planes, or signs."""
        fmt = node.weights.format
        if fmt.planes is None or x.format.planes is None:
            return False
        read = len(x.format.planes.gains)
        if len(fmt.planes.gains) * read > MOST_PRODUCTS:
            return False
        if isinstance(post, Threshold) or not isinstance(x.format, Fixed):
            return True
        if isinstance(fmt, Fixed) and fmt.bits > 2:
            return False
        return read <= (EIGHT_BIT_INPUT if isinstance(fmt, Bipolar) else FEW_PLANES)

    def parts(self, node, x):
        """Bits of the planes."""
        count = node.weights.to_dense().size
        return {"weights": count * matrix_planes(node.weights.format)}


class OfStorage(Core):
    """The N:M, the sparse and the fixed core, which store what :func:`usual` says of integers."""

    def __init__(self, storage):
        self.storage, self.kind = storage, storage.kind

    def suits(self, node, x, post):
        """Where the storage is the usual one; the fixed core takes what is left."""
        if isinstance(self.storage, Plain):
            return True
        is_vector = len(x.shape) == 1
        return isinstance(x.format, Fixed) and isinstance(
            usual(node.weights.to_dense(), is_vector=is_vector), type(self.storage))

    def parts(self, node, x):
        """Bits of what the storage has."""
        return self.storage.parts(node.weights.to_dense(), stored_bits(node.weights.format))


CORES = (OfChannels(), OfPowers(), OfPlanes(), OfStorage(Places()), OfStorage(Nonzeros()),
         OfCodes(), OfStorage(Plain()))
"""In the planner's order. A core that it takes unasked is one class and its place here."""


def core_of(node: MatVec, x: Edge, post: Node | None) -> Core:
    """The first that suits ``node``, which reads ``x`` and is read by ``post`` alone, if by one."""
    return next(core for core in CORES if core.suits(node, x, post))
