"""Counts of planes that follow each other, weighed by the gains of their planes."""

from dataclasses import dataclass

from .folded import adder_levels, tree_registers

__all__ = ["Combine"]


@dataclass(frozen=True)
class Combine:
    """``start + sum_j gains[j] * value_j`` of values that come one after another, gains ascending.

    Where the gains are ``2**base * 2**(step * j)`` the sum is shifted right by ``step`` before
    each further value, and the bits that fall out are kept: no value is multiplied, and ``start``
    enters with the first one. Other gains multiply each finished value once, as a sum of shifts.

    Parameters
    ----------
    gains : tuple of int > 0
    levels_per_register : int
    """

    gains: tuple[int, ...]
    levels_per_register: int

    @property
    def shifts(self) -> tuple[int, int] | None:
        """``base`` and ``step``, or None where the gains are not such powers of two."""
        if any(gain & (gain - 1) for gain in self.gains):
            return None
        exponents = [gain.bit_length() - 1 for gain in self.gains]
        steps = {b - a for a, b in zip(exponents, exponents[1:], strict=False)}
        return (exponents[0], steps.pop()) if len(steps) == 1 else None

    @property
    def terms(self) -> list[int]:
        """Shifts of which each gain is a sum."""
        union = 0
        for gain in self.gains:
            union |= gain
        return [bit for bit in range(union.bit_length()) if union >> bit & 1]

    @property
    def multiply_registers(self) -> int:
        """Registers in the tree of shifted values."""
        if self.shifts is not None:
            return 0
        return tree_registers(adder_levels(len(self.terms)), self.levels_per_register)

    @property
    def registers(self) -> int:
        """Cycles from the last value to the sum."""
        return self.multiply_registers + 1
