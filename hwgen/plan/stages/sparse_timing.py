"""The sparse core's exact cycle model: when every output beat leaves, from the zeros of the input.

Every event of the core is the latest of a few earlier events plus a constant, so the model walks
through the activations once and keeps the pending events of the queues.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

__all__ = ["SparseTiming"]

CLOSE_TO_DRAIN = 3
"""Cycles from an element's last entry being addressed to the read of its first accumulator."""

DRAIN_TO_FIFO = 2
"""Cycles from that read to the value in a register: memory, register."""

LONG_AGO = -(1 << 60)


class _Elements:
    """The processing elements' queues: when each column leaves its queue, and frames end."""

    def __init__(self, elements: int, depth: int):
        self._depth = depth
        self._left = np.full((depth, elements), LONG_AGO)   # cycle at which a column left, rings
        self._put = np.zeros(elements, np.int64)            # columns put in so far, modulo depth
        self._free = np.full(elements, LONG_AGO)            # first cycle the next column may leave
        self._all = np.arange(elements)

    def room(self) -> int:
        """First cycle with room in every queue."""
        return int(self._left[self._put, self._all].max()) + 1

    def put(self, cycle: int, counts: np.ndarray, last: bool) -> None:
        """Queue a column with ``counts`` entries at ``cycle``; nothing where there are none."""
        chosen = self._all if last else np.flatnonzero(counts)
        leaves = np.maximum(cycle + 1, self._free[chosen])
        put = self._put[chosen]
        self._left[put, chosen] = leaves
        self._put[chosen] = (put + 1) % self._depth
        self._free[chosen] = leaves + np.maximum(1, counts[chosen])

    def end(self) -> int:
        """The cycle after the last entry so far."""
        return int(self._free.max())

    def wait(self, bank_free: int) -> None:
        """What follows starts at ``bank_free`` or later."""
        self._free = np.maximum(self._free, bank_free)


class _Group:
    """Elements that have the same columns, with what is in front of them."""

    def __init__(self, counts: np.ndarray, depth: int):
        self._columns = np.ascontiguousarray(counts.T)
        self._nothing = np.zeros_like(self._columns[0])
        self._popped = [LONG_AGO] * depth   # when hits left the FIFO behind the scanner
        self._depth = depth
        self._looked = self._pushed = LONG_AGO      # last look-up's end, last broadcast
        self.elements = _Elements(len(counts), depth)

    def take(self, now: int, hits: list, ends: bool) -> int:
        """The cycle in which a beat is taken that is there from ``now`` on."""
        popped, depth = self._popped, self._depth
        for number, column in enumerate(hits):
            now = max(now, popped[-depth] + 1)
            popped.append(max(now + 1, self._looked))
            self._looked = max(popped[-1] + 1, self._pushed)
            self._pushed = max(self._looked + 1, self.elements.room())
            self.elements.put(self._pushed,
                              self._nothing if column is None else self._columns[column],
                              ends and number == len(hits) - 1)
            now += 1
        return now - 1 if hits else max(now, popped[-depth] + 1)


@dataclass(frozen=True, eq=False)
class SparseTiming:
    """When beats leave a sparse core that nothing stalls from outside.

    It needs nothing but how many entries there are, so that it serves sizes too large to simulate:
    about 20 us for each activation that is not zero.

    Parameters
    ----------
    counts : int64 (pe, n_in)    entries of each element in each column
    beats : int                  in an output frame
    queue_depth : int
    simd : int                   columns in an input beat
    post_registers : int         registers between the accumulators and the output's queue
    product_registers : int      registers behind an element's products
    column_groups : int          groups of elements, one after another in ``counts``: column ``j``
                                 is of group ``j % column_groups``
    """

    counts: np.ndarray
    beats: int
    queue_depth: int
    simd: int = 1
    post_registers: int = 0
    product_registers: int = 0
    column_groups: int = 1

    @property
    def key(self) -> tuple:
        """Equal for equal models, small whatever the size of ``counts``."""
        counts = hashlib.sha256(np.ascontiguousarray(self.counts).tobytes()).hexdigest()
        return (counts, self.counts.shape, self.beats, self.queue_depth, self.simd,
                self.post_registers, self.product_registers, self.column_groups)

    @property
    def issue_to_output(self) -> int:
        """Cycles from the read of an accumulator row to its beat at the output."""
        fifo = 1
        return DRAIN_TO_FIFO + self.post_registers + fifo

    def departures(self, busy) -> np.ndarray:
        """Cycle in which each output beat leaves, int64 (frames, beats).

        One input beat comes a cycle from cycle 0; see :meth:`flow`.
        """
        return self.flow(busy, range(busy.size // self.simd))[1]

    def finishes(self, busy) -> np.ndarray:
        """Cycles in which the results of each frame are there, and may be read: int64 (frames,).

        One input beat comes a cycle from cycle 0; what reads the results is not in it.
        """
        return np.array(self._walk(busy, range(busy.size // self.simd))[1], np.int64)

    def flow(self, busy, arrivals) -> tuple[list[int], np.ndarray]:
        """Cycle in which each input beat is taken, and each output beat leaves (frames, beats).

        Parameters
        ----------
        busy : bool (frames, n_in)   which activations, or columns of blocks, are not zero
        arrivals : sequence of int   cycle in which each beat is offered, ascending
        """
        taken, starts = self._walk(busy, arrivals)
        first = np.array(starts, np.int64)[:, None]
        return taken, first + np.arange(self.beats) + self.issue_to_output

    def _walk(self, busy, arrivals) -> tuple[list[int], list[int]]:
        """Cycle in which each input beat is taken, and each frame's first row is read."""
        count = self.column_groups
        each = len(self.counts) // count
        shares = [self.counts[g * each:(g + 1) * each, g::count] for g in range(count)]
        groups = [_Group(share, self.queue_depth) for share in shares]
        beats = zip(*(self._beats_of(share, busy[:, g::count])
                      for g, share in enumerate(shares)), strict=True)
        taken, starts, following, drained = [], [], LONG_AGO, LONG_AGO
        for offered, parts in zip(arrivals, beats, strict=True):
            now = max(offered, following)
            taken.append(max(group.take(now, *part)
                             for group, part in zip(groups, parts, strict=True)))
            following = taken[-1] + 1
            if parts[0][1]:
                # The next frame uses the bank of the frame before this one: drained by then?
                end = max(group.elements.end() for group in groups)
                for group in groups:
                    group.elements.wait(drained + 1)
                starts.append(max(end + CLOSE_TO_DRAIN + self.product_registers, drained + 1))
                drained = starts[-1] + self.beats - 1
        return taken, starts

    def _beats_of(self, counts, busy):
        """Of each input beat the columns that go on, and whether it ends its frame.

        Columns without entries count as zeros.
        The last beat sends on something even where it has nothing but zeros: None.
        """
        used, simd = counts.any(axis=0), self.simd // self.column_groups
        for frame in busy:
            columns = np.flatnonzero(frame & used)
            ends = np.searchsorted(columns, np.arange(simd, len(frame) + 1, simd))
            columns, begin, final = columns.tolist(), 0, len(ends) - 1
            for beat, end in enumerate(ends.tolist()):
                hits = columns[begin:end]
                yield hits or [None] * (beat == final), beat == final
                begin = end
