"""The nonzeros of a matrix as processing elements hold them: rows shared out, columns in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from hwgen.numeric import SpecError

from . import huffman
from .stored import Storage, bits_for, signed_bits

__all__ = ["Elements", "Engine", "Split", "matrix_of", "split_of"]

LONGEST = 15
"""Bits of a Huffman code that the EIE engine decodes."""


@dataclass(frozen=True, eq=False)
class Split:
    """Entries by element, column and row; element ``k`` of ``pe`` has the rows ``i % pe == k``.

    Members
    -------
    entries : int64 (n,)        the value of each; 0 of padding
    indices : int64 (n,)        row in its element of each (absolute), or the zeros between it and
                                the entry before it in its column (relative)
    counts : int64 (pe, n_in)   entries of each element in each column, padding included
    """

    entries: np.ndarray
    indices: np.ndarray
    counts: np.ndarray

    @property
    def padding(self) -> int:
        """Entries that stand for zeros alone."""
        return int(np.count_nonzero(self.entries == 0))


def split_of(values, pe: int, index_bits: int | None) -> Split:
    """The entries of int64 ``values`` (n_out, n_in) over ``pe`` elements (arXiv 1602.01528).

    An index of ``index_bits`` is relative and says at most ``2**index_bits - 1`` zeros; each time
    as many and one more stand in front of an entry, padding comes first: a value of 0 with the
    largest index. None makes indices absolute.
    """
    rows, columns = np.nonzero(values)
    order = np.lexsort((rows, columns, rows % pe))
    place, row = (rows % pe * values.shape[1] + columns)[order], rows[order] // pe
    begins = np.diff(place, prepend=-1) != 0
    zeros = row - np.where(begins, -1, np.roll(row, 1)) - 1
    padding = np.zeros_like(zeros) if index_bits is None else zeros >> index_bits
    ends = np.cumsum(1 + padding) - 1
    count = int(ends[-1]) + 1 if len(ends) else 0
    entries, indices = np.zeros(count, np.int64), np.full(count, (1 << (index_bits or 0)) - 1)
    entries[ends] = values[rows[order], columns[order]]
    indices[ends] = row if index_bits is None else zeros & (1 << index_bits) - 1
    counts = np.bincount(place, 1 + padding, pe * values.shape[1]).astype(np.int64)
    return Split(entries, indices, counts.reshape(pe, -1))


def matrix_of(split: Split, n_out: int, *, relative: bool) -> np.ndarray:
    """The matrix ``(n_out, n_in)`` that :func:`split_of` shared out.

    Raises
    ------
    SpecError    If an entry stands beyond it.
    """
    pe, n_in = split.counts.shape
    values, at = np.zeros((n_out, n_in), np.int64), 0
    for (k, column), count in np.ndenumerate(split.counts):
        indices, entries = split.indices[at:at + count], split.entries[at:at + count]
        rows = (np.cumsum(indices + 1) - 1 if relative else indices) * pe + k
        if (rows >= n_out).any():
            raise SpecError(f"entries of element {k}, column {column} must be of the {n_out} rows,"
                            f" not of row {int(rows.max())}")
        values[rows[entries != 0], column] = entries[entries != 0]
        at += count
    return values


@dataclass(frozen=True, kw_only=True)
class Elements(Storage):
    """Nonzeros shared out over ``pe`` elements: entries, pointers and a codebook in each.

    Element ``k`` has the rows ``i % pe == k``; a relative index counts rows of its element, so that
    padding is what each element needs by itself. As the sparse core stores it. With ``huffman`` it
    is what a decoder is sent instead: codes and indices each in a Huffman code of at most 15 bits,
    whose lengths and symbols come first, and the codebook once.

    Parameters
    ----------
    pe : int
    index_bits : int, optional    of a relative index; absolute ones unless given
    codes : bool                  whether values are numbers of the codebook
    code_bits : int, optional     of such a number; unless given as many as the codebook needs
    huffman : bool                of codes and relative indices alone

    Raises
    ------
    SpecError    Of :meth:`parts`, if values are more than codes of ``code_bits``, or what a Huffman
                 code shall be of is lacking.
    """

    text: ClassVar[str] = "nonzeros of each element, column by column (EIE)"

    pe: int = 1
    index_bits: int | None = None
    codes: bool = True
    code_bits: int | None = None
    huffman: bool = False

    @property
    def kind(self) -> str:
        """Says how many elements there are."""
        return f"{'huffman' if self.huffman else 'columns'} of {self.pe}"

    @property
    def held(self) -> "Elements":
        """The memories that a decoder fills, where there is one."""
        return replace(self, huffman=False)

    def outputs(self, n_out: int) -> int:
        """As many for each element."""
        return -(-n_out // self.pe) * self.pe

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part."""
        split = split_of(values, self.pe, self.index_bits)
        used = np.unique(values[values != 0])
        book = np.union1d(used, [0]) if split.padding or not len(used) else used
        value_bits = self._value_bits(len(book)) if self.codes else entry_bits
        parts = (self._coded(split, book, value_bits) if self.huffman
                 else self._plain(split, value_bits, -(-len(values) // self.pe)))
        parts |= self._pointers(split.counts)
        if self.codes:
            copies = 1 if self.huffman else self.pe
            parts["codebook"] = copies * len(book) * self._weight_bits(entry_bits)
        return {name: bits for name, bits in parts.items() if bits}

    def _value_bits(self, codes: int) -> int:
        if self.code_bits is not None and codes > 1 << self.code_bits:
            raise SpecError(f"weights must have at most {1 << self.code_bits} values for codes of"
                            f" {self.code_bits} bits, 0 among them where there is padding, not"
                            f" {codes}: share weights with fewer bits, or zero = true")
        return self.code_bits or bits_for(codes)

    def _plain(self, split, value_bits, rows) -> dict[str, int]:
        entries, index = self._entries(split) - split.padding, self.index_bits or bits_for(rows)
        return {"weights": entries * value_bits, "index": entries * index,
                "padding": split.padding * (value_bits + index)}

    def _coded(self, split, book, value_bits) -> dict[str, int]:
        if not self.codes or self.index_bits is None:
            raise SpecError("Huffman codes must be of codes and of relative indices: give"
                            " index_bits")
        numbers, pads = np.searchsorted(book, split.entries), split.entries == 0
        lengths = [huffman.code_lengths(np.bincount(each, minlength=1 << bits), LONGEST)
                   for each, bits in ((numbers, value_bits), (split.indices, self.index_bits))]
        of_values, of_indices = lengths[0][numbers], lengths[1][split.indices]
        width = max(value_bits, self.index_bits)
        tables = sum((LONGEST + 1) * (width + 1) + int(np.count_nonzero(each)) * width
                     for each in lengths) if len(numbers) else 0
        return {"weights": int(of_values[~pads].sum()), "index": int(of_indices[~pads].sum()),
                "padding": int((of_values + of_indices)[pads].sum()), "code tables": int(tables)}

    def _entries(self, split) -> int:
        """Rows of all memories of entries: one where an element has none."""
        return int(np.maximum(1, split.counts.sum(axis=1)).sum())

    def _pointers(self, counts) -> dict[str, int]:
        """Start and count of each column, and a bit that says whether it has entries."""
        most = max(1, int(counts.sum(axis=1).max()))
        used = counts.any(axis=0)
        return {"pointers": counts.size * (bits_for(most) + bits_for(int(counts.max()) + 1)),
                "used columns": 0 if used.all() else len(used)}

    def _weight_bits(self, entry_bits: int) -> int:
        """Of a value of the codebook."""
        return entry_bits


@dataclass(frozen=True, kw_only=True)
class Engine(Elements):
    """:class:`Elements` of the EIE engine, which holds all layers one behind the other.

    Pointers are of as many bits as the entries of all layers ask for, one for each column and one
    more, columns filled up to whole beats; values of codebooks have the bits of the widest layer.

    Parameters
    ----------
    lanes : int             columns in a beat
    matrices : callable     gives all matrices that the engine holds, int64 (n_out, n_in) each
    """

    lanes: int
    matrices: Callable[[], Sequence[np.ndarray]] = field(compare=False)

    def outputs(self, n_out: int) -> int:
        """One each: biases are loaded for outputs alone."""
        return n_out

    def _entries(self, split) -> int:
        return len(split.entries)

    def _pointers(self, counts) -> dict[str, int]:
        each = sum(split_of(values, self.pe, self.index_bits).counts.sum(axis=1)
                   for values in self.matrices())
        columns = -(-counts.shape[1] // self.lanes) * self.lanes + 1
        return {"pointers": columns * self.pe * max(1, int(each.max())).bit_length()}

    def _weight_bits(self, entry_bits: int) -> int:
        return max(signed_bits(values) for values in self.matrices())
