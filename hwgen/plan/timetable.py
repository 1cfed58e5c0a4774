"""When every beat of a pipeline moves if frames come steadily, and how many wait meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .stages import Conversion, Stage, WindowStage

__all__ = ["Passage", "Timetable"]

SHALLOWEST = 3
"""Depth of a queue with which it takes and gives one beat a cycle."""

SLACK = 4
"""Cycles by which a queue is deeper than one without registers in it would be: its own two, and two
in which a unit that had stopped goes on."""

AHEAD = (0, 1 / 64, 1 / 16, 1 / 4)
"""Parts of the interval by which windows may be early, tried one after another."""


@dataclass(frozen=True)
class Passage:
    """What passes between two stages.

    Parameters
    ----------
    conversion : Conversion
    offered : list of int       cycles at which beats leave the stage in front
    taken : list of int         cycles at which beats enter the stage behind
    """

    conversion: Conversion
    offered: list[int]
    taken: list[int]

    @property
    def converted(self) -> list[int]:
        """Cycles at which the conversion takes the beats."""
        return self._held or self.conversion.flow(self.offered)[0]

    @property
    def _held(self):
        """The same if nothing stands between it and the stage behind; None if that is too late."""
        if self.conversion.is_wire:
            return self.taken
        taken, end, begun = [], 0, 0
        gather, split = self.conversion.gather, self.conversion.split
        for first in range(0, len(self.offered), gather):
            place = end if gather == 1 else begun
            for cycle in self.offered[first:first + gather]:
                taken.append(max(cycle, place))
                place = taken[-1] + 1
            parts = self.taken[first // gather * split:first // gather * split + split]
            begun = max(taken[-1] + (gather > 1), end) if split > 1 else parts[0]
            if begun + (split > 1) > parts[0] or taken[-1] + (gather > 1) > begun:
                return None
            end = parts[-1]
        return taken

    @property
    def queues(self) -> tuple[int, int]:
        """Beats that must find a place in front of the conversion, and behind it."""
        if self._held:
            return _waiting(self.offered, self.converted), 0
        converted, leaving = self.conversion.flow(self.offered)
        return _waiting(self.offered, converted), _waiting(leaving, self.taken)

    def bits(self, element_bits: int) -> int:
        """Bits of these."""
        before, behind = self.queues
        lanes = before * self.conversion.lanes_in + behind * self.conversion.lanes_out
        return lanes * element_bits


class Timetable:
    """Cycles of every beat where nothing waits for a place and frames come every ``interval``.

    Parameters
    ----------
    stages : sequence of Stage
    frames : int

    Members
    -------
    passages : list of Passage  in front of each stage but the first
    in_step : bool      whether in the last frame everything is ``interval_cycles`` after the same
                        in the frame before
    """

    def __init__(self, stages: Sequence[Stage], frames: int):
        self._stages, self._frames = stages, frames
        self.interval_cycles = max(stage.interval_cycles for stage in stages)
        beats = stages[0].in_edge.size // stages[0].in_lanes
        arrivals = [frame * self.interval_cycles + beat * self.interval_cycles // beats
                    for frame in range(frames) for beat in range(beats)]
        _, offered = stages[0].flow(arrivals)
        self.passages = []
        for before, stage in zip(stages, stages[1:], strict=False):
            conversion = Conversion(before.out_lanes, stage.in_lanes)
            taken, following = stage.flow(conversion.schedule(offered))
            self.passages.append(Passage(conversion, offered, taken))
            offered = following
        for number, stage in reversed(list(enumerate(stages[1:-1], 1))):
            if isinstance(stage, WindowStage):
                self._delay(number, stage)
        self.in_step = all(self._steady(cycles) for passage in self.passages
                           for cycles in (passage.offered, passage.taken))

    def _delay(self, number, stage):
        """Let windows leave later, so that the beats that wait take fewest bits."""
        before, behind = self.passages[number - 1:number + 1]
        arrivals, latest = before.conversion.schedule(before.offered), behind.converted
        bits = stage.x.format.bits
        least = before.bits(bits) + behind.bits(bits)
        for part in AHEAD:
            gates = [cycle - int(part * self.interval_cycles) for cycle in latest]
            taken, offered = stage.flow(arrivals, gates)
            if any(a > b for a, b in zip(offered, latest, strict=True)):
                continue
            pair = (Passage(before.conversion, before.offered, taken),
                    Passage(behind.conversion, offered, behind.taken))
            needed = sum(passage.bits(bits) for passage in pair)
            if needed < least:
                least, self.passages[number - 1:number + 1] = needed, pair

    def _steady(self, cycles):
        *_, before, last = np.asarray(cycles).reshape(self._frames, -1)
        return bool((last - before == self.interval_cycles).all())


def _waiting(offered: list[int], taken: list[int]) -> int:
    """Beats that wait at most, offered and taken in these cycles: depth of the queue, or 0."""
    offered, taken = np.asarray(offered), np.asarray(taken)
    if (offered == taken).all():
        return 0
    come = np.searchsorted(offered, taken + SLACK, side="right")
    return max(SHALLOWEST, int((come - np.arange(len(taken))).max()))
