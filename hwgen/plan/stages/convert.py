"""Lane conversion: the same elements in beats of another size."""

from dataclasses import dataclass
from math import lcm

from ..target import Cells, Target

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

    def schedule(self, arrivals: list[int]) -> list[int]:
        """Cycle of each output beat, given the cycles of the input beats (see Stage.schedule)."""
        gathered = arrivals
        if self.gather > 1:
            last = range(self.gather - 1, len(arrivals), self.gather)
            gathered = [arrivals[k] + 1 for k in last]
        if self.split == 1:
            return gathered
        departures, free = [], -1
        for cycle in gathered:
            start = max(cycle + 1, free)
            departures += range(start, start + self.split)
            free = start + self.split
        return departures
