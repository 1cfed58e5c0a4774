"""Matrices cut into groups of rows and tiles of columns, and those into frames of an engine."""

from collections.abc import Iterator, Sequence

import numpy as np

from hwgen.numeric import as_int

from .csr import Csr
from .spmv_frames import EntryFormat, Tile, pack_tile
from .spmv_packed import PackedMatrix, PackedTile
from .spmv_place import Parts, place

__all__ = ["pack_matrices"]


def pack_matrices(matrices: Sequence[Csr], fracs: Sequence[int], x_range: tuple[int, int],
                  form: EntryFormat, x_lanes: int) -> list[PackedMatrix]:
    """The frames of matrices of integers of the same rows, each row at one place in all of them.

    Groups are of up to ``lanes * slots`` rows that have entries, in order; tiles of columns are as
    even as beats of x allow, and left out where they have no entries in a group.
    """
    cuts = [_cuts(matrix.shape[1], form.columns, x_lanes) for matrix in matrices]
    group_of, count = _groups(matrices, form)
    entries = [_Entries(matrix, cut, group_of, count)
               for matrix, cut in zip(matrices, cuts, strict=True)]
    tiles, rows, places, slots = [[] for _ in matrices], [], [], []
    for group in range(count):
        chosen, base = np.flatnonzero(group_of == group), form.lanes * sum(slots)
        counts = [part.counts(group, chosen) for part in entries]
        parts = place(np.concatenate(counts, axis=1), form.lanes, form.slots)
        slots.append(int(parts.slots.max()) + 1)
        begin = 0
        for own, part in zip(tiles, entries, strict=True):
            own.extend(part.tiles(group, parts, begin, slots[-1], form))
            begin += len(part.cuts) - 1
        rows.append(chosen[parts.rows])
        places.append(base + parts.slots * form.lanes + parts.lanes)
    rows, places = (np.concatenate([*each, np.zeros(0, np.int64)]) for each in (rows, places))
    return [PackedMatrix(matrix.shape, as_int(frac, "frac"), x_range, np.array(slots, np.int64),
                         tuple(own), rows, places)
            for matrix, frac, own in zip(matrices, fracs, tiles, strict=True)]


def _cuts(n: int, columns: int, x_lanes: int) -> np.ndarray:
    """Columns at which tiles begin, and the end."""
    tiles = -(-n // columns)
    width = -(-n // (tiles * x_lanes)) * x_lanes
    return np.minimum(np.arange(-(-n // width) + 1) * width, n)


def _groups(matrices, form):
    """Group of each row, -1 of one without entries; how many there are."""
    filled = np.zeros(matrices[0].shape[0], bool)
    for matrix in matrices:
        filled |= np.diff(matrix.starts) > 0
    rows = np.flatnonzero(filled)
    count = -(-len(rows) // (form.lanes * form.slots))
    group_of = np.full(len(filled), -1)
    group_of[rows] = np.arange(len(rows)) * count // max(1, len(rows))
    return group_of, count


class _Entries:
    """Entries of a matrix by group of rows and tile of columns."""

    def __init__(self, matrix, cuts, group_of, groups):
        self.cuts, self._matrix = cuts, matrix
        tiles = len(cuts) - 1
        self._tile = np.searchsorted(cuts, matrix.columns, side="right") - 1
        key = group_of[matrix.rows] * tiles + self._tile
        self._order = np.argsort(key, kind="stable")
        self._ends = np.searchsorted(key[self._order], np.arange(groups * tiles + 1))

    def _of(self, group: int, tile: int) -> np.ndarray:
        """The entries of one tile, row by row."""
        k = group * (len(self.cuts) - 1) + tile
        return self._order[self._ends[k]:self._ends[k + 1]]

    def counts(self, group: int, rows) -> np.ndarray:
        """Entries of each of the group's rows in each tile, int64 ``(rows, tiles)``."""
        tiles = len(self.cuts) - 1
        counts = np.zeros((len(rows), tiles), np.int64)
        for tile in range(tiles):
            found = np.searchsorted(rows, self._matrix.rows[self._of(group, tile)])
            counts[:, tile] = np.bincount(found, minlength=len(rows))
        return counts

    def tiles(self, group: int, parts: Parts, begin: int, slots: int,
              form: EntryFormat) -> Iterator[PackedTile]:
        """The group's tiles that have entries; ``begin`` is the first one's in ``parts``."""
        matrix, cuts = self._matrix, self.cuts
        for tile in range(len(cuts) - 1):
            chosen = self._of(group, tile)
            if not len(chosen):
                continue
            sizes = parts.ends[:, begin + tile] - parts.begins[:, begin + tile]
            part = np.repeat(np.arange(len(parts.rows)), sizes)
            columns = int(cuts[tile + 1] - cuts[tile])
            frame = pack_tile(form, Tile(
                columns, slots, 0, False, parts.lanes[part], parts.slots[part],
                matrix.columns[chosen] - cuts[tile], matrix.values[chosen]))
            beats = (len(frame) - form.command_bytes) // form.beat_bytes
            yield PackedTile(int(cuts[tile]), columns, beats, group, frame)
