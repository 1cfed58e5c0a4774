"""How a matrix may be stored, to the bit: what each part takes, and that it can be read back.

Every storage is a function of the integer matrix ``(n_out, n_in)`` and of the bits of a plain
entry. These are those that a recipe may choose; which one a matrix has unless it does, and what the
cores store of weights that are no plain integers, is in :mod:`.cores`. Tests hold what a core
stores equal to its memories; :class:`Gaps` and :class:`Huffman` are those of Deep Compression.
"""

import numpy as np

from hwgen.numeric import Fixed, SpecError

from . import huffman
from .elements import Elements, Engine
from .stored import Storage, bits_for, signed_bits

__all__ = ["STORAGES", "Codes", "Columns", "Elements", "Engine", "Gaps", "Huffman", "Plain",
           "Storage", "bits_for", "gaps_of", "signed_bits"]


class Plain(Storage):
    """Every entry, zeros too."""

    kind, text = "plain", "every entry in its format"

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part."""
        return {"weights": values.size * entry_bits}


class Codes(Storage):
    """Every entry by its number in a codebook."""

    kind, text = "codes", "every entry by its number in the layer's codebook"

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part; zeros have a number and no centroid."""
        used = np.unique(values)
        others = used[used != 0]
        centroid_bits = Fixed.covering(int(others[0]), int(others[-1])).bits if len(others) else 0
        return {"weights": values.size * bits_for(len(used)),
                "codebook": len(others) * centroid_bits}


class Columns(Storage):
    """Nonzeros column by column with their row, and where each column begins.

    As the sparse core of one element stores it, see :class:`Elements`: start and count of each
    column, and a bit that says whether it has entries where one has none. Indices are absolute, or
    relative with padding; values plain, or numbers of a codebook: whatever takes the fewest bits.
    """

    kind, text = "columns", "nonzeros column by column, indices, pointers (EIE)"

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part."""
        widths = (None, *range(1, bits_for(len(values)) + 1))
        return min((Elements(index_bits=bits, codes=codes).parts(values, entry_bits)
                    for bits in widths for codes in (False, True)),
                   key=lambda parts: sum(parts.values()))


def gaps_of(values, index_bits: int):
    """``(gaps, entries)`` of a matrix row by row, int64 each; padding is an entry of 0.

    ``gaps`` counts the zeros in front of each entry, at most ``2**index_bits - 1``; a padding
    entry stands for one zero more (Deep Compression, arXiv 1510.00149, figure 2).
    """
    flat, span = np.asarray(values).reshape(-1), 1 << index_bits
    at = np.flatnonzero(flat)
    zeros = np.diff(at, prepend=-1) - 1
    padding = zeros // span
    ends = np.cumsum(1 + padding)
    count = int(ends[-1]) if len(ends) else 0
    gaps, entries = np.full(count, span - 1, np.int64), np.zeros(count, np.int64)
    gaps[ends - 1], entries[ends - 1] = zeros % span, flat[at]
    return gaps, entries


def from_gaps(gaps, entries, shape) -> np.ndarray:
    """The matrix of :func:`gaps_of`."""
    flat = np.zeros(int(np.prod(shape)), np.int64)
    at = np.cumsum(np.asarray(gaps) + 1) - 1
    if len(at) and at[-1] >= flat.size:
        raise SpecError(f"gaps must end within the {flat.size} entries, not at {int(at[-1])}")
    flat[at] = entries
    return flat.reshape(shape)


class Gaps(Storage):
    """Nonzeros row by row, each with the zeros in front of it, values by number in a codebook.

    With as many bits for the gap as take the fewest in all; values are plain where that is less.
    """

    kind, text = "gaps", "nonzeros row by row, relative indices with padding, codebook"

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part, of the best width of the gaps."""
        return min((self._parts(values, entry_bits, k)
                    for k in range(1, 1 + bits_for(values.size))),
                   key=lambda parts: sum(parts.values()))

    def _parts(self, values, entry_bits, index_bits):
        gaps, entries = gaps_of(values, index_bits)
        used = np.unique(entries)
        coded = len(gaps) * bits_for(len(used)), len(used) * entry_bits
        value_bits, codebook = min(coded, (len(gaps) * entry_bits, 0), key=sum)
        padding = int(np.count_nonzero(entries == 0))
        per_entry = value_bits // len(gaps) if len(gaps) else 0
        parts = {"weights": value_bits - padding * per_entry,
                 "index": (len(gaps) - padding) * index_bits,
                 "padding": padding * (per_entry + index_bits), "codebook": codebook,
                 "count": bits_for(values.size + 1)}
        return {name: bits for name, bits in parts.items() if bits}


class Huffman(Storage):
    """:class:`Gaps` with gaps and values each in a Huffman code; the codes' lengths are stored.

    A code is canonical, so that the bits of each symbol's length say it.
    """

    kind, text = "huffman", "relative indices and codebook numbers, each in a Huffman code"

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of each part, of the best width of the gaps."""
        return min((self._parts(values, entry_bits, k)
                    for k in range(1, 1 + min(10, bits_for(values.size)))),
                   key=lambda parts: sum(parts.values()))

    def encode(self, values, index_bits: int):
        """``(centroids, lengths of values, of gaps, streams of both)`` that say the matrix."""
        gaps, entries = gaps_of(values, index_bits)
        centroids, numbers = np.unique(entries, return_inverse=True)
        lengths = [huffman.code_lengths(np.bincount(symbols, minlength=count))
                   for symbols, count in ((numbers, len(centroids)), (gaps, 1 << index_bits))]
        return centroids, *lengths, *(huffman.encode(symbols, each) for symbols, each
                                      in zip((numbers, gaps), lengths, strict=True))

    def decode(self, encoded, count: int, shape) -> np.ndarray:
        """The matrix of ``count`` entries, padding among them, that :meth:`encode` wrote."""
        centroids, of_values, of_gaps, values, gaps = encoded
        return from_gaps(huffman.decode(gaps, of_gaps, count),
                         centroids[huffman.decode(values, of_values, count)], shape)

    def _parts(self, values, entry_bits, index_bits):
        gaps, entries = gaps_of(values, index_bits)
        centroids, numbers = np.unique(entries, return_inverse=True)
        counts = np.bincount(numbers), np.bincount(gaps, minlength=1 << index_bits)
        of_values, of_gaps = (huffman.code_lengths(each) for each in counts)
        each = of_values[numbers] + of_gaps[gaps]
        padding = int(each[entries == 0].sum())
        return {"weights": int((of_values[numbers] * (entries != 0)).sum()),
                "index": int((of_gaps[gaps] * (entries != 0)).sum()), "padding": padding,
                "codebook": len(centroids) * entry_bits,
                "code tables": sum(len(lengths) * bits_for(lengths.max(initial=0) + 1)
                                   for lengths in (of_values, of_gaps)),
                "count": bits_for(values.size + 1)}


STORAGES = {each.kind: each for each in (Plain(), Codes(), Columns(), Gaps(), Huffman())}
"""``STORAGES[kind]``; a new one is one class and its place here."""
