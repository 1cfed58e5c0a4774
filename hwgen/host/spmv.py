"""The host of a sparse engine: matrices as the frames that it takes, results put together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hwgen.numeric import Format, SpecError, as_int, as_int64, format_from_dict

from .csr import Csr
from .engine_bytes import element_bytes, pack_elements, unpack_elements
from .spmv_earlier import EarlierSums, earlier_sums
from .spmv_frames import EntryFormat, asking
from .spmv_pack import pack_matrices
from .spmv_packed import PackedMatrix

__all__ = ["SpmvFrames", "SpmvHost"]

SIZES = ("lanes", "columns", "slots", "x_lanes", "column_bits", "step_bits")
FORMATS = ("x", "weights", "accumulator")


class SpmvFrames(NamedTuple):
    """One job on the three streams: the last one's as its number of bytes, 0 if it sends none.

    ``columns``, ``slots`` and ``beats`` are those of its command.
    """

    matrix: bytes
    x: bytes
    result_bytes: int
    columns: int
    slots: int
    beats: int


@dataclass(frozen=True)
class SpmvHost:
    """Packs matrices for an engine, sends them with x, and puts results together.

    Parameters
    ----------
    lanes, columns, slots, x_lanes, column_bits, step_bits : int    of the engine
    x, weights, accumulator : Format    of what is sent and what comes back
    """

    lanes: int
    columns: int
    slots: int
    x_lanes: int
    column_bits: int
    step_bits: int
    x: Format
    weights: Format
    accumulator: Format

    @classmethod
    def from_manifest(cls, entry: Mapping) -> "SpmvHost":
        """From the entry ``engine`` of an engine's manifest.

        Raises
        ------
        SpecError    If it lacks something, or is of another kind of engine.
        """
        if entry.get("engine") != "spmv":
            raise SpecError(f"engine must be 'spmv', not {entry.get('engine')!r}")
        try:
            return cls(**{what: entry[what] for what in SIZES},
                       **{what: format_from_dict(entry[what]) for what in FORMATS})
        except KeyError as error:
            raise SpecError(f"engine 'spmv': must have the entry {error.args[0]!r}") from error

    @property
    def form(self) -> EntryFormat:
        """How entries lie in a beat."""
        return EntryFormat(self.lanes, self.columns, self.slots, self.weights, self.column_bits,
                           self.step_bits)

    def pack(self, matrix: Csr, *, frac: int = 0, x_range=None) -> PackedMatrix:
        """The frames of ``matrix``: see :meth:`pack_together`."""
        packed, = self.pack_together([matrix], fracs=[frac], x_range=x_range)
        return packed

    def pack_together(self, matrices: Sequence[Csr], *, fracs=None,
                      x_range=None) -> list[PackedMatrix]:
        """The frames of several matrices of as many rows, whose products are to be added up.

        Parameters
        ----------
        matrices : sequence of Csr    of integers
        fracs : sequence of int       of each; values are in units of ``2**-frac``
        x_range : (int, int)          least and largest element of x; by default those of its format

        Raises
        ------
        TypeError    If values are floats: they are to be quantised first.
        SpecError    If values do not fit the engine's format, the matrices differ in their rows,
                     or the sum of some row, of all matrices together, could overflow.
        """
        x_range = self._checked_range(x_range)
        m = matrices[0].shape[0]
        for matrix in matrices:
            if matrix.values.dtype.kind == "f":
                raise TypeError("matrix: values must be integers, not float64; Csr.quantised makes"
                                " them so")
            self.weights.require(matrix.values, "matrix: values")
            if matrix.shape[0] != m:
                raise SpecError(f"matrices must have as many rows as the first, {m}, not"
                                f" {matrix.shape[0]}")
        self._require_no_overflow(matrices, *x_range)
        return pack_matrices(matrices, fracs or [0] * len(matrices), x_range, self.form,
                             self.x_lanes)

    def _checked_range(self, x_range):
        low, high = x_range or (self.x.min, self.x.max)
        low, high = as_int(low, "x_range"), as_int(high, "x_range")
        if not self.x.min <= low <= high <= self.x.max:
            raise SpecError(f"x_range must ascend within {self.x.min}..{self.x.max}, not"
                            f" {low}..{high}")
        return low, high

    def _require_no_overflow(self, matrices, low, high):
        """The least and the largest sum of each row over all x of the range, exactly."""
        above, below = (np.zeros(matrices[0].shape[0], np.int64) for _ in range(2))
        for matrix in matrices:
            np.add.at(above, matrix.rows, np.maximum(matrix.values, 0))
            np.add.at(below, matrix.rows, np.minimum(matrix.values, 0))
        above, below = above.astype(object), below.astype(object)
        least, most = above * low + below * high, above * high + below * low
        bad = np.flatnonzero((least < self.accumulator.min) | (most > self.accumulator.max))
        if len(bad):
            row = int(bad[0])
            raise SpecError(
                f"matrix: the sum of row {row} must fit {self.accumulator} for every x in"
                f" {low}..{high}, but reaches from {least[row]} to {most[row]}; {len(bad)} row(s)"
                " do not: narrow x_range, scale the matrix, or build the engine with more terms")

    def earlier(self, m: int, y_range, *, x_range=None) -> EarlierSums:
        """What adds products to an earlier y of ``m`` elements, ``y += A @ x``, in the engine.

        ``b, a = pack_together([earlier.matrix, A])`` once; then the sum of the products
        ``(b, earlier.digits(y)), (a, x)`` for every y.

        Parameters
        ----------
        m : int                 elements
        y_range : (int, int)    least and largest one, within the sums' format, in units of sums
        x_range : (int, int)    that of :meth:`pack_together`

        Raises
        ------
        SpecError    If an element cannot be made of products, or not of up to 4096.
        """
        return earlier_sums(m, y_range, self._checked_range(x_range), self.weights,
                            self.accumulator)

    def load(self, path) -> PackedMatrix:
        """The packed matrix in a file of :meth:`PackedMatrix.save`, made for such an engine.

        Raises
        ------
        SpecError    If the file is none, or its matrix is damaged, inconsistent, or could overflow.
        """
        packed = PackedMatrix.load(path)
        try:
            self._require_no_overflow([packed.unpacked(self.form)],
                                      *self._checked_range(packed.x_range))
        except SpecError as error:
            raise SpecError(f"{path}: {error}") from error
        return packed

    def frames(self, packed: PackedMatrix, x) -> list[SpmvFrames]:
        """The jobs of ``A @ x`` for integers x ``(n,)``: see :meth:`frames_of_sum`."""
        return self.frames_of_sum([(packed, x)])

    def frames_of_sum(self, products) -> list[SpmvFrames]:
        """The jobs of ``A1 @ x1 + A2 @ x2 + ...``, of pairs of a matrix and an x.

        The matrices were packed together. The engine adds up: behind the first it is y += A x.

        Raises
        ------
        TypeError    If an x holds anything but integers.
        SpecError    If one is of another length, or out of the range that its matrix was made for.
        """
        parts = []
        for number, (packed, x) in enumerate(products):
            vector = self._vector(packed, x)
            parts += [(tile.group, number, tile, vector) for tile in packed.tiles]
        parts.sort(key=lambda part: part[:2])
        last = {part[0]: k for k, part in enumerate(parts)}
        beat, jobs = self.lanes * element_bytes(self.accumulator), []
        for k, (group, number, tile, vector) in enumerate(parts):
            sends, slots = last[group] == k, int(products[number][0].slots[group])
            part = vector[tile.begin:tile.begin + tile.columns]
            part = np.pad(part, (0, -len(part) % self.x_lanes))
            jobs.append(SpmvFrames(
                asking(tile.frame) if sends else tile.frame, pack_elements(part, self.x),
                sends * slots * beat, tile.columns, slots, tile.beats))
        return jobs

    def _vector(self, packed, x):
        x = as_int64(x, "x")
        low, high = packed.x_range
        if x.shape != packed.shape[1:]:
            raise SpecError(f"x must be of shape ({packed.shape[1]},), not {x.shape}")
        if x.min() < low or x.max() > high:
            raise SpecError(f"x must be in {low}..{high}, for which no sum overflows, not in"
                            f" {x.min()}..{x.max()}")
        return x

    def results(self, frames: Sequence[bytes], *packed: PackedMatrix) -> np.ndarray:
        """int64 ``(m,)`` of the result frames of the jobs of these matrices.

        Raises
        ------
        SpecError    If they are not as many and as long as was asked for.
        """
        first, beat = packed[0], self.lanes * element_bytes(self.accumulator)
        groups = sorted({tile.group for each in packed for tile in each.tiles})
        wanted = [beat * int(first.slots[group]) for group in groups]
        if [len(frame) for frame in frames] != wanted:
            raise SpecError(f"results must be {len(wanted)} frame(s) of {sorted(set(wanted))}"
                            f" bytes, not {len(frames)} of"
                            f" {sorted({len(frame) for frame in frames})}")
        sums = np.zeros(self.lanes * int(first.slots.sum()), np.int64)
        ends = np.cumsum(first.slots) * self.lanes
        for group, frame in zip(groups, frames, strict=True):
            values = unpack_elements(frame, self.accumulator)
            sums[ends[group] - len(values):ends[group]] = values
        y = np.zeros(first.shape[0], np.int64)
        np.add.at(y, first.rows, sums[first.places])
        return self.wrapped(y)

    def wrapped(self, y) -> np.ndarray:
        """The values of the accumulator that are equal to ``y`` modulo ``2**bits``.

        Parts of a row may overflow where their sum does not; what is left of them adds up to it.
        """
        bits = self.accumulator.bits
        y = y & ((1 << bits) - 1)
        if not self.accumulator.is_signed:
            return y
        half = 1 << bits - 1
        return (y ^ half) - half

    def multiply(self, packed: PackedMatrix, x,
                 exchange: Callable[[list[SpmvFrames]], tuple[list[bytes], bool]]) -> np.ndarray:
        """``A @ x``: see :meth:`multiply_sum`."""
        return self.multiply_sum([(packed, x)], exchange)

    def multiply_sum(self, products, exchange) -> np.ndarray:
        """``A1 @ x1 + A2 @ x2 + ...``, int64 ``(m,)``, in units of those of A times those of x.

        The engine begins with zeros; a y that is there already is a product, too: :meth:`earlier`.

        Parameters
        ----------
        products : sequence of (PackedMatrix, integers ``(n,)``)    as :meth:`frames_of_sum`
        exchange : callable
            What is behind the engine's streams: is handed jobs, and gives back the frame of each
            that sends and the engine's ``frame_error``.

        Raises
        ------
        SpecError    As :meth:`frames_of_sum` and :meth:`results`; and if the engine told an error.
        """
        jobs = self.frames_of_sum(products)
        if not jobs:
            return np.zeros(products[0][0].shape[0], np.int64)
        frames, error = exchange(jobs)
        if error:
            raise SpecError("engine 'spmv': must be sent whole frames within its limits, but its"
                            " frame_error is set: one was damaged on its way; reset it")
        return self.results(frames, *(packed for packed, _ in products))
