"""Number formats: which integers are allowed, and how each is stored in bits.

A format is an immutable object. Values are Python or numpy integers ("the integer"); codes are the
unsigned bit patterns in which hardware stores them.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

import numpy as np

from .errors import SpecError

__all__ = [
    "Bipolar", "Codebook", "Fixed", "Format", "PowerOfTwo", "Ternary", "format_from_dict",
    "format_to_dict",
]

MAX_BITS = 62
"""Widest format: every sum of two values still fits an int64."""


def _integers(x, what):
    array = np.asarray(x)
    if array.dtype.kind not in "iub":
        raise TypeError(f"{what} must be an array of integers, not of {array.dtype}")
    return array.astype(np.int64)


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
        return self.min < 0

    @property
    def step(self) -> int:
        """Distance between neighbouring values (1 where it is not constant)."""
        return 1

    @abstractmethod
    def allowed(self, x) -> np.ndarray:
        """Bool array, True where the integer ``x`` is a value of this format."""

    @abstractmethod
    def _encode(self, x: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _decode(self, codes: np.ndarray) -> np.ndarray: ...

    def encode(self, x) -> np.ndarray:
        """int64 codes in ``0 .. 2**bits - 1`` of integers ``x``; SpecError outside the format."""
        values = _integers(x, "values")
        self.require(values)
        return self._encode(values)

    def decode(self, codes) -> np.ndarray:
        """The int64 values of ``codes``, the inverse of :meth:`encode`."""
        return self._decode(_integers(codes, "codes"))

    def require(self, x, what: str = "values") -> None:
        """Raise SpecError that names the first value of ``x`` outside the format."""
        values = np.asarray(x)
        bad = np.argwhere(~self.allowed(values))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            raise SpecError(
                f"{what} must be in {self}, not {int(values[index])} at index {list(index)}"
                f" ({len(bad)} of {values.size} are outside)"
            )


def _check_bits(name, bits, low, high):
    if not isinstance(bits, int) or isinstance(bits, bool):
        raise TypeError(f"{name} bits must be an int, not {bits!r}")
    if not low <= bits <= high:
        raise SpecError(f"{name} bits must be in {low}..{high}, not {bits}")


@dataclass(frozen=True)
class Fixed(Format):
    """Two's complement or unsigned fixed point; real value = integer * 2**-frac."""

    kind: ClassVar[str] = "fixed"
    bits: int
    frac: int = 0
    signed: bool = True

    def __post_init__(self):
        _check_bits("Fixed", self.bits, 1, MAX_BITS)
        if not isinstance(self.frac, int):
            raise TypeError(f"Fixed frac must be an int, not {self.frac!r}")

    @classmethod
    def covering(cls, lo: int, hi: int, *, frac: int = 0) -> "Fixed":
        """Narrowest format that holds every integer in ``lo .. hi``."""
        if lo >= 0:
            return cls(max(1, int(hi).bit_length()), frac, False)
        bits = max(int(-lo - 1).bit_length(), int(max(hi, 0)).bit_length()) + 1
        return cls(bits, frac, True)

    @property
    def min(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    def allowed(self, x) -> np.ndarray:
        values = np.asarray(x)
        return (values >= self.min) & (values <= self.max)

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
        return 2

    def allowed(self, x) -> np.ndarray:
        return np.isin(np.asarray(x), (-1, 1))

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

    def allowed(self, x) -> np.ndarray:
        return np.isin(np.asarray(x), (-1, 0, 1))

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
        _check_bits("PowerOfTwo exponents:", self.exponents, 1, 62)

    @property
    def _exponent_bits(self) -> int:
        return self.exponents.bit_length()

    @property
    def bits(self) -> int:
        return 1 + self._exponent_bits

    @property
    def min(self) -> int:
        return -self.max

    @property
    def max(self) -> int:
        return 1 << (self.exponents - 1)

    def allowed(self, x) -> np.ndarray:
        magnitude = np.abs(np.asarray(x, dtype=np.int64))
        return (magnitude <= self.max) & ((magnitude & (magnitude - 1)) == 0)

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
        values = tuple(int(v) for v in self.values)
        if not values:
            raise SpecError("Codebook values must hold at least one integer, not ()")
        if list(values) != sorted(set(values)):
            raise SpecError(f"Codebook values must be ascending and distinct, not {values}")
        object.__setattr__(self, "values", values)

    @property
    def bits(self) -> int:
        return max(1, (len(self.values) - 1).bit_length())

    @property
    def min(self) -> int:
        return self.values[0]

    @property
    def max(self) -> int:
        return self.values[-1]

    def allowed(self, x) -> np.ndarray:
        return np.isin(np.asarray(x), self.values)

    def _encode(self, x):
        return np.searchsorted(np.asarray(self.values), x).astype(np.int64)

    def _decode(self, codes):
        return np.asarray(self.values, dtype=np.int64)[codes]

    def __str__(self):
        return f"codebook of {len(self.values)} values ({self.min}..{self.max})"


_KINDS = {cls.kind: cls for cls in (Fixed, Bipolar, Ternary, PowerOfTwo, Codebook)}


def format_to_dict(fmt: Format) -> dict:
    """JSON-ready description of a format, the inverse of :func:`format_from_dict`."""
    entry = {"kind": fmt.kind, **asdict(fmt)}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in entry.items()}


def format_from_dict(entry: dict) -> Format:
    """The format described by :func:`format_to_dict`; SpecError for an unknown kind or field."""
    cls = _KINDS.get(entry.get("kind"))
    if cls is None:
        raise SpecError(f"format kind must be one of {sorted(_KINDS)}, not {entry.get('kind')!r}")
    given = {key: value for key, value in entry.items() if key != "kind"}
    known = {f.name for f in fields(cls)}
    if set(given) - known:
        raise SpecError(f"format '{cls.kind}': fields must be among {sorted(known)},"
                        f" not {sorted(given)}")
    if "values" in given:
        given["values"] = tuple(given["values"])
    return cls(**given)
