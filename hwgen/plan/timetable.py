"""When every beat of a pipeline moves if frames come steadily, and how many wait meanwhile."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .links import Link, chain_of, into
from .stages import Conversion, Stage, WindowStage

__all__ = ["SHALLOWEST", "Passage", "Timetable", "conversion_of"]

SHALLOWEST = 3
"""Depth of a queue with which it takes and gives one beat a cycle."""

SLACK = 4
"""Cycles by which a queue is deeper than one without registers in it would be: its own two, and two
in which a unit that had stopped goes on."""

AHEAD = (0, *(2.0**-k for k in range(8, 0, -1)))
"""Parts of the interval by which windows may be early, tried one after another."""


@dataclass(frozen=True)
class Passage:
    """What passes between two stages.

    Parameters
    ----------
    conversion : Conversion
    offered : list of int       cycles at which beats leave the stage in front
    taken : list of int         cycles at which the stage behind has a place for a beat
    needed : list of int        cycles at which it needs them
    """

    conversion: Conversion
    offered: list[int]
    taken: list[int]
    needed: list[int]

    @cached_property
    def held(self) -> list[int] | None:
        """Cycles at which the conversion takes the beats if it waits with them itself.

        None if beats would come too late: one that it has been given blocks those that follow.
        """
        if self.conversion.is_wire:
            times = np.maximum(self.offered, self.taken)
            return times.tolist() if (times <= self.needed).all() else None
        gather, split = self.conversion.gather, self.conversion.split
        times, end, begun = [], 0, 0        # end: the splitter is free; begun: the gatherer is
        for first in range(0, len(self.offered), gather):
            place = end if gather == 1 else begun
            for cycle in self.offered[first:first + gather]:
                times.append(max(cycle, place))
                place = times[-1] + 1
            parts = range(first // gather * split, first // gather * split + split)
            whole = times[-1] + (gather > 1)
            begun = max(whole, end) if split > 1 else max(whole, self.taken[parts[0]])
            end = begun
            for part in parts:
                end = max(end + (split > 1), self.taken[part])
                if end > self.needed[part]:
                    return None
        return times

    @property
    def latest(self) -> list[int]:
        """Cycles at which the conversion must be given the beats."""
        gather, split = self.conversion.gather, self.conversion.split
        whole = np.array(self.needed[::split]) - (split > 1) - (gather > 1)
        steps = np.arange(len(self.offered))
        each = np.repeat(whole, gather) - (gather - 1 - steps % gather)
        return (np.minimum.accumulate((each - steps)[::-1])[::-1] + steps).tolist()

    @cached_property
    def queues(self) -> tuple[int, int]:
        """Beats that must find a place in front of the conversion, and behind it."""
        return (_waiting(self.offered, self.held), 0) if self.held else self.queues_behind

    @property
    def queues_behind(self) -> tuple[int, int]:
        """The same where beats wait behind the conversion, which takes them as they come."""
        converted = self.conversion.flow(self.offered)
        return (_waiting(self.offered, converted.taken),
                _waiting(converted.departures, self.taken))

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
    links : sequence of Link, optional      between them; by default each reads the one before it
    pace : number, optional     cycles between beats of a frame; by default they come evenly

    Members
    -------
    passages : dict of Link to Passage      each but that of the only stage that reads the input
    frames_waiting : int    under way in one branch while a beat waits in another, 0 without
    in_step : bool      whether in the last frame everything is ``interval_cycles`` after the same
                        in the frame before; where branches join, in as many last frames as wait
    """

    def __init__(self, stages: Sequence[Stage], frames: int, links: Sequence[Link] | None = None,
                 pace: float | None = None):
        self._stages, self._frames = stages, frames
        self._links = links = chain_of(stages) if links is None else links
        self.interval_cycles = max(stage.interval_cycles for stage in stages)
        beats, readers = stages[0].in_edge.size // stages[0].in_lanes, Counter(
            link.source for link in links)
        offered = {None: self._arrivals(pace or self.interval_cycles / beats)}
        self.passages = {}
        for number, stage in enumerate(stages):
            reads = into(links, number)
            conversions = [conversion_of(stages, link) for link in reads]
            flow = stage.flow(*(conversion.schedule(offered[link.source])
                                for link, conversion in zip(reads, conversions, strict=True)))
            self.passages |= {
                link: Passage(conversion, offered[link.source], flow.taken, flow.needed)
                for link, conversion in zip(reads, conversions, strict=True)
                if link.source is not None or readers[None] > 1}
            offered[number] = flow.departures
        for number, stage in reversed(list(enumerate(stages))):
            if isinstance(stage, WindowStage) and readers[number] == 1:
                self._delay(number, stage)
        self.frames_waiting = max((self._frames_waiting(link) for link in links
                                   if len(into(links, link.reader)) > 1), default=0)
        self.in_step = frames > 1 + self.frames_waiting and all(
            self._steady(cycles, 1 + self.frames_waiting) for passage in self.passages.values()
            for cycles in (passage.offered, passage.taken))

    def _arrivals(self, pace):
        """Cycles at which the beats of all frames come, one every ``pace`` within a frame."""
        beats = self._stages[0].in_edge.size // self._stages[0].in_lanes
        return [frame * self.interval_cycles + int(beat * pace)
                for frame in range(self._frames) for beat in range(beats)]

    def _delay(self, number, stage):
        """Let windows leave later, so that the beats that wait take fewest bits.

        What waits in front of the whole pipeline takes none.
        """
        around = [link for link in self.passages if number in (link.source, link.reader)]
        *before, behind = (self.passages[link] for link in around)
        arrivals = self._arrivals(1)
        for passage in before:
            arrivals = passage.conversion.schedule(passage.offered)
        latest, bits = behind.latest, stage.x.format.bits
        least = sum(passage.bits(bits) for passage in (*before, behind))
        for part in AHEAD:
            if least == 0:
                break
            gates = [cycle - int(part * self.interval_cycles) for cycle in latest]
            flow = stage.flow(arrivals, gates)
            if any(late > end for late, end in zip(flow.departures, latest, strict=True)):
                continue
            delayed = [replace(passage, taken=flow.taken, needed=flow.needed) for passage in before]
            delayed.append(replace(behind, offered=flow.departures))
            needed = sum(passage.bits(bits) for passage in delayed)
            if needed < least:
                least = needed
                self.passages |= dict(zip(around, delayed, strict=True))

    def _frames_waiting(self, link):
        """One more than come, at least in part, while a beat waits here."""
        passage = self.passages[link]
        longest = int((np.asarray(passage.taken[::passage.conversion.split])
                       - passage.offered[::passage.conversion.gather]).max())
        return 2 + (longest + SLACK) // self.interval_cycles

    def _steady(self, cycles, count):
        """Whether each of the last ``count`` frames is an interval after the one before it."""
        last = np.asarray(cycles).reshape(self._frames, -1)[-count - 1:]
        return bool((np.diff(last, axis=0) == self.interval_cycles).all())


def conversion_of(stages: Sequence[Stage], link: Link) -> Conversion:
    """From the beats of the stage that sends to those of the one that takes.

    Those of the pipeline's input are as the first stage takes them.
    """
    lanes = stages[0].in_lanes if link.source is None else stages[link.source].out_lanes
    return Conversion(lanes, stages[link.reader].in_lanes)


def _waiting(offered: list[int], taken: list[int]) -> int:
    """Beats that wait at most, offered and taken in these cycles: depth of the queue, or 0."""
    offered, taken = np.asarray(offered), np.maximum(offered, taken)
    if (offered == taken).all():
        return 0
    come = np.searchsorted(offered, taken + SLACK, side="right")
    return max(SHALLOWEST, int((come - np.arange(len(taken))).max()))
