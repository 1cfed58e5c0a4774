"""Number formats: which integers are allowed, and how each is stored in bits.

A format is an immutable object. Values are Python or numpy integers ("the integer"); codes are the
unsigned bit patterns in which hardware stores them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .errors import SpecError
from .integers import as_int, as_int64

__all__ = ["Bipolar", "Codebook", "Fixed", "Format", "MAX_BITS", "PlaneMap", "PowerOfTwo",
           "Ternary"]

MAX_BITS = 62
"""Widest format: every value is below 2**62, and every sum of two values fits an int64."""

MAX_LEVEL_BITS = 16
"""Widest format whose values can be listed."""


@dataclass(frozen=True)
class PlaneMap:
    """A format whose values are affine in the bits of their codes.

    ``value = offset + sum(gains[i] * bit_i(code))``, bit 0 lowest. So a dot product of two such
    formats is a weighted sum of popcounts, one for each pair of planes.
    """

    gains: tuple[int, ...]
    offset: int

    @property
    def is_balanced(self) -> bool:
        """Whether the bits stand for -1 and +1 rather than for 0 and 1."""
        return 2 * self.offset == -sum(self.gains)


class Format(ABC):
    """A set of integers and their bit patterns.

    Members
    -------
    bits : int              bits of one stored value
    min, max : int          smallest and largest value
    is_signed : bool        whether negative values exist
    """

    kind: ClassVar[str]
    bits: int
    min: int
    max: int

    @property
    def is_signed(self) -> bool:
        """Whether negative values exist."""
        return self.min < 0

    @property
    def step(self) -> int:
        """Distance between neighbouring values (1 where it is not constant)."""
        return 1

    @property
    def planes(self) -> PlaneMap | None:
        """How values follow from the bits of their codes; None where they are not affine in them.

        Not every code need be a value: a :class:`Ternary` never uses the code 2.
        """
        return None

    @property
    def levels(self) -> np.ndarray:
        """All values, ascending, int64; SpecError for formats of more than 16 bits."""
        if self.bits > MAX_LEVEL_BITS:
            raise SpecError(f"{self} must have at most {MAX_LEVEL_BITS} bits for its values to be"
                            f" listed, not {self.bits}")
        return self._levels()

    def _levels(self) -> np.ndarray:
        codes = np.arange(1 << self.bits, dtype=np.int64)
        values = self._decode(codes)
        return np.unique(values[self._allowed(values)])

    @abstractmethod
    def _allowed(self, x: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _encode(self, x: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _decode(self, codes: np.ndarray) -> np.ndarray: ...

    def allowed(self, x) -> np.ndarray:
        """Bool array, True where the integer ``x`` is a value of this format."""
        return self._allowed(as_int64(x, "values"))

    def encode(self, x) -> np.ndarray:
        """int64 codes in ``0 .. 2**bits - 1`` of integers ``x``; SpecError outside the format."""
        values = as_int64(x, "values")
        self.require(values)
        return self._encode(values)

    def decode(self, codes) -> np.ndarray:
        """The int64 values of ``codes``, inverse of :meth:`encode`; SpecError for unused codes."""
        codes = as_int64(codes, "codes")
        values = self._decode(codes)
        good = self._allowed(values) & (self._encode(values) == codes)
        _require_all(good, codes, f"codes must be used by {self}")
        return values

    def require(self, x, what: str = "values") -> None:
        """Raise SpecError that names the first value of ``x`` outside the format."""
        values = as_int64(x, what)
        _require_all(self._allowed(values), values, f"{what} must be in {self}")


def _require_all(good, values, rule):
    bad = np.argwhere(~good)
    if len(bad):
        index = tuple(int(i) for i in bad[0])
        where = f" at index {list(index)}" if index else ""
        raise SpecError(f"{rule}, not {int(values[index])}{where}"
                        f" ({len(bad)} of {values.size} are outside)")


def _checked_bits(what, bits):
    bits = as_int(bits, what)
    if not 1 <= bits <= MAX_BITS:
        raise SpecError(f"{what} must be in 1..{MAX_BITS}, not {bits}")
    return bits


@dataclass(frozen=True)
class Fixed(Format):
    """Two's complement or unsigned fixed point; real value = integer * 2**-frac."""

    kind: ClassVar[str] = "fixed"
    bits: int
    frac: int = 0
    signed: bool = True

    def __post_init__(self):
        object.__setattr__(self, "bits", _checked_bits("Fixed bits", self.bits))
        object.__setattr__(self, "frac", as_int(self.frac, "Fixed frac"))
        if not isinstance(self.signed, (bool, np.bool_)):
            raise TypeError(f"Fixed signed must be a bool, not {self.signed!r}")
        object.__setattr__(self, "signed", bool(self.signed))

    @classmethod
    def covering(cls, lo: int, hi: int, *, frac: int = 0) -> "Fixed":
        """Narrowest format that holds every integer in ``lo .. hi``; unsigned if ``lo >= 0``."""
        lo, hi = as_int(lo, "Fixed lo"), as_int(hi, "Fixed hi")
        if lo > hi:
            raise SpecError(f"Fixed range must ascend, not {lo}..{hi}")
        if lo >= 0:
            return cls(max(1, hi.bit_length()), frac, False)
        bits = max((-lo - 1).bit_length(), max(hi, 0).bit_length()) + 1
        return cls(bits, frac, True)

    @property
    def min(self) -> int:
        """Smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest value."""
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    @property
    def planes(self) -> PlaneMap:
        """Powers of two; of a signed format the highest one is negative."""
        gains = [1 << bit for bit in range(self.bits)]
        if self.signed:
            gains[-1] = -gains[-1]
        return PlaneMap(tuple(gains), 0)

    def _allowed(self, x):
        return (x >= self.min) & (x <= self.max)

    def _encode(self, x):
        return x & ((1 << self.bits) - 1)

    def _decode(self, codes):
        return np.where(codes > self.max, codes - (1 << self.bits), codes)

    def __str__(self):
        sign = "s" if self.signed else "u"
        return f"fixed {sign}{self.bits}.{self.frac} ({self.min}..{self.max})"


@dataclass(frozen=True)
class Bipolar(Format):
    """One bit: code 1 is +1, code 0 is -1 (BNN, arXiv 1602.02830)."""

    kind: ClassVar[str] = "bipolar"
    bits: ClassVar[int] = 1
    min: ClassVar[int] = -1
    max: ClassVar[int] = 1

    @property
    def step(self) -> int:
        """Distance between neighbouring values."""
        return 2

    @property
    def planes(self) -> PlaneMap:
        """One plane: ``2 * bit - 1``."""
        return PlaneMap((2,), -1)

    def _allowed(self, x):
        return (x == -1) | (x == 1)

    def _encode(self, x):
        return (x + 1) >> 1

    def _decode(self, codes):
        return 2 * codes - 1

    def __str__(self):
        return "bipolar {-1, +1}"


@dataclass(frozen=True)
class Ternary(Format):
    """Two bits: two's complement of -1, 0, +1 (TWN, arXiv 1605.04711)."""

    kind: ClassVar[str] = "ternary"
    bits: ClassVar[int] = 2
    min: ClassVar[int] = -1
    max: ClassVar[int] = 1

    @property
    def planes(self) -> PlaneMap:
        """Two's complement: ``bit 0 - 2 * bit 1``."""
        return PlaneMap((1, -2), 0)

    def _allowed(self, x):
        return (x >= -1) & (x <= 1)

    def _encode(self, x):
        return x & 3

    def _decode(self, codes):
        return np.where(codes == 3, -1, codes)

    def __str__(self):
        return "ternary {-1, 0, +1}"


@dataclass(frozen=True)
class PowerOfTwo(Format):
    """Zero and ``+-2**e`` for ``e`` in ``0 .. exponents - 1`` (INQ, arXiv 1702.03044).

    The code is ``sign << exponent_bits | (e + 1)``, and 0 for zero.
    """

    kind: ClassVar[str] = "power-of-two"
    exponents: int

    def __post_init__(self):
        object.__setattr__(
            self, "exponents", _checked_bits("PowerOfTwo exponents", self.exponents))

    @property
    def _exponent_bits(self) -> int:
        return self.exponents.bit_length()

    @property
    def bits(self) -> int:
        """Bits of one code."""
        return 1 + self._exponent_bits

    @property
    def min(self) -> int:
        """Smallest value."""
        return -self.max

    @property
    def max(self) -> int:
        """Largest value."""
        return 1 << (self.exponents - 1)

    def _allowed(self, x):
        magnitude = np.abs(x)
        return (x >= self.min) & (x <= self.max) & ((magnitude & (magnitude - 1)) == 0)

    def _encode(self, x):
        exponent = np.zeros_like(x)
        for e in range(self.exponents):
            exponent = np.where(np.abs(x) == 1 << e, e + 1, exponent)
        return ((x < 0).astype(np.int64) << self._exponent_bits) | exponent

    def _decode(self, codes):
        exponent = codes & ((1 << self._exponent_bits) - 1)
        magnitude = np.where(exponent > 0, np.int64(1) << np.maximum(exponent - 1, 0), 0)
        return np.where(codes >> self._exponent_bits, -magnitude, magnitude)

    def __str__(self):
        return f"power of two {{0, +-1 .. +-{self.max}}}"


@dataclass(frozen=True)
class Codebook(Format):
    """Indices into a table of integers, ascending (Deep Compression, arXiv 1510.00149)."""

    kind: ClassVar[str] = "codebook"
    values: tuple[int, ...]

    def __post_init__(self):
        if not np.iterable(self.values):
            raise TypeError(f"Codebook values must be a sequence of ints, not {self.values!r}")
        values = tuple(as_int(v, "Codebook value") for v in self.values)
        if not values:
            raise SpecError("Codebook values must hold at least one integer, not ()")
        if list(values) != sorted(set(values)):
            raise SpecError(f"Codebook values must be ascending and distinct, not {values}")
        if max(-values[0], values[-1]) >= 1 << MAX_BITS:
            raise SpecError(f"Codebook values must stay below 2**{MAX_BITS}, not {values}")
        object.__setattr__(self, "values", values)

    @property
    def bits(self) -> int:
        """Bits of one code."""
        return max(1, (len(self.values) - 1).bit_length())

    @property
    def min(self) -> int:
        """Smallest value."""
        return self.values[0]

    @property
    def max(self) -> int:
        """Largest value."""
        return self.values[-1]

    def _allowed(self, x):
        return np.isin(x, np.asarray(self.values, dtype=np.int64))

    def _encode(self, x):
        return np.searchsorted(np.asarray(self.values, dtype=np.int64), x).astype(np.int64)

    def _decode(self, codes):
        known = np.clip(codes, 0, len(self.values) - 1)  # `decode` refuses the codes outside
        return np.asarray(self.values, dtype=np.int64)[known]

    def __str__(self):
        return f"codebook of {len(self.values)} values ({self.min}..{self.max})"
