"""Sums of scaled bits: residual binarisation, multi-base codes, ternary with two scales."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from .errors import SpecError
from .formats import MAX_BITS, Format, PlaneMap
from .integers import as_int

__all__ = ["Planes"]

MAX_PLANES = 8


@dataclass(frozen=True)
class Planes(Format):
    """``value = offset + sum(gains[i] * bit i of the code)``, one to eight planes.

    Residual binarisation of M levels (ReBNet, arXiv 1711.01243; HORQ) and multi-base codes
    (ABC-Net, LQ-Nets) are sums of ``+-base``: :meth:`of_bases`. Ternary weights with two scales
    (TTQ, arXiv 1612.01064) have the gains ``(W_p, -W_n)``: bit 0 marks the positive weights, bit 1
    the negative ones.

    Where several codes have one value, the smallest code is the one that is stored and sent.

    Raises
    ------
    SpecError   If there are no gains or too many, or a value reaches 2**62.
    """

    kind: ClassVar[str] = "planes"
    gains: tuple[int, ...]
    offset: int = 0

    def __post_init__(self):
        if not np.iterable(self.gains):
            raise TypeError(f"Planes gains must be a sequence of ints, not {self.gains!r}")
        gains = tuple(as_int(gain, "Planes gain") for gain in self.gains)
        if not 1 <= len(gains) <= MAX_PLANES:
            raise SpecError(f"Planes gains must be 1 to {MAX_PLANES} integers, not {len(gains)}")
        if 0 in gains:
            raise SpecError(f"Planes gains must not be 0, not {gains}: leave the plane out")
        object.__setattr__(self, "gains", gains)
        object.__setattr__(self, "offset", as_int(self.offset, "Planes offset"))
        if sum(map(abs, gains)) + abs(self.offset) >= 1 << MAX_BITS:
            raise SpecError(f"Planes values must stay below 2**{MAX_BITS}, not gains {gains}"
                            f" with offset {self.offset}")

    @classmethod
    def of_bases(cls, bases) -> "Planes":
        """Sums of ``+base`` and ``-base`` over ``bases``; bit i is 1 where base i is added."""
        bases = tuple(as_int(base, "Planes base") for base in bases)
        return cls(tuple(2 * base for base in bases), -sum(bases))

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """All values, ascending, and the smallest code of each."""
        codes = np.arange(1 << self.bits, dtype=np.int64)
        return np.unique(self._sums(codes), return_index=True)

    def _sums(self, codes):
        bits = codes[..., np.newaxis] >> np.arange(self.bits) & 1
        return self.offset + bits @ np.asarray(self.gains, dtype=np.int64)

    @property
    def bits(self) -> int:
        """Bits of one code: one for each plane."""
        return len(self.gains)

    @property
    def min(self) -> int:
        """Smallest value."""
        return self.offset + sum(gain for gain in self.gains if gain < 0)

    @property
    def max(self) -> int:
        """Largest value."""
        return self.offset + sum(gain for gain in self.gains if gain > 0)

    @property
    def planes(self) -> PlaneMap:
        """As given."""
        return PlaneMap(self.gains, self.offset)

    def _levels(self):
        return self._table[0].copy()

    def _allowed(self, x):
        return np.isin(x, self._table[0])

    def _encode(self, x):
        values, codes = self._table
        return codes[np.searchsorted(values, x)].astype(np.int64)

    def _decode(self, codes):
        return self._sums(codes)

    def __str__(self):
        return f"planes {self.gains} + {self.offset} ({self.min}..{self.max})"
