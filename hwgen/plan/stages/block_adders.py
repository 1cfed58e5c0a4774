"""Adders and registers behind products that a multiplier block takes in.

On Xilinx 7 ``synth_xilinx`` (its ``xilinx_dsp``) gives a block what reads its product alone: one
adder whose lowest bit is the product's, then a register of the product or of that sum.
"""

from collections import Counter
from enum import IntEnum
from typing import NamedTuple

from .product_blocks import asked_blocks

__all__ = ["Room", "Term", "in_one_block", "level_parts", "room_of_sum"]


class Room(IntEnum):
    """What the block that a value comes out of can still take in."""

    NONE, REGISTER, ADDER = range(3)


class Term(NamedTuple):
    """A value of so many bits."""

    bits: int
    room: Room = Room.NONE


def in_one_block(a, b, target) -> bool:
    """Whether a block asked for ``a * b`` makes all of it, and takes in what follows."""
    return target.fabric.blocks_add and asked_blocks(a, b, target) == 1


def room_of_sum(first: Room, second: Room) -> Room:
    """One block, if there is one with room, takes the adder: that leaves room for a register."""
    return Room.REGISTER if Room.ADDER in (first, second) else Room.NONE


def level_parts(terms: list[Term], is_due: bool) -> tuple[Counter, list[Term]]:
    """Of a level of adders ``wide_add`` and ``ff`` outside blocks, and its sums.

    Neighbours are added, an odd one goes on as it is; ``is_due``: into registers.
    """
    parts, sums = Counter(), []
    for first, second in zip(terms[::2], terms[1::2], strict=False):
        bits, room = max(first.bits, second.bits) + 1, room_of_sum(first.room, second.room)
        parts["wide_add"] += bits * (room is Room.NONE)
        sums.append(Term(bits, room))
    sums += terms[len(terms) & ~1:]
    if is_due:
        parts["ff"] += sum(term.bits for term in sums if term.room is Room.NONE)
        sums = [Term(term.bits) for term in sums]
    return parts, sums
