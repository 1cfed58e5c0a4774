"""The class: scores pass through, and the indices of the largest follow them."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Argmax, Edge
from ...numeric import Fixed
from ..target import Cells
from .base import Flow, Stage, require_fixed_point

__all__ = ["ArgmaxStage"]

LONE_SHARE = 0.8
"""Registers on an iCE40 that no LUT shares a logic cell with."""


@dataclass(frozen=True, eq=False)
class ArgmaxStage(Stage):
    """One score a cycle passes through; the k best classes follow, the best first, one a beat.

    So an output frame has ``n + k`` elements of one format that holds scores and classes, and
    takes as many cycles.
    """

    core: ClassVar[str] = "argmax"
    argmax: Argmax
    x: Edge

    def __post_init__(self):
        require_fixed_point(f"argmax core '{self.argmax.name}'", self.x)

    @property
    def nodes(self):
        return (self.argmax,)

    @property
    def in_edge(self):
        return self.x

    @property
    def k(self) -> int:
        """Classes in a frame."""
        return self.argmax.k

    @property
    def class_edge(self) -> Edge:
        """The classes alone, as the network defines them."""
        return self.argmax.infer(self.x)

    @property
    def out_edge(self):
        lo, hi = min(self.x.lo, 0), max(self.x.hi, self.class_edge.hi)
        return Edge((self.x.size + self.k,), Fixed.covering(lo, hi), lo, hi)

    @property
    def in_lanes(self):
        return 1

    @property
    def out_lanes(self):
        return 1

    @property
    def interval_cycles(self):
        return self.x.size + self.k

    def flow(self, arrivals):
        taken, departures, free = [], [], 0
        for first in range(0, len(arrivals), self.x.size):
            for cycle in arrivals[first:first + self.x.size]:
                taken.append(max(cycle, free))
                free = taken[-1] + 1
            departures += [cycle + 1 for cycle in taken[first:]]
            departures += range(free + 1, free + 1 + self.k)
            free += self.k
        return Flow.at_once(taken, departures)

    def estimate(self, target):
        """A comparison for each place of the list, what moves all but the first one, registers."""
        bits, index_bits = self.x.format.bits, self.x.size.bit_length()
        moved = (self.k - 1) * (bits + index_bits)
        ff = (self.out_edge.format.bits + 4 + self.k.bit_length() + index_bits
              + self.k * (bits + index_bits))
        lut = 33 + self.k * bits + moved
        if target.family == "ice40":    # and flip-flops that find no LUT
            lut += moved + LONE_SHARE * (ff - moved)
        elif target.fabric.lut_inputs < 6:
            lut += 8 + 2 * moved
        return Cells(lut=round(lut), ff=ff)
