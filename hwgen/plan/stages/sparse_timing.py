"""The sparse core's exact cycle model: when every output beat leaves, from the zeros of the input.

Every event of the core is the latest of a few earlier events plus a constant, so the model walks
through the activations once and keeps the pending events of the queues.
"""

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
        self._left = np.full((elements, depth), LONG_AGO)   # cycle at which a column left, a ring
        self._put = np.zeros(elements, np.int64)            # columns put in so far
        self._free = np.full(elements, LONG_AGO)            # first cycle the next column may leave
        self._all = np.arange(elements)

    def room(self) -> int:
        """First cycle with room in every queue."""
        return int(self._left[self._all, self._put % self._depth].max()) + 1

    def put(self, cycle: int, counts: np.ndarray, last: bool) -> None:
        """Queue a column with ``counts`` entries at ``cycle``; nothing where there are none."""
        chosen = self._all if last else np.flatnonzero(counts)
        leaves = np.maximum(cycle + 1, self._free[chosen])
        self._left[chosen, self._put[chosen] % self._depth] = leaves
        self._put[chosen] += 1
        self._free[chosen] = leaves + np.maximum(1, counts[chosen])

    def end_frame(self, bank_free: int) -> int:
        """Cycle of the last entry of the frame; the next frame starts at ``bank_free`` or later."""
        end = int(self._free.max())
        self._free = np.maximum(self._free, bank_free)
        return end


@dataclass(frozen=True, eq=False)
class SparseTiming:
    """When beats leave a sparse core that nothing stalls from outside.

    Parameters
    ----------
    counts : int64 (pe, n_in)    entries of each element in each column
    rows : int                   beats in an output frame
    queue_depth : int
    post_registers : int         registers behind the accumulators
    """

    counts: np.ndarray
    rows: int
    queue_depth: int
    post_registers: int

    @property
    def issue_to_output(self) -> int:
        """Cycles from the read of an accumulator row to its beat at the output."""
        fifo = 1
        return DRAIN_TO_FIFO + self.post_registers + fifo

    def departures(self, busy) -> np.ndarray:
        """Cycle in which each output beat leaves, int64 (frames, rows).

        One input beat comes a cycle from cycle 0; see :meth:`flow`.
        """
        return self.flow(busy, range(busy.size))[1]

    def flow(self, busy, arrivals) -> tuple[list[int], np.ndarray]:
        """Cycle in which each input beat is taken, and each output beat leaves (frames, rows).

        Parameters
        ----------
        busy : bool (frames, n_in)   which activations are not zero
        arrivals : sequence of int   cycle in which each beat is offered, ascending
        """
        n_in = busy.shape[1]
        elements = _Elements(self.counts.shape[0], self.queue_depth)
        popped = [LONG_AGO] * self.queue_depth       # when hits left the FIFO behind the scanner
        pushed = drained = LONG_AGO                  # last broadcast, last drain
        taken, starts = [], []
        for position, offered in enumerate(arrivals):
            frame, column = divmod(position, n_in)
            last = column == n_in - 1
            following = taken[-1] + 1 if taken else LONG_AGO
            taken.append(max(offered, following, popped[-self.queue_depth] + 1))
            if not (busy[frame, column] or last):
                continue
            popped.append(max(taken[-1] + 1, pushed))
            pushed = max(popped[-1] + 1, elements.room())
            elements.put(pushed, self.counts[:, column] * busy[frame, column], last)
            if last:
                # The next frame uses the bank of the frame before this one: drained by then?
                end = elements.end_frame(drained + 1)
                starts.append(max(end + CLOSE_TO_DRAIN, drained + 1))
                drained = starts[-1] + self.rows - 1
        first = np.array(starts, np.int64)[:, None]
        return taken, first + np.arange(self.rows) + self.issue_to_output
