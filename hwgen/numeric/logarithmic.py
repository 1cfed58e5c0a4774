"""Zero and powers of two without a sign: activations by their exponents."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .errors import SpecError
from .formats import Format
from .integers import as_int

__all__ = ["Logarithmic"]

MAX_EXPONENTS = 61


@dataclass(frozen=True)
class Logarithmic(Format):
    """Zero and ``2**e`` for ``e`` in ``0 .. exponents - 1`` (LogQuant, arXiv 1603.01025).

    The code is ``e + 1``, and 0 for zero: codes order as values do, and a product of two is a sum
    of codes.

    Raises
    ------
    SpecError   If ``exponents`` are not in 1..61.
    """

    kind: ClassVar[str] = "logarithmic"
    min: ClassVar[int] = 0
    exponents: int

    def __post_init__(self):
        exponents = as_int(self.exponents, "Logarithmic exponents")
        if not 1 <= exponents <= MAX_EXPONENTS:
            raise SpecError(f"Logarithmic exponents must be in 1..{MAX_EXPONENTS}, not {exponents}")
        object.__setattr__(self, "exponents", exponents)

    @property
    def bits(self) -> int:
        """Bits of one code."""
        return self.exponents.bit_length()

    @property
    def max(self) -> int:
        """Largest value."""
        return 1 << (self.exponents - 1)

    def _allowed(self, x):
        return (x >= 0) & (x <= self.max) & ((x & (x - 1)) == 0)

    def _encode(self, x):
        code = np.zeros_like(x)
        for e in range(self.exponents):
            code = np.where(x == 1 << e, e + 1, code)
        return code

    def _decode(self, codes):
        known = np.clip(codes, 0, self.exponents)       # `decode` refuses the codes outside
        return np.where(known > 0, np.int64(1) << np.maximum(known - 1, 0), 0)

    def __str__(self):
        return f"logarithmic {{0, 1 .. {self.max}}}"
