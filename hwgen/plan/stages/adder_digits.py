"""Signed digits of integers: how few there must be, and which may be among the fewest."""

from functools import cache

import numpy as np

__all__ = ["Choices", "choices", "digits", "ones", "ones_of"]

TABLE_BITS = 18
"""Bits of coefficients up to which their choices are looked up, not worked out."""


def ones(value: int) -> int:
    """Fewest digits -1, 0, 1 other than 0 that ``value`` has: those of its non-adjacent form.

    They are where ``value`` and ``3 * value`` differ (Reitwiesner 1960).
    """
    value = abs(value)
    return (value ^ 3 * value).bit_count()


@cache
def choices(value: int) -> tuple[int, int]:
    """Powers of two that may be added, and subtracted, in a shortest form; as two masks.

    Taking any of them away leaves one digit less: 3 = 1 + 2 = 4 - 1 gives 0b111 and 0b1. The
    canonical form alone would give one of them, and half as many sums to share.
    """
    plus = minus = 0
    left = ones(value) - 1
    for power in range(abs(value).bit_length() + 1):
        plus |= (ones(value - (1 << power)) == left) << power
        minus |= (ones(value + (1 << power)) == left) << power
    return plus, minus


def digits(value: int) -> list[tuple[int, bool]]:
    """``(power, negative)`` of the canonical form, lowest first."""
    found, power = [], 0
    while value:
        if value & 1:
            digit = 2 - (value & 3)
            found.append((power, digit < 0))
            value -= digit
        value, power = value >> 1, power + 1
    return found


def ones_of(values: np.ndarray) -> np.ndarray:
    """:func:`ones` of each."""
    values = np.abs(values)
    return np.bitwise_count(values ^ 3 * values).astype(np.int64)


class Choices:
    """:func:`choices` of arrays of coefficients that are parts of those of ``matrix``.

    A part of the digits of a coefficient is at most two bits longer: 3 = 4 - 1.
    """

    def __init__(self, matrix):
        bits = int(np.abs(matrix).max(initial=0)).bit_length() + 2
        self.powers = np.arange(bits)
        self._middle, self._table = 1 << bits, None
        if bits <= TABLE_BITS:
            self._table = self._work_out(np.arange(-self._middle, self._middle + 1))

    def __call__(self, values):
        if self._table is None:
            return self._work_out(values)
        plus, minus = self._table
        return plus[values + self._middle], minus[values + self._middle]

    def _work_out(self, values):
        plus, minus = np.zeros_like(values), np.zeros_like(values)
        left = ones_of(values) - 1
        for power in self.powers.tolist():
            plus |= (ones_of(values - (1 << power)) == left).astype(np.int64) << power
            minus |= (ones_of(values + (1 << power)) == left).astype(np.int64) << power
        return plus, minus
