"""What joins two stages: a conversion of lanes, and queues deep enough that neither waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..ir import Edge
from .lead import leads_of
from .links import Link, chain_of, into
from .stages import Conversion, Stage
from .stages.unit_cells import queue_cells
from .target import Cells, Target
from .timetable import SHALLOWEST, Passage, Timetable, conversion_of

__all__ = ["Joint", "joints_of"]

MOST_FRAMES = 512
"""Frames within which stages must fall into step; a few do in all designs so far."""

QUEUE_REGISTERS = 2
"""Cycles that a beat takes through an empty queue."""


@dataclass(frozen=True)
class Joint:
    """A queue, a lane conversion, and a queue of converted beats.

    Parameters
    ----------
    conversion : Conversion
    before, behind : int    beats that may wait in front of the conversion and behind it; 0 is none
    """

    conversion: Conversion
    before: int = 0
    behind: int = 0

    @property
    def is_wire(self) -> bool:
        """Whether nothing stands between the stages."""
        return self.conversion.is_wire and not (self.before or self.behind)

    def schedule(self, arrivals: list[int]) -> list[int]:
        """Cycle at which each beat leaves, if what follows takes it at once; see Stage.flow."""
        if self.before:
            arrivals = [cycle + QUEUE_REGISTERS for cycle in arrivals]
        times = self.conversion.schedule(arrivals)
        return [cycle + QUEUE_REGISTERS for cycle in times] if self.behind else times

    def holds(self, offered: list[int], taken: list[int]) -> bool:
        """Whether a beat offered in each of these cycles finds a place at once.

        ``taken`` are the cycles in which what follows takes the converted beats, none before
        :meth:`schedule` has it.
        """
        if self.before:
            offered = [cycle + QUEUE_REGISTERS for cycle in offered]
        if not self.behind:
            before, behind = Passage(self.conversion, offered, taken, taken).queues
        else:
            taken = [cycle - QUEUE_REGISTERS for cycle in taken]
            before, behind = Passage(self.conversion, offered, taken, taken).queues_behind
        return before <= self.before and behind <= self.behind

    def estimate(self, target: Target, edge: Edge) -> Cells:
        """Cells of queues and conversion for elements of ``edge``."""
        cells, bits = self.conversion.estimate(target, edge.format.bits), edge.format.bits
        for depth, lanes in ((self.before, self.conversion.lanes_in),
                             (self.behind, self.conversion.lanes_out)):
            cells += queue_cells(target, depth, lanes * bits + 1)
        return cells


def joints_of(stages: Sequence[Stage], links: Sequence[Link] | None = None) -> tuple[Joint, ...]:
    """The joint on each link, such that frames follow each other every ``T`` cycles.

    ``T`` is the interval of the slowest stage. Let frames come every ``T`` cycles, their beats
    evenly, and let every beat find a place: then each stage keeps up, as none is slower, and as
    many beats wait between two stages as one of them sends ahead of the other. Queues of that depth
    are never full, so they change nothing, and beats that come earlier than that only make other
    beats earlier (or as early): stages send in order and wait for nothing but beats and places, a
    fork for places with all that read it, a stage of several inputs for a beat of each.
    So with these queues a frame leaves at least every ``T`` cycles however fast they come. Windows
    leave late, as long as nothing behind them leaves later for it, where fewer bits wait then.
    A unit that takes the next frame's first pixels ahead may be late once for having been early;
    docs/decisions/0019.

    Where branches join, a queue also holds what one of them sends ahead of the other by number
    (:func:`~hwgen.plan.lead.leads_of`), so that nothing waits for ever whatever stalls it, and what
    it sends ahead in a lone frame whose beats come one a cycle, so that this is not held up.

    Raises
    ------
    RuntimeError    If stages do not fall into step, so one is slower than it says.
    """
    links = chain_of(stages) if links is None else links
    frames = 4
    while not (times := Timetable(stages, frames, links)).in_step:
        if frames > MOST_FRAMES + times.frames_waiting:
            raise RuntimeError(f"stages {[stage.name for stage in stages]} must fall into step"
                               f" within {MOST_FRAMES} frames of {times.interval_cycles} cycles")
        frames *= 2
    queues = _queues_of(stages, links, times.passages)
    if len(links) > len(stages):
        lone = Timetable(stages, 1, links, pace=1).passages
        longest = _longest_way(stages, links, lone)
        lone |= {link: _as_taken(link, lone, queues, longest) for link in lone}
        deeper = _queues_of(stages, links, lone)
        queues |= {link: _at_least(queues[link], deeper[link], conversion_of(stages, link))
                   for link in set(links) - longest if _branches(link, links)}
    return tuple(Joint(conversion_of(stages, link), *queues[link]) for link in links)


def _queues_of(stages, links, passages) -> dict[Link, tuple[int, int]]:
    """The queues of each link, in front of its conversion and behind it."""
    queues, late = {}, {None: 0}
    leads = leads_of(stages, links) if len(links) > len(stages) else {}
    for number in range(len(stages)):
        reads = into(links, number)
        queues |= {link: passages[link].queues if link in passages else (0, 0) for link in reads}
        queues |= {link: _with_lead(queues[link], leads[link]) for link in reads if link in leads}
        late[number] = _settle(reads, queues, late, passages)
    return queues


def _branches(link, links) -> bool:
    """Whether it leaves a fork or comes into a join."""
    return len(into(links, link.reader)) > 1 or sum(
        other.source == link.source for other in links) > 1


def _longest_way(stages, links, passages) -> set[Link]:
    """The links by which a lone frame's first output beat comes: the last ones into each join."""
    way, number = set(), len(stages) - 1
    while number is not None:
        link = max(into(links, number), key=lambda link: 0 if link not in passages else
                   passages[link].conversion.schedule(passages[link].offered)[0])
        way.add(link)
        number = link.source
    return way


def _as_taken(link, passages, queues, longest):
    """The passage, if a beat is offered only when the longest way has taken the one before.

    That one has a queue; what it holds up comes later, but not too late for it.
    """
    passage = passages[link]
    offered = np.array(passage.offered)
    for other in longest & set(passages):
        if other.source == link.source and other != link and passages[other].held:
            places = queues[other][0] + 1
            offered[places:] = np.maximum(offered[places:],
                                          np.array(passages[other].held)[:-places] + 1)
    return replace(passage, offered=offered.tolist())


def _at_least(queues, deeper, conversion):
    """Queues of one link that hold what ``deeper`` ones do, on the same side of the conversion."""
    (before, behind), (more, converted) = queues, deeper
    if behind:
        return before, max(behind, converted - (-more * conversion.split // conversion.gather))
    if before:
        return max(before, more - (-converted * conversion.gather // conversion.split)), 0
    return deeper


def _with_lead(queues, lead):
    """Queues of one link that hold its lead."""
    before, behind = queues
    if behind:
        return before, max(behind, lead[1])
    return max(before, lead[0], SHALLOWEST) if before or lead[0] > 0 else 0, 0


def _settle(reads, queues, late, passages) -> int:
    """Cycles by which the stage that ``reads`` is behind the timetable, for the queues' registers.

    Beats of an input that is less late than another wait so much longer.
    """
    while True:
        ready = {link: late[link.source] + QUEUE_REGISTERS * sum(map(bool, queues[link]))
                 for link in reads}
        last, changed = max(ready.values()), False
        for link in (link for link in reads if ready[link] < last):
            longer = last - ready[link]
            waits = replace(passages[link], needed=[t + longer for t in passages[link].needed],
                            taken=[t + longer for t in passages[link].taken]).queues
            deeper = tuple(map(max, queues[link], waits))
            changed |= deeper != queues[link]
            queues[link] = deeper
        if not changed:
            return last
