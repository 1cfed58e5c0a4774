"""The sparse core: compressed columns over processing elements, zero activations skipped.

After EIE (arXiv 1602.01528): element ``k`` holds the rows ``i`` with ``i % pe == k``, column after
column. Each activation that is not zero is broadcast, and every element walks its share of the
column, one entry a cycle.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Fixed, SpecError, as_int, as_int64
from .base import Flow
from .fixed import require_fixed, stored_weight_format
from .folded import MatVecStage
from .sparse_cells import sparse_cells
from .sparse_timing import SparseTiming

__all__ = ["SparseStage"]

SPARSE_DENSITY = 0.3
"""A matrix with at most this share of nonzeros is stored compressed unless told otherwise."""

SETTLING_FRAMES = 4
"""Equal frames after which their interval has settled."""


def _bits_for(n: int) -> int:
    """Bits of an address into ``n`` places, at least one."""
    return max(1, (n - 1).bit_length())


@dataclass(frozen=True, eq=False)
class SparseStage(MatVecStage):
    """Weights as compressed columns, interleaved over ``pe`` processing elements.

    Each element has a memory of its own for its entries, exactly as deep as it has entries (one
    zero entry where it has none). One pointer memory has a row per column with the start and count
    of that column in every element, since all of them look up the same column in one cycle.

    Parameters
    ----------
    queue_depth : int       columns that can wait in front of each element, and activations
                            that can wait in front of the broadcast

    Raises
    ------
    SpecError    If ``pe`` does not divide ``n_out``, ``queue_depth`` is below 1, the input is
                 not fixed point or not a single vector, or a Threshold follows.
    TypeError    If ``pe`` or ``queue_depth`` is not an int.
    """

    core: ClassVar[str] = "sparse"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = ("pe", "queue_depth")
    queue_depth: int = 8

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return (mat_vec.weights.density <= SPARSE_DENSITY and isinstance(x.format, Fixed)
                and len(x.shape) == 1)

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        if len(self.x.shape) != 1:
            raise SpecError(f"{self.where}: input must be a vector (n,), not {self.x.shape};"
                            f" choose the fixed core")
        if as_int(self.queue_depth, f"{self.where}: queue_depth") < 1:
            raise SpecError(f"{self.where}: queue_depth must be at least 1,"
                            f" not {self.queue_depth}")

    @property
    def in_lanes(self):
        return 1

    @property
    def folding(self):
        return {"pe": self.pe, "queue_depth": self.queue_depth}

    # -- storage ---------------------------------------------------------------------------------

    @cached_property
    def _slices(self) -> np.ndarray:
        """The weights by element, local row and column, int64 ``(pe, nf, n_in)``."""
        folded = self.mat_vec.weights.to_dense().reshape(self.nf, self.pe, self.n_in)
        return folded.transpose(1, 0, 2)

    @cached_property
    def counts(self) -> np.ndarray:
        """Entries of each element in each column, int64 ``(pe, n_in)``."""
        return np.count_nonzero(self._slices, axis=1)

    @property
    def starts(self) -> np.ndarray:
        """Address of each column's first entry, int64 ``(pe, n_in)``, 0 where it has none."""
        return np.where(self.counts > 0, np.cumsum(self.counts, axis=1) - self.counts, 0)

    @property
    def entries(self) -> np.ndarray:
        """Entries of each element, int64 ``(pe,)``."""
        return self.counts.sum(axis=1)

    @property
    def memory_rows(self) -> np.ndarray:
        """Rows of each element's entry memory, int64 ``(pe,)``."""
        return np.maximum(1, self.entries)

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.mat_vec.weights.format)

    @property
    def row_bits(self) -> int:
        """Bits of a row's number within its element."""
        return _bits_for(self.nf)

    @property
    def start_bits(self) -> int:
        """Bits of an address into the longest entry memory."""
        return _bits_for(int(self.memory_rows.max()))

    @property
    def count_bits(self) -> int:
        """Bits of the largest count of one column in one element."""
        return max(1, int(self.counts.max()).bit_length())

    def entry_rows(self, element: int) -> list[int]:
        """Entry memory of one element: weight in the low bits, local row above it."""
        columns, rows = np.nonzero(self._slices[element].T)
        if not len(rows):
            return [0]
        codes = self.weight_format.encode(self._slices[element, rows, columns])
        return (codes | rows << self.weight_format.bits).tolist()

    def pointer_rows(self) -> list[int]:
        """Pointer memory, a row per column: start, then count, of element 0 in the low bits."""
        fields = np.stack([self.starts, self.counts], axis=1).transpose(2, 0, 1)
        rows = []
        for column in fields.tolist():
            row = 0
            for start, count in reversed(column):
                row = (row << self.count_bits | count) << self.start_bits | start
            rows.append(row)
        return rows

    @property
    def memory_bits(self):
        """Bits of the generated memories; an element without entries has one (zero) row."""
        rows = int(self.memory_rows.sum())
        return {
            "weights": rows * self.weight_format.bits,
            "index": rows * self.row_bits,
            "pointers": self.n_in * self.pe * (self.start_bits + self.count_bits),
            **self.bits_beside_weights,
        }

    # -- time ------------------------------------------------------------------------------------

    @property
    def ideal_cycles(self) -> int:
        """``ceil(nonzeros / pe)``: every element busy all the time, no activation zero."""
        return -(-self.mat_vec.weights.nonzeros // self.pe)

    def used_entries(self, x) -> np.ndarray:
        """Entries that each element processes for ``x`` (batch, n_in): int64 (batch, pe)."""
        return (as_int64(x, f"{self.where}: x") != 0).astype(np.int64) @ self.counts.T

    @property
    def timing(self) -> SparseTiming:
        """The exact cycle model."""
        return SparseTiming(counts=self.counts, rows=self.nf, queue_depth=self.queue_depth,
                            post_registers=self.post_registers)

    @cached_property
    def interval_cycles(self) -> int:
        """Longest interval: frames back to back in which no activation is zero.

        The mean, rounded up, where frames in the one bank and in the other differ.
        """
        busy = np.ones((2 * SETTLING_FRAMES, self.n_in), bool)
        ends = self.timing.departures(busy)[:, -1]
        return -(-int(ends[-1] - ends[SETTLING_FRAMES - 1]) // SETTLING_FRAMES)

    def cycles(self, x) -> np.ndarray:
        """Cycles from first input beat to last output beat of each frame of ``x`` on its own.

        ``x`` is (batch, n_in); the result int64 (batch,), exact when nothing stalls.
        """
        busy = as_int64(x, f"{self.where}: x") != 0
        return np.array([self.timing.departures(frame[None])[0, -1] for frame in busy], np.int64)

    def to_dict(self):
        extra = {"nonzeros": self.mat_vec.weights.nonzeros, "ideal_cycles": self.ideal_cycles}
        return super().to_dict() | extra

    def flow(self, arrivals):
        """Of frames in which no activation is zero, which are the slowest."""
        busy = np.ones((len(arrivals) // self.n_in, self.n_in), bool)
        taken, departures = self.timing.flow(busy, arrivals)
        return Flow.at_once(taken, departures.reshape(-1).tolist())

    @property
    def fifo_depth(self) -> int:
        """Output beats that may be under way at once, so that no bubble is ever needed."""
        return self.timing.issue_to_output + 1

    # -- cells -----------------------------------------------------------------------------------

    def estimate(self, target):
        return sparse_cells(self, target)
