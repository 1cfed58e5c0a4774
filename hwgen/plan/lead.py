"""How far one branch runs ahead of another, counted in beats: what no stall can change."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from .links import Link, into
from .stages import Stage
from .timetable import conversion_of

__all__ = ["leads_of"]


def leads_of(stages: Sequence[Stage], links: Sequence[Link]) -> Mapping[Link, tuple[int, int]]:
    """Beats that a queue must hold in front of each stage of several inputs.

    For each link into one: beats as they are sent, if the queue is in front of the conversion, and
    converted beats, if it is behind it. A frame is walked through beat by beat, without time: a
    beat is sent only when everything that the beats before it allow has been done. So a stage holds
    nothing that it could have sent, and takes a beat only when all that it sent is in a place.
    """
    return _Walk(stages, links).leads


class _Walk:
    """One frame; ``sent`` and ``taken`` count the beats of each stage."""

    def __init__(self, stages, links):
        self._stages, self._links = stages, links
        self._into = [into(links, number) for number in range(len(stages))]
        self._out_of = defaultdict(list)
        for link in reversed(links):        # the nearest way to a join comes first
            self._out_of[link.source].append(link)
        self._allowed = [_outputs_by_inputs(stage) for stage in stages]
        self._conversions = {link: conversion_of(stages, link) for link in links}
        self._sent, self._taken = Counter(), Counter()
        self.leads = {link: (0, 0) for reads in self._into if len(reads) > 1 for link in reads}
        for _ in range(stages[0].in_edge.size // stages[0].in_lanes):
            self._send(None)
        left = {stage.name for number, stage in enumerate(stages)
                if self._sent[number] * stage.out_lanes != stage.out_edge.size}
        if left:
            raise RuntimeError(f"stages {sorted(left)} must send a whole frame for a whole frame")

    def _send(self, source):
        self._sent[source] += 1
        for link in self._out_of[source]:
            self._note(link, held=1)
            self._move(link.reader)

    def _move(self, number):
        """All that stage ``number`` can do with the beats that have come."""
        while all(self._come(link) > self._taken[number] for link in self._into[number]):
            self._taken[number] += 1
            for link in self._out_of[number]:
                self._note(link, held=0)
            before, now = self._allowed[number][self._taken[number] - 1:][:2]
            for _ in range(now - before):
                self._send(number)

    def _come(self, link, held=0):
        """Beats behind the conversion, of those sent but the last ``held``."""
        conversion = self._conversions[link]
        return (self._sent[link.source] - held) // conversion.gather * conversion.split

    def _note(self, link, held):
        """What waits; the last ``held`` beats wait with the sender."""
        if link in self.leads:
            conversion, taken = self._conversions[link], self._taken[link.reader]
            gone = taken * conversion.lanes_out // conversion.lanes_in
            waiting = self._sent[link.source] - held - gone, self._come(link, held) - taken
            self.leads[link] = tuple(map(max, self.leads[link], waiting))


def _outputs_by_inputs(stage: Stage) -> list[int]:
    """How many beats leave when 0, 1, 2 ... beats of a frame have come, and no more."""
    beats, inputs = stage.in_edge.size // stage.in_lanes, len(stage.in_edges)
    whole = 1 + stage.schedule(*[list(range(beats))] * inputs)[-1]
    times = [beat * whole for beat in range(beats + 1)]
    departures = stage.schedule(*[times[:-1]] * inputs)
    return np.searchsorted(departures, times).tolist()
