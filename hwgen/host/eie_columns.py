"""A matrix as the entries of an EIE engine's elements: codes, runs of zeros, columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwgen.numeric import SpecError

__all__ = ["Share", "shares_of"]


@dataclass(frozen=True, eq=False)
class Share:
    """What one element holds of a layer.

    Members
    -------
    codebook : int64 (codes,)      of the layer: the value of each code
    codes, runs : int64 (entries,) of each entry
    counts : int64 (n_in,)         entries of each column
    padding : int                  entries that stand for zeros alone
    """

    codebook: np.ndarray
    codes: np.ndarray
    runs: np.ndarray
    counts: np.ndarray
    padding: int


def shares_of(layer, *, pe: int, code_bits: int, index_bits: int) -> Iterator[Share]:
    """Of each element ``k`` the rows ``i`` of the layer with ``i % pe == k``, column after column.

    An entry's row is that of the one before it in its column (at first -1), plus its run of zeros,
    plus 1. Where more zeros are than a run can say, padding comes first: entries of value 0 with
    the longest run.

    Raises
    ------
    SpecError    If the layer has more values than there are codes.
    """
    walked = [_walk(layer.weights[k::pe], index_bits) for k in range(pe)]
    values = np.unique(layer.weights[layer.weights != 0])
    if not len(values) or any(pads.any() for _rows, _columns, _zeros, pads in walked):
        values = np.union1d(values, [0])
    if len(values) > 1 << code_bits:
        raise SpecError(f"layer '{layer.name}': weights must have at most {1 << code_bits} values,"
                        f" 0 among them where a run of zeros is too long for {index_bits} bits, not"
                        f" {len(values)}; share weights among fewer values")
    for k, (rows, columns, zeros, pads) in enumerate(walked):
        ends = np.cumsum(1 + pads) - 1
        count = int(ends[-1]) + 1 if len(ends) else 0
        codes = np.full(count, np.searchsorted(values, 0))
        runs = np.full(count, (1 << index_bits) - 1)
        codes[ends] = np.searchsorted(values, layer.weights[k::pe][rows, columns])
        runs[ends] = zeros & (1 << index_bits) - 1
        counts = np.bincount(columns, 1 + pads, layer.n_in).astype(np.int64)
        yield Share(values, codes, runs, counts, int(pads.sum()))


def _walk(part, index_bits):
    """Of each nonzero, column by column: row, column, zeros in front of it, padding for them."""
    columns, rows = np.nonzero(part.T)
    before = np.full(len(rows), -1)
    follows = columns[1:] == columns[:-1]
    before[1:][follows] = rows[:-1][follows]
    zeros = rows - before - 1
    return rows, columns, zeros, zeros >> index_bits
