"""Integer matrices. A matrix says WHAT its entries are; storage is chosen by the design."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..numeric import Codebook, Fixed, Format, PowerOfTwo, SpecError, as_int
from .base import frozen_ints

__all__ = ["MATRIX_KINDS", "Dense", "Loaded", "LoadedPerChannel", "LoadedPowerSums",
           "LoadedShared", "Matrix", "PerChannel", "PowerSums", "Shared"]


class Matrix(ABC):
    """A constant integer matrix of shape ``(n_out, n_in)`` whose entries are in ``format``."""

    kind: ClassVar[str]
    is_loaded: ClassVar[bool] = False
    """Whether the entries may be exchanged once the hardware is there."""
    format: Format

    @property
    def structure(self) -> str:
        """What stays as it is where entries are exchanged, in words."""
        return f"{self.shape} of {self.format}"

    @abstractmethod
    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest value that each entry can have: the entries themselves."""
        dense = self.to_dense()
        return dense, dense

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest value that any entry can have."""
        least, most = self.bounds
        return int(least.min()), int(most.max())

    @property
    def stored_bits(self) -> int:
        """Bits that say all entries; one code of ``format`` each unless the kind has other ones."""
        return self.to_dense().size * self.format.bits

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_out, n_in)``."""
        return self.to_dense().shape

    @property
    def nonzeros(self) -> int:
        """Entries that are not 0."""
        return int(np.count_nonzero(self.to_dense()))

    @property
    def density(self) -> float:
        """Nonzeros over all entries."""
        return self.nonzeros / self.to_dense().size


@dataclass(frozen=True, eq=False)
class Dense(Matrix):
    """Every entry given.

    Raises
    ------
    SpecError   If ``values`` is not a non-empty matrix of integers allowed by ``format``.
    TypeError   If ``values`` are not integers.
    """

    kind: ClassVar[str] = "dense"
    values: np.ndarray
    format: Format

    def __post_init__(self):
        if not isinstance(self.format, Format):
            raise TypeError(f"weights format must be a Format, not {self.format!r}")
        values = frozen_ints(self.values, "weights")
        if values.ndim != 2 or values.size == 0:
            raise SpecError(f"weights must be a non-empty (n_out, n_in), not {values.shape}")
        self.format.require(values, "weights")
        object.__setattr__(self, "values", values)

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self.values


class Loaded(Dense):
    """Entries that may be exchanged for any others of ``format`` once the hardware is there.

    ``values`` are the first ones. What holds of all that may follow is taken from the format: every
    sum that the hardware forms is as wide as the worst matrix of this shape needs.
    """

    kind: ClassVar[str] = "loaded"
    is_loaded: ClassVar[bool] = True

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest value of the format, for each entry."""
        return (np.broadcast_to(np.int64(self.format.min), self.shape),
                np.broadcast_to(np.int64(self.format.max), self.shape))


@dataclass(frozen=True, eq=False)
class PowerSums(Matrix):
    """Every entry a sum of one power of two, or zero, for each of ``N`` terms: no product needed.

    ``w = sum_n 2**bases[n] * value(codes[n])``, codes as of :class:`~hwgen.numeric.PowerOfTwo`:
    sign and exponent + 1, or 0. One term is INQ (arXiv 1702.03044) and the weights of LogNet; two
    and more are ShiftCNN (arXiv 1706.02393), whose codebooks of B bits have ``2**(B-1) - 1``
    exponents.

    Parameters
    ----------
    codes : int64 (N, n_out, n_in)
    exponents : int               of one term: ``bases[n] .. bases[n] + exponents - 1``
    bases : tuple of int          the least exponent of each term; zeros unless given

    Raises
    ------
    SpecError   If ``codes`` are not those of powers of two, there is not one base for each term,
                a base is below 0, or a sum could reach 2**61.
    TypeError   If something that should be an integer is none.
    """

    kind: ClassVar[str] = "power-sums"
    codes: np.ndarray
    exponents: int
    bases: tuple[int, ...] | None = None

    def __post_init__(self):
        codes = frozen_ints(self.codes, "codes")
        if codes.ndim != 3 or codes.size == 0:
            raise SpecError(f"codes must be a non-empty (terms, n_out, n_in), not {codes.shape}")
        bases = (0,) * len(codes) if self.bases is None else self.bases
        if not np.iterable(bases):
            raise TypeError(f"bases must be a sequence of ints, not {bases!r}")
        bases = tuple(as_int(base, "base") for base in bases)
        if len(bases) != len(codes) or min(bases) < 0:
            raise SpecError(f"bases must be {len(codes)} exponents of 0 and more, one for each"
                            f" term, not {bases}")
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "bases", bases)
        term = self.term_format
        if sum(1 << base for base in bases) * term.max >= 1 << 61:
            raise SpecError(f"sums of powers must stay below 2**61, not {self.exponents} exponents"
                            f" from {bases}")
        term.decode(codes)

    @classmethod
    def of(cls, values, exponents: int) -> "PowerSums":
        """One term: every one of ``values`` (n_out, n_in) is a power of two with its sign, or 0."""
        return cls(PowerOfTwo(exponents).encode(values)[np.newaxis], exponents)

    @property
    def term_format(self) -> PowerOfTwo:
        """Of one term, less its base."""
        return PowerOfTwo(self.exponents)

    @cached_property
    def format(self) -> Format:
        """Of one plain term that of its codes; else two's complement for any codes."""
        if self.bases == (0,):
            return self.term_format
        most = sum(1 << base for base in self.bases) * self.term_format.max
        return Fixed.covering(-most, most)

    @property
    def stored_bits(self) -> int:
        """One code for each term of each entry."""
        return self.codes.size * self.term_format.bits

    @property
    def structure(self) -> str:
        return (f"{self.shape}, sums of {len(self.codes)} powers of two with {self.exponents}"
                f" exponents from {self.bases}")

    @cached_property
    def _values(self) -> np.ndarray:
        terms = self.term_format.decode(self.codes)
        return frozen_ints((terms << np.array(self.bases)[:, None, None]).sum(axis=0), "weights")

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self._values


class LoadedPowerSums(PowerSums):
    """Such sums that may be exchanged for any others of as many terms, exponents and bases.

    As of :class:`Loaded`, what holds of all that may follow is taken from these.
    """

    kind: ClassVar[str] = "loaded-power-sums"
    is_loaded: ClassVar[bool] = True

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest sum, for each entry."""
        most = sum(1 << base for base in self.bases) * self.term_format.max
        return (np.broadcast_to(np.int64(-most), self.shape),
                np.broadcast_to(np.int64(most), self.shape))


@dataclass(frozen=True, eq=False)
class Shared(Matrix):
    """Every entry one of ``K`` centroids, given by its number (Deep Compression, arXiv 1510.00149).

    Parameters
    ----------
    indices : int64 (n_out, n_in)    ``0 .. K - 1``
    centroids : int64 (K,)           ascending

    Raises
    ------
    SpecError   If ``indices`` are no non-empty matrix of such numbers, or ``centroids`` do not
                ascend.
    TypeError   If they are not integers.
    """

    kind: ClassVar[str] = "shared"
    indices: np.ndarray
    centroids: np.ndarray

    def __post_init__(self):
        indices, centroids = (frozen_ints(getattr(self, what), what)
                              for what in ("indices", "centroids"))
        if centroids.ndim != 1 or centroids.size == 0 or (np.diff(centroids) <= 0).any():
            raise SpecError(f"centroids must be one or more ascending integers (K,), not"
                            f" {centroids.tolist()}")
        if indices.ndim != 2 or indices.size == 0:
            raise SpecError(f"indices must be a non-empty (n_out, n_in), not {indices.shape}")
        if indices.min() < 0 or indices.max() >= len(centroids):
            raise SpecError(f"indices must be in 0..{len(centroids) - 1}, not"
                            f" {int(indices.min())}..{int(indices.max())}")
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "centroids", centroids)

    @classmethod
    def of(cls, values) -> "Shared":
        """The matrix ``values`` (n_out, n_in), every value that is in it a centroid."""
        values = frozen_ints(values, "weights")
        centroids, indices = np.unique(values, return_inverse=True)
        return cls(indices.reshape(values.shape), centroids)

    @cached_property
    def format(self) -> Codebook:
        """The centroids."""
        return Codebook(tuple(self.centroids.tolist()))

    @property
    def structure(self) -> str:
        return f"{self.shape} of shared centroids"

    @property
    def stored_bits(self) -> int:
        """A number for each entry, and the centroids once, in two's complement."""
        ends = Fixed.covering(min(0, self.format.min), max(0, self.format.max))
        return self.indices.size * self.format.bits + self.centroids.size * ends.bits

    @cached_property
    def _values(self) -> np.ndarray:
        return frozen_ints(self.centroids[self.indices], "weights")

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self._values


@dataclass(frozen=True, eq=False)
class LoadedShared(Shared):
    """Centroids, and their numbers, that may be exchanged for any others.

    Parameters
    ----------
    bits : int, optional    of a centroid in two's complement; as the first ones need unless given
    most : int, optional    centroids but 0 at most; as many as the first ones unless given

    Raises
    ------
    SpecError   As :class:`Shared`; or if the centroids are more, or have more bits.
    """

    kind: ClassVar[str] = "loaded-shared"
    is_loaded: ClassVar[bool] = True
    bits: int | None = None
    most: int | None = None

    def __post_init__(self):
        super().__post_init__()
        ends = Fixed.covering(min(-1, self.format.min), max(0, self.format.max))
        bits = ends.bits if self.bits is None else as_int(self.bits, "bits of a centroid")
        count = max(1, int(np.count_nonzero(self.centroids)))
        most = count if self.most is None else as_int(self.most, "most centroids")
        if ends.bits > bits or count > most:
            raise SpecError(f"centroids must be at most {most} but 0, of at most {bits} bits, as"
                            f" the hardware has them, not {count} of {ends.bits} bits")
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "most", most)

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest centroid that there can be, for each entry."""
        ends = Fixed(self.bits)
        return (np.broadcast_to(np.int64(ends.min), self.shape),
                np.broadcast_to(np.int64(ends.max), self.shape))


@dataclass(frozen=True, eq=False)
class PerChannel(Matrix):
    """Each output reads one channel: behind its windows, a depthwise convolution.

    ``w[k, t * c + k // multiplier] = values[k, t]`` with ``c = n_out / multiplier`` channels, and 0
    elsewhere: inputs are ``taps`` pixels of ``c`` channels, as :class:`SlidingWindow` sends them,
    and a channel has ``multiplier`` outputs, one after another, as torch has them with
    ``groups = c``. Ones add up a window.

    Parameters
    ----------
    values : int64 (n_out, taps)
    format : Format                 one that holds 0, as most entries are
    multiplier : int                a divisor of n_out

    Raises
    ------
    SpecError   If ``values`` is not a non-empty matrix of integers allowed by ``format``, that has
                no 0, or ``multiplier`` does not divide.
    TypeError   If something that should be an integer is none.
    """

    kind: ClassVar[str] = "per-channel"
    values: np.ndarray
    format: Format
    multiplier: int = 1

    def __post_init__(self):
        given = Dense(self.values, self.format)
        if not self.format.allowed(0):
            raise SpecError(f"weights format must hold 0, as most entries of a matrix per channel"
                            f" are, not {self.format}")
        multiplier = as_int(self.multiplier, "multiplier")
        if multiplier < 1 or len(given.values) % multiplier:
            raise SpecError(f"multiplier must divide n_out = {len(given.values)}, not {multiplier}")
        object.__setattr__(self, "values", given.values)
        object.__setattr__(self, "multiplier", multiplier)

    @property
    def structure(self) -> str:
        return (f"{self.channels} channels of {self.taps} taps, {self.multiplier} outputs each, of"
                f" {self.format}")

    @property
    def taps(self) -> int:
        """Inputs that an output reads."""
        return self.values.shape[1]

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return len(self.values) // self.multiplier

    @property
    def stored_bits(self) -> int:
        """Those of the values: where they stand follows from the kind."""
        return self.values.size * self.format.bits

    def _placed(self, values) -> np.ndarray:
        """``values``, of shape (n_out, taps) or one for all, where the entries stand."""
        n_out, taps = self.values.shape
        dense = np.zeros((n_out, taps, self.channels), np.int64)
        rows = np.arange(n_out)
        dense[rows, :, rows // self.multiplier] = values
        return frozen_ints(dense.reshape(n_out, -1), "weights")

    @cached_property
    def _entries(self) -> np.ndarray:
        return self._placed(self.values)

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self._entries


class LoadedPerChannel(PerChannel):
    """Values that may be exchanged for any others of ``format``; where they stand stays.

    As of :class:`Loaded`, what holds of all that may follow is taken from the format.
    """

    kind: ClassVar[str] = "loaded-per-channel"
    is_loaded: ClassVar[bool] = True

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest value of the format, for each entry that is not always 0."""
        return self._placed(self.format.min), self._placed(self.format.max)


MATRIX_KINDS = {cls.kind: cls for cls in (Dense, Loaded, PowerSums, LoadedPowerSums, Shared,
                                         LoadedShared, PerChannel, LoadedPerChannel)}
