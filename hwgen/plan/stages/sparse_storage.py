"""Compressed columns: where the nonzeros of a matrix stand, for each processing element.

After EIE (arXiv 1602.01528): element ``k`` of ``pe`` holds the rows ``i`` with ``i % pe == k``,
column after column, and in a column from the first row to the last.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

__all__ = ["Columns", "bits_for", "side_by_side"]


def bits_for(n: int) -> int:
    """Bits of a number below ``n``, at least one."""
    return max(1, (n - 1).bit_length())


def side_by_side(fields, bits: int) -> list[int]:
    """Rows of ``fields`` (rows, elements), ``bits`` each, element 0 in the low bits."""
    rows = []
    for numbers in np.asarray(fields).tolist():
        row = 0
        for number in reversed(numbers):
            row = row << bits | number
        rows.append(row)
    return rows


@dataclass(frozen=True, eq=False)
class Columns:
    """The entries of every element, without their values.

    An entry says its row by its number within the element (absolute), or by the zeros between it
    and the entry before it in the column, or the column's begin (relative). As many bits can say at
    most ``2**relative_bits - 1`` zeros, so that longer runs take padding: entries of value 0, each
    of which stands for ``2**relative_bits`` zeros, itself among them. Where values cannot say 0
    (``marks``), an index of ones alone says that there is none, and stands for one zero less.
    Where columns have masks, which say of each row of an element whether it has an entry, entries
    say nothing, and there are no counts.

    Parameters
    ----------
    rows, columns : int64 (nonzeros,)    of each nonzero, in any order, none twice
    shape : (int, int)                   ``(n_out, n_in)`` of the matrix
    pe : int                             elements
    relative_bits : int or None          of a relative index; None for absolute ones
    marks : bool                         whether padding is told by its index
    masked : bool                        whether columns have masks
    """

    rows: np.ndarray
    columns: np.ndarray
    shape: tuple[int, int]
    pe: int
    relative_bits: int | None = None
    marks: bool = False
    masked: bool = False

    @classmethod
    def of(cls, dense, pe: int, relative_bits: int | None = None) -> "Columns":
        """Those of a matrix ``(n_out, n_in)``."""
        return cls(*np.nonzero(dense), dense.shape, pe, relative_bits)

    def relative(self, bits: int, *, marks: bool = False) -> "Columns":
        """The same with relative indices of ``bits``."""
        return replace(self, relative_bits=bits, marks=marks)

    def with_masks(self) -> "Columns":
        """The same with masks."""
        return replace(self, masked=True)

    def best_relative_bits(self, value_bits: int, *, marks: bool = False) -> int:
        """Bits of a relative index with which entries of ``value_bits`` take the fewest bits."""
        def bits(index):
            padding = int((self._zeros // ((1 << index) - marks)).sum())
            return (len(self._zeros) + padding) * (value_bits + index)

        return min(range(1, self.row_bits + 1), key=bits)

    @property
    def nf(self) -> int:
        """Rows of an element; where ``pe`` does not divide ``n_out`` the last of some is empty."""
        return -(-self.shape[0] // self.pe)

    @property
    def row_bits(self) -> int:
        """Bits of a row's number within its element."""
        return bits_for(self.nf)

    @property
    def index_bits(self) -> int:
        """Bits of the index that is stored."""
        if self.masked:
            return 0
        return self.row_bits if self.relative_bits is None else self.relative_bits

    @cached_property
    def _order(self) -> np.ndarray:
        """Places of the nonzeros in ``rows`` and ``columns``: by element, column, row."""
        place = (self.rows % self.pe) * self.shape[1] + self.columns
        return np.argsort(place * self.nf + self.rows // self.pe)

    @cached_property
    def _place(self) -> np.ndarray:
        """``element * n_in + column`` of each nonzero, in order."""
        rows, columns = self.rows[self._order], self.columns[self._order]
        return (rows % self.pe) * self.shape[1] + columns

    @cached_property
    def _local(self) -> np.ndarray:
        """Row within its element of each nonzero, in order."""
        return self.rows[self._order] // self.pe

    @cached_property
    def _zeros(self) -> np.ndarray:
        """Zeros in front of each nonzero, in order."""
        follows = np.zeros(len(self._place), bool)
        follows[1:] = self._place[1:] == self._place[:-1]
        before = np.where(follows, np.roll(self._local, 1), -1)
        return self._local - before - 1

    @property
    def _padding(self) -> np.ndarray:
        """Padding in front of each nonzero, in order."""
        if self.relative_bits is None:
            return np.zeros(len(self._zeros), np.int64)
        return self._zeros // self._span

    @property
    def _span(self) -> int:
        """Zeros that one padding stands for."""
        return (1 << self.relative_bits) - self.marks

    @property
    def padding(self) -> int:
        """Padding entries of all elements."""
        return int(self._padding.sum())

    @cached_property
    def counts(self) -> np.ndarray:
        """Entries of each element in each column, padding included, int64 ``(pe, n_in)``."""
        entries = np.bincount(self._place, 1 + self._padding, self.pe * self.shape[1])
        return entries.astype(np.int64).reshape(self.pe, -1)

    @cached_property
    def starts(self) -> np.ndarray:
        """Address of each column's first entry, int64 ``(pe, n_in)``, 0 where it has none."""
        return np.where(self.counts > 0, np.cumsum(self.counts, axis=1) - self.counts, 0)

    @cached_property
    def entries(self) -> np.ndarray:
        """Entries of each element, int64 ``(pe,)``."""
        return self.counts.sum(axis=1)

    @property
    def used(self) -> np.ndarray:
        """Which columns have any entries, bool ``(n_in,)``."""
        return self.counts.any(axis=0)

    @property
    def memory_rows(self) -> np.ndarray:
        """Rows of each element's entry memory, int64 ``(pe,)``: one where it has no entries."""
        return np.maximum(1, self.entries)

    @property
    def start_bits(self) -> int:
        """Bits of an address into the longest entry memory."""
        return bits_for(int(self.memory_rows.max()))

    @property
    def count_bits(self) -> int:
        """Bits of the largest count of one column in one element."""
        return max(1, int(self.counts.max()).bit_length())

    @property
    def left_bits(self) -> int:
        """Bits of what says which entries a column has: of its count, or of its mask."""
        return self.nf if self.masked else self.count_bits

    @property
    def masks(self) -> np.ndarray:
        """Of each column a bit for each row, int ``(pe, n_in)`` of any size."""
        masks = np.zeros(self.pe * self.shape[1], object)
        for place, row in zip(self._place.tolist(), self._local.tolist(), strict=True):
            masks[place] |= 1 << row
        return masks.reshape(self.pe, -1)

    @property
    def end_bits(self) -> int:
        """Bits of the number of entries of an element, which is where its last column ends."""
        return int(self.entries.max()).bit_length() or 1

    def pointer_rows(self) -> list[int]:
        """Pointer memory, a row per column: start, then count or mask, of each element."""
        left = self.masks if self.masked else self.counts
        return side_by_side(self.starts.T | left.T << self.start_bits,
                            self.start_bits + self.left_bits)

    def bank_rows(self) -> tuple[list[int], list[int]]:
        """Where columns start, of each element, in two memories: of even columns, and of odd ones.

        Each column's end is the next one's start, so that it stands in the other memory; behind the
        last column stands the number of entries.
        """
        ends = np.cumsum(np.pad(self.counts, ((0, 0), (1, 0))), axis=1).T
        return tuple(side_by_side(ends[parity::2], self.end_bits) for parity in range(2))

    def entries_of(self, element: int) -> tuple[np.ndarray, np.ndarray]:
        """The entries of one element in their order.

        Returns
        -------
        nonzero : int64 (entries,)    place in ``rows`` and ``columns``; -1 of padding
        index : int64 (entries,)      what is stored as its index
        """
        own = slice(*np.searchsorted(self._place, np.array([element, element + 1])
                                     * self.shape[1]).tolist())
        if self.masked:
            return self._order[own], np.zeros_like(self._local[own])
        if self.relative_bits is None:
            return self._order[own], self._local[own]
        most = (1 << self.relative_bits) - 1
        ends = np.cumsum(1 + self._padding[own]) - 1
        nonzero = np.full(ends[-1] + 1 if len(ends) else 0, -1)
        index = np.full(len(nonzero), most)
        nonzero[ends], index[ends] = self._order[own], self._zeros[own] % self._span
        return nonzero, index
