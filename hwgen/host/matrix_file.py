"""Sparse matrices from files: Matrix Market's coordinates and arrays, and patterns of layers."""

import re
from pathlib import Path

import numpy as np

from hwgen.numeric import SpecError

from .csr import Csr, require_sizes, rows_of

__all__ = ["read_matrix"]

FIELDS = ("integer", "real", "pattern")
SYMMETRIES = ("general", "symmetric", "skew-symmetric")

_FORTRAN = re.compile(r"([+-]?[0-9.]+)[dD]([+-]?[0-9]+)\Z")
"""A real number of double precision as Fortran writes it, such as 1.5D+00."""


def read_matrix(path) -> Csr:
    """The matrix in a ``.mtx`` file, of Matrix Market, or a ``.smtx`` file, a layer's pattern.

    Matrix Market: ``coordinate`` or ``array``; ``integer``, ``real`` or ``pattern``, whose entries
    are 1; ``general``, ``symmetric`` or ``skew-symmetric``, whose other half is added. Entries of
    one place are added up. A ``.smtx`` file has ``rows, columns, nonzeros`` in its first line,
    then a line of row pointers and one of columns; its entries are 1.

    Raises
    ------
    SpecError    If the file is none of these, is cut, its numbers do not fit each other, integers
                 or their sums do not fit 64 bits, or the matrix is more than can be held; with its
                 name.
    """
    path = Path(path)
    readers = {".mtx": _matrix_market, ".smtx": _pattern}
    if path.suffix not in readers:
        raise SpecError(f"{path}: must be a .mtx or a .smtx file")
    try:
        # Numbers are ASCII; names in comments may be of any encoding.
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SpecError(f"{path}: must be a text file that can be read: {error}") from error
    try:
        return readers[path.suffix](text)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error
    except MemoryError as error:
        raise SpecError(f"{path}: matrix must fit into the memory there is: {error}") from error


def _matrix_market(text: str) -> Csr:
    header, _, rest = text.partition("\n")
    words = header.lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"]:
        raise SpecError("first line must be '%%MatrixMarket matrix FORMAT FIELD SYMMETRY', not"
                        f" {header[:60]!r}")
    form, field, symmetry = words[2:]
    for what, word, known in (("format", form, ("coordinate", "array")), ("field", field, FIELDS),
                              ("symmetry", symmetry, SYMMETRIES)):
        if word not in known:
            raise SpecError(f"{what} must be one of {list(known)}, not {word!r}")
    lines = [line for line in rest.splitlines() if line.strip() and line.strip()[0] != "%"]
    if not lines:
        raise SpecError("a line of sizes must follow the header")
    sizes = _numbers(lines[:1], "integer")[0]
    return (_coordinates if form == "coordinate" else _array)(lines[1:], sizes, field, symmetry)


def _numbers(lines, field: str) -> list[list]:
    number = int if field == "integer" else _real
    try:
        return [[number(word) for word in line.split()] for line in lines]
    except ValueError as error:
        raise SpecError(f"numbers must be {field}: {error}") from error


def _real(word: str) -> float:
    found = _FORTRAN.match(word)
    return float("e".join(found.groups()) if found else word)


def _coordinates(lines, sizes, field, symmetry) -> Csr:
    if len(sizes) != 3:
        raise SpecError(f"sizes must be rows, columns and entries, not {sizes}")
    m, n, count = sizes
    _require_shape(m, n, symmetry)
    if len(lines) != count:
        raise SpecError(f"there must be {count} entries, as the sizes say, not {len(lines)}")
    parts = [line.split() for line in lines]
    width = 2 if field == "pattern" else 3
    wrong = next((k for k, part in enumerate(parts) if len(part) != width), None)
    if wrong is not None:
        raise SpecError(f"an entry must be {width} numbers, not {lines[wrong]!r}")
    found = _numbers((" ".join(part[:2]) for part in parts), "integer")
    places = _values(found, "integer").reshape(-1, 2)
    if field == "pattern":
        values = np.ones(count, np.int64)
    else:
        values = _values(_numbers([part[2] for part in parts], field), field)
    for what, index, size in (("rows", places[:, 0], m), ("columns", places[:, 1], n)):
        if count and not 1 <= index.min() <= index.max() <= size:
            raise SpecError(f"{what} must be in 1..{size}, not {index.min()}..{index.max()}")
    return _whole((m, n), places[:, 0] - 1, places[:, 1] - 1, values, symmetry)


def _values(numbers, field) -> np.ndarray:
    kind = np.int64 if field == "integer" else np.float64
    try:
        return np.array([number for line in numbers for number in line], kind)
    except OverflowError as error:
        raise SpecError(f"integers must fit 64 bits: {error}") from error


def _array(lines, sizes, field, symmetry) -> Csr:
    if len(sizes) != 2 or field == "pattern":
        raise SpecError(f"an array must have sizes of rows and columns, and values, not {sizes}"
                        f" and field {field!r}")
    m, n = sizes
    _require_shape(m, n, symmetry)
    least = {"general": -1, "symmetric": 0, "skew-symmetric": 1}[symmetry]
    count = m * n if least < 0 else m * (m + 1) // 2 - least * m
    wrong = next((line for line in lines if len(line.split()) != 1), None)
    if wrong is not None:
        raise SpecError("an array must have one value in a line, column by column, not"
                        f" {wrong!r}")
    values = _values(_numbers(lines, field), field)
    if len(values) != count:
        raise SpecError(f"there must be {count} values, as the sizes say, not {len(values)}")
    columns, rows = np.divmod(np.arange(m * n), m)
    stored = slice(None) if least < 0 else rows - columns >= least
    return _whole((m, n), rows[stored], columns[stored], values, symmetry)


def _require_shape(m, n, symmetry):
    require_sizes(m, n)
    if symmetry != "general" and m != n:
        raise SpecError(f"a {symmetry} matrix must be square, not {m} by {n}")


def _whole(shape, rows, columns, values, symmetry) -> Csr:
    """With the other half of a symmetric one."""
    if symmetry == "general":
        return Csr.of(shape, rows, columns, values)
    other = rows != columns
    if symmetry == "skew-symmetric" and not other.all():
        raise SpecError("a skew-symmetric matrix must have no entries on its diagonal")
    halves = values[other]
    if symmetry == "skew-symmetric":
        _require_negatives(rows, columns, values)
        halves = -halves
    return Csr.of(shape, np.r_[rows, columns[other]], np.r_[columns, rows[other]],
                  np.r_[values, halves])


def _require_negatives(rows, columns, values):
    """Of 64 bits, as they stand in the other half."""
    bad = np.flatnonzero(values == np.iinfo(np.int64).min) if values.dtype.kind == "i" else ()
    if len(bad):
        raise SpecError(f"integers of a skew-symmetric matrix must have a negative of 64 bits, not"
                        f" be {values[bad[0]]}, as in row {rows[bad[0]] + 1}, column"
                        f" {columns[bad[0]] + 1}, counted from 1")


def _pattern(text: str) -> Csr:
    lines = [line for line in text.splitlines() if line.strip()]
    if not 2 <= len(lines) <= 3:
        raise SpecError(f"there must be a line of sizes, of pointers and of columns, not"
                        f" {len(lines)} lines")
    sizes, starts, columns = (_numbers([line.replace(",", " ")], "integer")[0]
                              for line in [*lines, ""][:3])
    if len(sizes) != 3 or len(columns) != sizes[2]:
        raise SpecError(f"sizes must be rows, columns and as many entries as there are,"
                        f" {len(columns)}, not {sizes}")
    require_sizes(*sizes[:2])
    # Not every file has the columns of a row in order.
    rows = rows_of(sizes[0], _values([starts], "integer"), sizes[2])
    return Csr.of(sizes[:2], rows, _values([columns], "integer"), np.ones(sizes[2], np.int64))
