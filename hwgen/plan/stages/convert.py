"""Lane conversion: the same elements in beats of another size."""

from dataclasses import dataclass
from math import lcm

from ..target import Cells, Target
from .base import Flow

__all__ = ["Conversion"]


@dataclass(frozen=True)
class Conversion:
    """From ``lanes_in`` to ``lanes_out`` elements a beat, by way of their common multiple.

    Where one divides the other there is one step; else the beats are first gathered to
    ``lcm(lanes_in, lanes_out)`` and then split. One register a step, full rate.
    """

    lanes_in: int
    lanes_out: int

    @property
    def lanes_middle(self) -> int:
        return lcm(self.lanes_in, self.lanes_out)

    @property
    def is_wire(self) -> bool:
        """Whether nothing changes."""
        return self.lanes_in == self.lanes_out

    @property
    def gather(self) -> int:
        """Input beats in one middle beat."""
        return self.lanes_middle // self.lanes_in

    @property
    def split(self) -> int:
        """Output beats from one middle beat."""
        return self.lanes_middle // self.lanes_out

    @property
    def interval_cycles(self) -> int:
        """Cycles of a middle beat."""
        return max(self.gather, self.split)

    def estimate(self, target: Target, bits: int) -> Cells:
        """Registers of each step, and what loads or shifts those of a split; ``bits`` an element.

        An iCE40's logic cells are those of the registers, which loading and shifting shares.
        """
        wide, narrow, lut, ff = self.lanes_middle * bits, self.lanes_out * bits, 0, 0
        if self.gather > 1:
            lut, ff = lut + 6, ff + wide + (self.gather - 1).bit_length() + 2
        if self.split > 1:
            lut, ff = lut + 8 + wide - narrow, ff + wide + self.split.bit_length() + 1
        if target.family == "ice40":
            lut = ff + 4 * (self.gather > 1) + 8 * (self.split > 1)
        return Cells(lut=lut, ff=ff)

    def flow(self, arrivals: list[int]) -> Flow:
        """When beats are taken and leave; see :meth:`Stage.flow`."""
        if self.split == 1:
            last = range(self.gather - 1, len(arrivals), self.gather)
            return Flow.at_once(arrivals, [arrivals[k] + (self.gather > 1) for k in last])
        taken, departures, begun = [], [], -self.split      # when the last beat began to be split
        for first in range(0, len(arrivals), self.gather):
            free = begun + self.split
            place = free if self.gather == 1 else begun
            for cycle in arrivals[first:first + self.gather]:
                taken.append(max(cycle, place))
                place = taken[-1] + 1
            begun = max(taken[-1] + (self.gather > 1), free)
            departures += range(begun + 1, begun + 1 + self.split)
        return Flow.at_once(taken, departures)

    def schedule(self, arrivals: list[int]) -> list[int]:
        """Cycle at which each output beat leaves; see :meth:`flow`."""
        return self.flow(arrivals).departures
