"""Signed digits of integers: how few there must be, and which may be among the fewest."""

from functools import cache

__all__ = ["choices", "digits", "ones"]


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
