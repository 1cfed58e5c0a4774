"""Matrices of files for a sparse engine: rounded as asked for, packed, their cycles."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..host.csr import Csr, Rounding
from ..host.matrix_file import read_matrix
from ..host.spmv import SpmvHost
from ..host.spmv_packed import PackedMatrix
from ..numeric import Fixed, SpecError
from ..plan.engines import SpmvSpec
from ..plan.engines.spmv_timing import SpmvJob

__all__ = ["Prepared", "Timing", "finest", "format_of", "prepared", "timing_of"]

DEFAULT_BITS = 16
"""Of integers, where no format is asked for."""

_FORMAT = re.compile(r"([su])([1-9][0-9]?)(?:\.(-?[0-9]{1,3}|fit))?\Z")


class Prepared(NamedTuple):
    """A matrix of a file as integers in units of ``2**-frac``; what rounding did to it."""

    name: str
    matrix: Csr
    frac: int
    nonzeros: int
    rounding: Rounding


class Timing(NamedTuple):
    """Cycles of a product: alone, and in a row of many; beats of entries, and jobs.

    ``ideal`` is a cycle for each ``lanes`` nonzeros.
    """

    jobs: int
    beats: int
    cycles: int
    interval: float
    ideal: float

    @property
    def utilisation(self) -> float:
        """Share of all products that the multipliers could make, of a product alone."""
        return self.ideal / self.cycles

    @property
    def sustained(self) -> float:
        """The same in a row of many."""
        return self.ideal / self.interval


def format_of(text: str, what: str) -> tuple[Fixed, bool]:
    """A format as ``s16``, ``u8.4`` or ``s16.fit``; whether its scale is to be fitted.

    Raises
    ------
    SpecError    If the text is none.
    """
    found = _FORMAT.fullmatch(text)
    if not found:
        raise SpecError(f"{what} must be s or u, the bits and, behind a dot, the fractional ones or"
                        f" 'fit', such as s16, u8.4 or s16.fit, not {text!r}")
    sign, bits, frac = found.groups()
    fits = frac == "fit"
    return Fixed(int(bits), 0 if fits else int(frac or 0), sign == "s"), fits


def finest(matrix: Csr, bits: int, signed: bool = True) -> Fixed:
    """The format of so many bits that holds all values of ``matrix`` with the most fraction bits.

    Raises
    ------
    SpecError    If an unsigned one is to hold values below 0.
    """
    largest = float(np.abs(matrix.values.astype(np.float64)).max(initial=0))
    if not signed and (matrix.values < 0).any():
        raise SpecError(f"matrix: values must not be below 0 for a format without sign, not"
                        f" {matrix.values.min():g}")
    # One more than might fit, and then down to what does.
    frac = bits - math.frexp(largest)[1] + 1 if largest else 0
    for each in range(frac, frac - 4, -1):
        fmt = Fixed(bits, each, signed)
        scaled = np.rint(np.ldexp(matrix.values.astype(np.float64), each))
        if not len(scaled) or fmt.min <= scaled.min() <= scaled.max() <= fmt.max:
            return fmt
    raise SpecError(f"matrix: values must fit {bits} bits with some scale, not {largest:g}")


def prepared(path, fmt: Fixed | None = None, *, fits: bool = False) -> Prepared:
    """The matrix in a file (:func:`~hwgen.host.matrix_file.read_matrix`) as integers.

    Parameters
    ----------
    path : path
    fmt : Fixed, optional
        What values are rounded to, to the nearest, ties to even; by default integers of 16 bits,
        which must then hold them exactly.
    fits : bool
        Whether to choose the fraction bits instead: as many as hold the largest value.

    Raises
    ------
    SpecError    If the file is none, a value does not fit, or would be rounded where no format was
                 asked for; with the file's name.
    """
    path, matrix = Path(path), read_matrix(path)
    try:
        if fits:
            fmt = finest(matrix, fmt.bits, fmt.signed)
        wanted = fmt or Fixed(DEFAULT_BITS)
        if fmt is None and matrix.values.dtype.kind == "f":
            _require_integers(matrix, wanted)
        integers, rounding = matrix.quantised(wanted)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error
    return Prepared(path.stem, integers, wanted.frac, matrix.nnz, rounding)


def _require_integers(matrix, fmt):
    values = matrix.values
    bad = (np.rint(values) != values) | (values < fmt.min) | (values > fmt.max)
    if bad.any():
        best = finest(matrix, fmt.bits)
        rounding = matrix.quantised(best)[1]
        raise SpecError(
            f"values must be whole numbers of {fmt.bits} bits, or be rounded to a stated format:"
            f" {bad.sum()} of {matrix.nnz} are none, such as {values[bad.argmax()]:g}; with"
            f" --w-format s{best.bits}.{best.frac}, the finest that holds them, they are rounded by"
            f" up to {rounding.error:.3g}, and {rounding.vanished} become 0")


def timing_of(spec: SpmvSpec, host: SpmvHost, packed: PackedMatrix) -> Timing:
    """Cycles of ``A @ x``, exactly, without stalls; of an empty matrix none."""
    jobs = [SpmvJob(job.columns, job.slots, job.beats, bool(job.result_bytes))
            for job in host.frames(packed, np.full(packed.shape[1], packed.x_range[0]))]
    if not jobs:
        return Timing(0, 0, 0, 0, 0)
    nonzeros = packed.unpacked(host.form).nnz
    alone, (few, many) = spec.cycles_of(jobs), (spec.cycles_of(jobs * k) for k in (4, 12))
    return Timing(len(jobs), packed.beats, alone, (many - few) / 8, nonzeros / spec.lanes)
