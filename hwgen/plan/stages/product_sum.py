"""Cells of the tree that adds up a product's terms, without what multiplier blocks take in."""

from collections import Counter
from itertools import zip_longest
from typing import NamedTuple

from .block_adders import Room
from .weighed_sum import Addend, halved

__all__ = ["sum_cells"]


def sum_cells(terms, register_after, unused_bits, adds_logic, rooms) -> Counter:
    """``slices``, ``ff`` and ``lone`` of the sum of ``terms``, outside of blocks.

    Parameters
    ----------
    terms : list of Addend
    register_after : list of bool    whether a register follows each level of adders
    unused_bits : int                of the sum the lowest ones, which are not looked at
    adds_logic : bool                whether LUTs stand in front of the first adders
    rooms : list of Room             of the terms, whose blocks take adders in; none of none
    """
    found, levels = Counter(), [list(terms)]
    for _ in register_after:
        levels.append(halved(levels[-1], Addend.with_other))
    # Bits that are not looked at need no register where they go past all adders that follow.
    unused = [unused_bits]
    for above in reversed(levels[1:-1]):
        unused.append(min(unused[-1], above[0].passes(above[1]) if len(above) > 1 else 0))
    sums = [_Sum(term, room, term.bits * (room is Room.NONE))
            for term, room in zip_longest(terms, rooms, fillvalue=Room.NONE)]
    for level, (is_due, less) in enumerate(
            zip(register_after, reversed(unused[:len(register_after)]), strict=True)):
        adders = sum(halved(sums, _adder_outside)[:len(sums) // 2])
        found["slices"] += adders
        sums = halved(sums, _Sum.with_other)
        if is_due:
            outside = [each.outside for each in sums]
            bits = max(not rooms, sum(outside) - min(less, outside[0]))
            is_fed = adds_logic and not level
            found.update(ff=bits, lone=0 if is_fed else max(0, bits - adders))
            sums = [_Sum(each.addend, Room.NONE, each.addend.bits) for each in sums]
    return found


class _Sum(NamedTuple):
    """A term: what the block that it comes out of can take in; bits that would need a register."""

    addend: Addend
    room: Room
    outside: int

    def with_other(self, other):
        """Their sum, of which low bits go past the adder."""
        total = self.addend.with_other(other.addend)
        if _adder_bits(self.addend, other.addend) == 0:
            return _Sum(total, Room.NONE, self.outside + other.outside)
        if not self._is_inside(other):
            return _Sum(total, Room.NONE, total.bits)
        past = self.addend.passes(other.addend)
        return _Sum(total, Room.NONE if past else Room.REGISTER, past)

    def _is_inside(self, other):
        """Whether a block adds: the lowest bit of its product must be the adder's."""
        low, high = sorted((self, other), key=lambda each: each.addend.shift)
        return Room.ADDER in ((high.room, low.room) if low.addend.shift == high.addend.shift
                              else (high.room,))


def _adder_outside(first: _Sum, second: _Sum) -> int:
    """Bits of an adder that no block takes in."""
    return 0 if first._is_inside(second) else _adder_bits(first.addend, second.addend)


def _adder_bits(first: Addend, second: Addend) -> int:
    """None where no bit is in both, as the parts of a product that meet nowhere."""
    low, high = sorted((first, second), key=lambda addend: addend.shift)
    if not (low.is_signed or low.negative or high.negative) and (
            low.bits <= high.shift - low.shift):
        return 0
    return first.adder_bits(second)
