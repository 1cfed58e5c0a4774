"""Sparse matrices from files: Matrix Market's coordinates and arrays, and patterns of layers."""

from pathlib import Path

import numpy as np

from hwgen.numeric import SpecError

from .csr import Csr, rows_of

__all__ = ["read_matrix"]

FIELDS = ("integer", "real", "pattern")
SYMMETRIES = ("general", "symmetric", "skew-symmetric")


def read_matrix(path) -> Csr:
    """The matrix in a ``.mtx`` file, of Matrix Market, or a ``.smtx`` file, a layer's pattern.

    Matrix Market: ``coordinate`` or ``array``; ``integer``, ``real`` or ``pattern``, whose entries
    are 1; ``general``, ``symmetric`` or ``skew-symmetric``, whose other half is added. Entries of
    one place are added up. A ``.smtx`` file has ``rows, columns, nonzeros`` in its first line,
    then a line of row pointers and one of columns; its entries are 1.

    Raises
    ------
    SpecError    If the file is none of these, is cut, or its numbers do not fit each other; with
                 its name.
    """
    path = Path(path)
    readers = {".mtx": _matrix_market, ".smtx": _pattern}
    if path.suffix not in readers:
        raise SpecError(f"{path}: must be a .mtx or a .smtx file")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: must be a text file that can be read: {error}") from error
    try:
        return readers[path.suffix](text)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


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
    lines = [line for line in rest.splitlines() if line.strip() and not line.startswith("%")]
    if not lines:
        raise SpecError("a line of sizes must follow the header")
    sizes = _numbers(lines[:1], "integer")[0]
    return (_coordinates if form == "coordinate" else _array)(lines[1:], sizes, field, symmetry)


def _numbers(lines, field: str) -> list[list]:
    number = int if field == "integer" else float
    try:
        return [[number(word) for word in line.split()] for line in lines]
    except ValueError as error:
        raise SpecError(f"numbers must be {field}: {error}") from error


def _coordinates(lines, sizes, field, symmetry) -> Csr:
    if len(sizes) != 3:
        raise SpecError(f"sizes must be rows, columns and entries, not {sizes}")
    m, n, count = sizes
    if len(lines) != count:
        raise SpecError(f"there must be {count} entries, as the sizes say, not {len(lines)}")
    parts = [line.split() for line in lines]
    width = 2 if field == "pattern" else 3
    wrong = next((k for k, part in enumerate(parts) if len(part) != width), None)
    if wrong is not None:
        raise SpecError(f"an entry must be {width} numbers, not {lines[wrong]!r}")
    places = np.array(_numbers((" ".join(part[:2]) for part in parts), "integer"),
                      np.int64).reshape(-1, 2) - 1
    if field == "pattern":
        values = np.ones(count, np.int64)
    else:
        found = [part[2] for part in parts]
        values = _values(_numbers(found, field), field)
    return _whole((m, n), places[:, 0], places[:, 1], values, symmetry)


def _values(numbers, field) -> np.ndarray:
    kind = np.int64 if field == "integer" else np.float64
    try:
        return np.array(numbers, kind).reshape(-1)
    except OverflowError as error:
        raise SpecError(f"integers must fit 64 bits: {error}") from error


def _array(lines, sizes, field, symmetry) -> Csr:
    if len(sizes) != 2 or field == "pattern":
        raise SpecError(f"an array must have sizes of rows and columns, and values, not {sizes}"
                        f" and field {field!r}")
    m, n = sizes
    columns, rows = np.divmod(np.arange(m * n), m)
    least = {"general": -1, "symmetric": 0, "skew-symmetric": 1}[symmetry]
    stored = slice(None) if least < 0 else rows - columns >= least
    rows, columns = rows[stored], columns[stored]
    values = _values(_numbers(lines, field), field) if lines else np.zeros(0)
    if len(values) != len(rows):
        raise SpecError(f"there must be {len(rows)} values, as the sizes say, not {len(values)}")
    return _whole((m, n), rows, columns, values, symmetry)


def _whole(shape, rows, columns, values, symmetry) -> Csr:
    """With the other half of a symmetric one."""
    if symmetry == "general":
        return Csr.of(shape, rows, columns, values)
    if shape[0] != shape[1]:
        raise SpecError(f"a {symmetry} matrix must be square, not {shape[0]} by {shape[1]}")
    other = rows != columns
    if symmetry == "skew-symmetric" and not other.all():
        raise SpecError("a skew-symmetric matrix must have no entries on its diagonal")
    sign = -1 if symmetry == "skew-symmetric" else 1
    return Csr.of(shape, np.r_[rows, columns[other]], np.r_[columns, rows[other]],
                  np.r_[values, sign * values[other]])


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
    # Not every file has the columns of a row in order.
    rows = rows_of(sizes[0], np.array(starts, np.int64), sizes[2])
    return Csr.of(sizes[:2], rows, np.array(columns, np.int64), np.ones(sizes[2], np.int64))
