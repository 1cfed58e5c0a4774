"""The EIE engine's exact cycle model: of a frame of weights, and of vectors one after another.

It needs nothing but which activations are sent, and how many entries columns have.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["COPIES", "DRAIN_CYCLES", "FLUSH_CYCLES", "HIT_CYCLES", "READ_SUM_CYCLES",
           "SETTLE_CYCLES", "EieTiming"]

HIT_CYCLES = 7
"""From an activation's broadcast to its column at the queues: the activation, its column, pointers'
addresses, two registers of their memories, start and count, whether they can be."""

FETCH_CYCLES = 5
"""From a layer's begin to the first of its beats that can be broadcast: the address, two registers
of the memory, which are sent, the beat; with ``delta`` one more, the differences."""

SETTLE_CYCLES = 3
"""From the last entry at a walker until accumulators are asked for, less two that it takes to see
it: the row that is asked for comes to the memory two cycles behind the last one added to."""

READ_SUM_CYCLES = 4
"""From a row that is asked for to its sums: at the element, its address, two registers of them."""

DRAIN_CYCLES = READ_SUM_CYCLES + 6
"""From a row that is asked for to the beat that is made of it: its sums, the group, the bias, the
shift in two, what it is beyond, the clip."""

FLUSH_CYCLES = 10
"""From a layer's last beat until the next layer can read it."""

COPIES = 8
"""Most registers in a row that pass on a layer's shift and bounds, each beside its own lanes: fewer
than the cycles from a layer's begin to its first beat."""

OUT_CYCLES = 2
"""From a beat of results to the edge: the queue, the edge's register."""

HEADER_CYCLES = 6
"""Of a block: two words of header, three cycles to check them, and the first word of numbers."""


@dataclass(frozen=True, eq=False)
class EieTiming:
    """When results leave an engine that nothing stalls from outside.

    Parameters
    ----------
    spec : EieSpec
    counts : sequence of int64 (pe, n_in)   entries of each element in each column, of each layer
    outs : sequence of int                  outputs of each layer
    """

    spec: object
    counts: tuple
    outs: tuple

    def load_cycles(self, steps) -> int:
        """Cycles from the first word of a frame of weights until vectors are let in.

        ``steps`` says of each block the cycles that its numbers take: one each, or where they are
        coded one a bit and one a word.
        """
        return 4 + sum(HEADER_CYCLES + count for count in steps) + (1 << self.spec.sweep_bits)

    def ends(self, sent, steps=None) -> list[int]:
        """The cycle of each vector's last result.

        From the first beat of weights, cycle 0, where their ``steps`` are given; all vectors wait
        by then. Else from that of the first vector.

        Parameters
        ----------
        sent : sequence of bool (n, n_in)     for each layer which activations are sent; with those
                                              that fill its last beat up, if one of them is
        steps : sequence of int, optional     of the frame of weights in front of the vectors
        """
        beats = -(-self.counts[0].shape[1] // self.spec.lanes)
        starts = beats + (1 if steps is None else self.load_cycles(steps))
        ends = []
        for vector in range(len(sent[0])):
            begins = starts + 2
            for number, counts in enumerate(self.counts):
                outs = -(-self.outs[number] // self.spec.lanes)
                last = begins + self.layer_cycles(sent[number][vector], counts) + outs - 1
                if number == len(self.counts) - 1:
                    # Its input is let in while the last layer runs.
                    starts = max(last + FLUSH_CYCLES + 1, begins + 1 + beats)
                begins = last + FLUSH_CYCLES + 2
            ends.append(last + DRAIN_CYCLES + OUT_CYCLES)
        return ends

    def cycles(self, sent, steps=None) -> int:
        """Cycles of all vectors, first and last beat counted; see :meth:`ends`."""
        return self.ends(sent, steps)[-1] + 1

    def layer_cycles(self, sent, counts) -> int:
        """Cycles from the begin of a layer until its first accumulators are asked for."""
        walk = _Walk(self.spec, counts)
        lanes, first = self.spec.lanes, FETCH_CYCLES + self.spec.delta
        padded = np.pad(sent, (0, -len(sent) % lanes)).reshape(-1, lanes)
        hits = [np.flatnonzero(beat) + number * lanes for number, beat in enumerate(padded)]
        walk.until(first)
        for columns in hits:
            for column in columns.tolist():
                walk.hit(column)
            if not len(columns):
                walk.step()
        seen = walk.now - (1 if not len(hits[-1]) else 0)
        return walk.finish(seen) + 1 + SETTLE_CYCLES


class _Walk:
    """Queues and walkers, cycle by cycle."""

    def __init__(self, spec, counts):
        self._depth, self._columns = spec.queue_depth, np.ascontiguousarray(counts.T)
        pe = counts.shape[0]
        self._put = {}                              # cycle -> counts that come to the queues
        self._level, self._left = np.zeros(pe, np.int64), np.zeros(pe, np.int64)
        self._room, self.now = True, 0
        self._quiet = 0                             # nothing is under way from this cycle on
        self._queued = np.zeros((pe, spec.queue_rows), np.int64)
        self._head, self._tail = np.zeros(pe, np.int64), np.zeros(pe, np.int64)
        self._all = np.arange(pe)

    def until(self, cycle: int) -> None:
        while self.now < cycle:
            self.step()

    def hit(self, column: int) -> None:
        """Broadcast a column as soon as there is room, and go on to the next cycle."""
        while not self._room:
            self.step()
        self._put[self.now + HIT_CYCLES] = self._columns[column] if column < len(
            self._columns) else None
        self.step()

    def step(self) -> None:
        """One cycle."""
        if self._is_busy:
            self._quiet = self.now + 1
        room = not (self._level >= self._depth).any()
        takes = (self._level > 0) & (self._left <= 1)
        self._left = np.maximum(self._left - 1, 0)
        if takes.any():
            chosen = np.flatnonzero(takes)
            self._left[chosen] = self._queued[chosen, self._head[chosen]]
            self._head[chosen] = (self._head[chosen] + 1) % self._queued.shape[1]
            self._level[chosen] -= 1
        counts = self._put.pop(self.now, None)
        if counts is not None:
            chosen = np.flatnonzero(counts)
            self._queued[chosen, self._tail[chosen]] = counts[chosen]
            self._tail[chosen] = (self._tail[chosen] + 1) % self._queued.shape[1]
            self._level[chosen] += 1
        self._room = room
        self.now += 1

    def finish(self, seen: int) -> int:
        """The cycle after the last one in which something is under way; ``seen`` at least."""
        while self._is_busy:
            self.step()
        return max(seen, self._quiet)

    @property
    def _is_busy(self) -> bool:
        """Whether something is on its way to a queue, in one, or at a walker."""
        return bool(self._put) or self._level.any() or self._left.any()
