"""Matrices of powers of two, and of sums of a few."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Fixed, Format, PowerOfTwo, SpecError, as_int
from ..base import frozen_ints
from .base import Matrix

__all__ = ["LoadedPowerSums", "PowerSums"]


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
