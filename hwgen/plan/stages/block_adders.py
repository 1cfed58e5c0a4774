"""Adders and registers behind products that a multiplier block takes in.

On Xilinx 7 ``synth_xilinx`` (its ``xilinx_dsp``) gives a block what reads its product alone: one
adder whose lowest bit is the product's, then a register of the product or of that sum.
"""

from collections import Counter
from enum import Enum
from typing import NamedTuple

from .product_blocks import asked_blocks
from .weighed_sum import halved

__all__ = ["Room", "Term", "in_one_block", "level_parts"]


class Room(Enum):
    """What the block that a value comes out of can still take in."""

    NONE, REGISTER, ADDER = range(3)


class Term(NamedTuple):
    """A value of so many bits."""

    bits: int
    room: Room = Room.NONE

    @property
    def outside(self) -> int:
        """Bits of its adder or register, unless a block takes that in."""
        return self.bits * (self.room is Room.NONE)

    def with_other(self, other: "Term") -> "Term":
        """The sum: a block with room for an adder, if there is one, has it for a register then."""
        room = Room.REGISTER if Room.ADDER in (self.room, other.room) else Room.NONE
        return Term(max(self.bits, other.bits) + 1, room)


def in_one_block(a, b, target) -> bool:
    """Whether a block asked for ``a * b`` makes all of it, and takes in what follows."""
    return target.fabric.blocks_add and asked_blocks(a, b, target) == 1


def level_parts(terms: list[Term], is_due: bool) -> tuple[Counter, list[Term]]:
    """Of a level of adders ``wide_add`` and ``ff`` outside blocks, and its sums.

    Neighbours are added, an odd one goes on as it is; ``is_due``: into registers.
    """
    sums = halved(terms, Term.with_other)
    parts = Counter(wide_add=sum(each.outside for each in sums[:len(terms) // 2]))
    if is_due:
        parts["ff"] = sum(each.outside for each in sums)
        sums = [Term(each.bits) for each in sums]
    return parts, sums
