"""Which lane takes which row of a sparse matrix, and rows that are shared by several lanes."""

from typing import NamedTuple

import numpy as np

__all__ = ["Parts", "place"]


class Parts(NamedTuple):
    """Rows, or parts of rows, with their places; ordered by row, then by what they begin with.

    Members
    -------
    rows, lanes, slots : (p,)   int64
    begins, ends : (p, tiles)   int64; entries of the row in each tile that are this part's
    """

    rows: np.ndarray
    lanes: np.ndarray
    slots: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


def place(counts, lanes: int, slots: int) -> Parts:
    """Deal rows out to ``lanes`` so that in each tile none has much more to do than others.

    A lane's fair share of a tile is ``ceil(entries / lanes)``. A row that has more in some tile is
    cut into even parts. Then the fullest goes first, to the lane where it leaves the least above
    the fair shares, among those to the one with the least to do; of a single tile, what would be
    above it is cut off and goes to the next lane. So a single tile takes its fair share of beats,
    but where slots run out: rows are cut while there are more slots than rows.

    Parameters
    ----------
    counts : (rows, tiles)    int64, entries; at most ``lanes * slots`` rows
    lanes, slots : int
    """
    rows, tiles = counts.shape
    shares = -(-counts.sum(axis=0) // lanes)
    spare = lanes * slots - rows
    waiting = []
    for row in np.argsort(-counts.sum(axis=1), kind="stable").tolist():
        pieces = int(min(lanes, (-(-counts[row] // np.maximum(shares, 1))).max(), spare + 1))
        spare -= max(0, pieces - 1)
        bounds = counts[row] * np.arange(pieces + 1)[:, None] // max(1, pieces)
        waiting += [(row, bounds[k], bounds[k + 1]) for k in range(pieces)]
    waiting.sort(key=lambda part: -int((part[2] - part[1]).sum()))
    deal = _Deal(shares, lanes, slots, spare)
    placed = [each for part in waiting for each in deal.place(*part)]
    placed.sort(key=lambda part: (part[0], part[1].tolist()))
    row, begins, ends, lane = (np.array(column) for column in zip(*placed, strict=True))
    return Parts(row, lane, _slots(row, lane), begins.reshape(-1, tiles), ends.reshape(-1, tiles))


class _Deal:
    """What each lane has to do so far."""

    def __init__(self, shares, lanes, slots, spare):
        self._shares, self._spare = shares, spare
        self._loads = np.zeros((lanes, len(shares)), np.int64)
        self._free = np.full(lanes, slots)

    def place(self, row, begin, end):
        """The parts ``(row, begin, end, lane)`` that a part becomes."""
        while True:
            above = np.maximum(self._loads + (end - begin) - self._shares, 0).sum(axis=1)
            # In this order: no slot left, above the share, load.
            order = np.lexsort((self._loads.sum(axis=1), above, self._free == 0))
            lane, limit = int(order[0]), end
            room = self._shares - self._loads[lane]
            if len(room) == 1 and 0 < room[0] < end[0] - begin[0] and self._spare > 0:
                limit, self._spare = begin + room, self._spare - 1
            self._loads[lane] += limit - begin
            self._free[lane] -= 1
            yield row, begin, limit, lane
            if limit is end:
                return
            begin = limit


def _slots(rows, lanes) -> np.ndarray:
    """Slots of parts: in each lane in the order of rows."""
    order = np.lexsort((np.arange(len(rows)), lanes))
    grouped = lanes[order]
    slots = np.empty(len(rows), np.int64)
    slots[order] = np.arange(len(rows)) - np.searchsorted(grouped, grouped)
    return slots
