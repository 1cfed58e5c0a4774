"""Sums of values with constant gains, as a tree of two-operand adders whose ranges are known."""

from dataclasses import dataclass

__all__ = ["Addend", "addends_of", "halved", "sum_levels"]


@dataclass(frozen=True)
class Addend:
    """``2**shift * v`` with ``lo <= v <= hi``, added or, if ``negative``, subtracted."""

    negative: bool
    shift: int
    lo: int
    hi: int

    @property
    def is_signed(self) -> bool:
        """Whether ``v`` may be below 0."""
        return self.lo < 0

    @property
    def bits(self) -> int:
        """Bits of ``v``."""
        return max(1, max(-self.lo - 1, self.hi).bit_length() + self.is_signed)

    def with_other(self, other: "Addend") -> "Addend":
        """The sum of both; where one is negative, it is ``other``."""
        shift = min(self.shift, other.shift)
        lo, hi = self.lo << self.shift - shift, self.hi << self.shift - shift
        ends = other.lo << other.shift - shift, other.hi << other.shift - shift
        if self.negative != other.negative:
            ends = -ends[1], -ends[0]
        return Addend(self.negative, shift, lo + ends[0], hi + ends[1])

    def passes(self, other: "Addend") -> int:
        """Low bits of the sum with ``other`` that are those of one operand: they need no adder."""
        if self.negative != other.negative:
            return max(0, other.shift - self.shift)
        return abs(other.shift - self.shift)

    def adder_bits(self, other: "Addend") -> int:
        """Of the adder that adds ``other``."""
        return self.with_other(other).bits - self.passes(other)

    def negated(self) -> "Addend":
        """The same, added."""
        return Addend(False, self.shift, -self.hi, -self.lo)


def addends_of(gain: int, high: int, low: int = 0) -> list[Addend]:
    """``gain * v``, ``low <= v <= high``, as the fewest shifted values: signed digits."""
    found, shift, rest = [], 0, abs(gain)
    while rest:
        if rest & 1:
            digit = 2 - (rest & 3)      # 1, or -1 where that leaves more zeros
            found.append(Addend((digit < 0) != (gain < 0), shift, low, high))
            rest -= digit
        shift, rest = shift + 1, rest >> 1
    return found


def halved(terms, join) -> list:
    """One level of the tree: neighbours joined, an odd one as it is."""
    pairs = [join(a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
    return pairs + list(terms[len(terms) & ~1:])


def sum_levels(addends) -> int:
    """Adders in a row; where nothing is positive the last one negates."""
    depth = max(0, len(addends) - 1).bit_length()
    return depth + bool(addends and all(addend.negative for addend in addends))
