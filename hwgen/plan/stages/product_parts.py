"""A product of any width as products of slices, each of which fits a multiplier block."""

from typing import NamedTuple

from ...numeric import Fixed
from .weighed_sum import Addend

__all__ = ["BLOCK_PORTS", "LEAST_BITS", "Part", "Slice", "parts_of"]

BLOCK_PORTS = {"16x16": (16, 16), "18x18": (18, 18), "25x18": (25, 18)}
"""Name of a block -> signed bits that its operands have; of the last one an unsigned has one less.
"""

LEAST_BITS = 3
"""Bits of an operand for which a part of a product gets a block, not LUTs."""


class Slice(NamedTuple):
    """Some bits of an operand, of weight ``2**start``."""

    start: int
    format: Fixed


class Part(NamedTuple):
    """The product of two slices; whether a block is asked for it."""

    a: Slice
    b: Slice
    in_block: bool

    @property
    def shift(self) -> int:
        """It counts ``2**shift``."""
        return self.a.start + self.b.start

    @property
    def formats(self) -> list[Fixed]:
        """Of its operands, the wider one first."""
        return sorted((self.a.format, self.b.format), key=lambda fmt: -fmt.bits)

    @property
    def addend(self) -> Addend:
        """As a term of the sum of all parts."""
        a, b = self.a.format, self.b.format
        corners = [left * right for left in (a.min, a.max) for right in (b.min, b.max)]
        return Addend(False, self.shift, min(corners), max(corners))


def parts_of(a: Fixed, b: Fixed, block: str) -> list[Part]:
    """The parts of ``a * b`` for a block, one of :data:`BLOCK_PORTS`.

    Those whose slices are as far apart stand side by side: they share no bit.
    """
    wide, narrow = BLOCK_PORTS[block]
    less = wide != narrow
    ways = [(_cut(a, a_bits, less), _cut(b, b_bits, less))
            for a_bits, b_bits in ((wide, narrow), (narrow, wide))]
    a_slices, b_slices = min(ways, key=lambda way: len(way[0]) * len(way[1]))
    pairs = [(i, j) for i in range(len(a_slices)) for j in range(len(b_slices))]
    return [Part(a_slices[i], b_slices[j],
                 min(a_slices[i].format.bits, b_slices[j].format.bits) >= LEAST_BITS)
            for i, j in sorted(pairs, key=lambda pair: (abs(pair[0] - pair[1]), pair))]


def _cut(fmt: Fixed, port_bits: int, less: int) -> list[Slice]:
    """Slices for a port of so many signed bits, ``less`` where unsigned; the lowest are full."""
    found, start, step = [], 0, port_bits - less
    while fmt.bits - start > (port_bits if fmt.is_signed else step):
        found.append(Slice(start, Fixed(step, 0, False)))
        start += step
    return [*found, Slice(start, Fixed(fmt.bits - start, 0, fmt.is_signed))]
