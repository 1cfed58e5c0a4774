"""A sparse matrix in compressed rows, checked; nothing that follows has to doubt it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hwgen.numeric import Fixed, SpecError, as_array, as_int, as_int64

__all__ = ["MAX_SIZE", "Csr", "Rounding", "require_sizes", "rows_of"]

MAX_SIZE = 1 << 28
"""Most rows, and most columns: pointers of that many rows are 2 GiB."""


class Rounding(NamedTuple):
    """What rounding did to the values of a matrix: the largest error, and how many became 0."""

    error: float
    vanished: int


@dataclass(frozen=True, eq=False)
class Csr:
    """A matrix as its nonzeros, row by row, columns ascending.

    Parameters
    ----------
    shape : (int, int)
    starts : (m + 1,)       int64; entries of row ``r`` are ``starts[r] .. starts[r + 1] - 1``
    columns : (nnz,)        int64
    values : (nnz,)         int64 or float64

    Raises
    ------
    SpecError    If a size is not in 1..2^28; if pointers do not begin with 0, fall, or end beyond
                 or before the last entry; if a column lies past the end, or columns of a row do not
                 ascend; if a number is not finite.
    """

    shape: tuple[int, int]
    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        shape = tuple(as_int(size, "matrix: size") for size in self.shape)
        starts, columns = as_int64(self.starts, "pointers"), as_int64(self.columns, "columns")
        values = as_array(self.values, "values")
        values = values.astype(np.float64) if values.dtype.kind == "f" else as_int64(
            values, "values")
        for name, value in (("shape", shape), ("starts", starts), ("columns", columns),
                            ("values", values)):
            object.__setattr__(self, name, value)
        require_sizes(*shape)
        self._require_pointers()
        self._require_columns()
        if not np.isfinite(values).all():
            raise SpecError("matrix: values must be finite")

    def _require_pointers(self):
        starts, nnz = self.starts, len(self.columns)
        if self.columns.ndim != 1 or self.values.shape != (nnz,):
            raise SpecError(f"matrix: there must be a value for each of {nnz} columns, not"
                            f" {self.values.shape}")
        rows_of(self.shape[0], starts, nnz)

    def _require_columns(self):
        n, columns, rows = self.shape[1], self.columns, self.rows
        bad = np.flatnonzero((columns < 0) | (columns >= n))
        if len(bad):
            entry = int(bad[0])
            raise SpecError(f"matrix: columns must be in 0..{n - 1}, not {columns[entry]} as entry"
                            f" {entry}, in row {rows[entry]}")
        bad = np.flatnonzero((np.diff(columns) <= 0) & (np.diff(rows) == 0))
        if len(bad):
            raise SpecError(f"matrix: columns of a row must ascend, not {columns[bad[0]]},"
                            f" {columns[bad[0] + 1]} as in row {rows[bad[0]]}")

    @classmethod
    def of(cls, shape, rows, columns, values) -> "Csr":
        """Of entries in any order; those of one place are added up, zeros left out.

        Raises
        ------
        SpecError    If a size is not in 1..2^28, a row or column is outside of ``shape``, the lists
                     differ in length, or integers of one place add up to more than 64 bits.
        """
        rows, columns = as_int64(rows, "rows"), as_int64(columns, "columns")
        values = as_array(values, "values")
        m, n = (as_int(size, "matrix: size") for size in shape)
        require_sizes(m, n)
        if not rows.shape == columns.shape == values.shape or rows.ndim != 1:
            raise SpecError(f"matrix: there must be as many rows as columns and values, not"
                            f" {rows.shape}, {columns.shape} and {values.shape}")
        for what, index, size in (("rows", rows, m), ("columns", columns, n)):
            if index.size and not 0 <= index.min() <= index.max() < size:
                raise SpecError(f"matrix: {what} must be in 0..{size - 1}, not"
                                f" {index.min()}..{index.max()}")
        places, which = np.unique(rows * n + columns, return_inverse=True)
        if values.dtype.kind == "f":
            sums = np.zeros(len(places))
            np.add.at(sums, which, values)
        else:
            sums = _sums(as_int64(values, "values"), which, places, n)
        places, sums = places[sums != 0], sums[sums != 0]
        starts = np.zeros(m + 1, np.int64)
        np.cumsum(np.bincount(places // n, minlength=m), out=starts[1:])
        return cls((m, n), starts, places % n, sums)

    @property
    def nnz(self) -> int:
        """Entries."""
        return len(self.columns)

    @property
    def rows(self) -> np.ndarray:
        """Row of each entry, int64."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.starts))

    def to_dense(self) -> np.ndarray:
        """``(m, n)``, of the values' type."""
        dense = np.zeros(self.shape, self.values.dtype)
        dense[self.rows, self.columns] = self.values
        return dense

    def quantised(self, fmt: Fixed) -> tuple["Csr", Rounding]:
        """Integers in units of ``2**-fmt.frac``, to the nearest, ties to even; what that did.

        What becomes 0 is no entry any more.

        Raises
        ------
        SpecError    If a rounded value is outside of ``fmt``: nothing is saturated.
        """
        scaled = np.ldexp(self.values.astype(np.float64), fmt.frac)
        if self.values.dtype.kind != "f" and fmt.frac == 0:
            integers = self.values
        else:
            integers = np.rint(scaled)
        bad = np.flatnonzero((integers < fmt.min) | (integers > fmt.max))
        if len(bad):
            largest = self.values[bad[np.abs(self.values[bad].astype(np.float64)).argmax()]]
            raise SpecError(f"matrix: values must fit {fmt}, which reaches from"
                            f" {np.ldexp(float(fmt.min), -fmt.frac):g} to"
                            f" {np.ldexp(float(fmt.max), -fmt.frac):g}, not {largest:g};"
                            f" {len(bad)} of {self.nnz} do not")
        integers = integers.astype(np.int64)
        error = np.abs(np.ldexp(integers.astype(np.float64), -fmt.frac) - self.values)
        vanished = int(((integers == 0) & (self.values != 0)).sum())
        rounding = Rounding(float(error.max(initial=0.0)), vanished)
        return Csr.of(self.shape, self.rows, self.columns, integers), rounding


def require_sizes(m: int, n: int):
    """Refuses what no :class:`Csr` holds.

    Raises
    ------
    SpecError    If a size is not in 1..2^28.
    """
    if min(m, n) < 1:
        raise SpecError(f"matrix: sizes must be at least 1, not {m} by {n}")
    if max(m, n) > MAX_SIZE:
        raise SpecError(f"matrix: sizes must be at most {MAX_SIZE}, to be held in memory, not {m}"
                        f" by {n}")


def _sums(values, which, places, n) -> np.ndarray:
    """Sums of the integers of each place, from those of their upper and lower halves."""
    high, low = (np.zeros(len(places), np.int64) for _ in range(2))
    np.add.at(high, which, values >> 32)
    np.add.at(low, which, values & 0xFFFFFFFF)
    high, low = high + (low >> 32), low & 0xFFFFFFFF
    bad = np.flatnonzero((high < -1 << 31) | (high >= 1 << 31))
    if len(bad):
        row, column = divmod(int(places[bad[0]]), n)
        raise SpecError(f"matrix: integers of one place must add up to 64 bits, not"
                        f" {(int(high[bad[0]]) << 32) + int(low[bad[0]])} in row {row}, column"
                        f" {column}, counted from 0; {len(bad)} of {len(places)} place(s) do not")
    return (high << 32) + low


def rows_of(m: int, starts, nnz: int) -> np.ndarray:
    """Row of each entry, int64 ``(nnz,)``, by the pointers of ``m`` rows.

    Raises
    ------
    SpecError    If pointers are too few or too many, fall, or do not run from 0 to ``nnz``.
    """
    starts = as_int64(starts, "pointers")
    if starts.shape != (m + 1,):
        raise SpecError(f"matrix: there must be {m + 1} pointers, not {starts.size}")
    falls = np.flatnonzero(np.diff(starts) < 0)
    if len(falls):
        row = int(falls[0])
        raise SpecError(f"matrix: pointers must not fall, as that of row {row + 1}, from"
                        f" {starts[row]} to {starts[row + 1]}")
    if starts[0] != 0 or starts[-1] != nnz:
        raise SpecError(f"matrix: pointers must run from 0 to {nnz}, the number of entries, not"
                        f" from {starts[0]} to {starts[-1]}")
    return np.repeat(np.arange(m), np.diff(starts))
