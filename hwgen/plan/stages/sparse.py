"""The sparse core: compressed columns over processing elements, zero activations skipped.

After EIE (arXiv 1602.01528): element ``k`` holds the rows ``i`` with ``i % pe == k``, column after
column. Each activation that is not zero is broadcast, and every element walks its share of the
column, one entry a cycle.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import takewhile
from math import gcd
from typing import ClassVar

import numpy as np

from ...ir import Edge, Node
from ...numeric import Fixed, SpecError, as_int, as_int64, pack_rows
from .base import Flow, divisors, require_divisor, those_possible
from .fixed import require_fixed
from .folded import adder_levels
from .narrowing import Narrowing
from .sparse_blocks import blocks_of, is_block
from .sparse_cells import sparse_cells
from .sparse_memories import INDICES, VALUES, SparseMemories, are_signs
from .sparse_timing import SparseTiming

__all__ = ["SparseStage"]

SPARSE_DENSITY = 0.3
"""A matrix with at most this share of nonzeros is stored compressed unless told otherwise."""

DEEPEST, FITTED = 64, 1.02
"""The deepest queue that is chosen, and how near its interval shallower ones must come."""

SETTLING_FRAMES = 4
"""Equal frames after which their interval has settled."""


_INTERVALS: dict[tuple, int] = {}
"""Those that were worked out: storages of the same entries take the same cycles."""


@dataclass(frozen=True, eq=False)
class Results:
    """What follows the elements: ``nf`` beats of ``pe`` results, channels in turn."""

    nf: int
    pe: int
    post: Node | None
    narrowing: Narrowing | None
    out_edge: Edge


@dataclass(frozen=True, eq=False)
class SparseStage(SparseMemories):
    """Weights as compressed columns, interleaved over ``pe`` processing elements.

    Each element has a memory of its own for its entries, exactly as deep as it has entries (one
    zero entry where it has none). All elements look up the same column in one cycle, so that their
    pointers stand side by side. Where there are columns without entries a bit for each column says
    so, and their activations count as zeros. ``pe`` need not divide ``n_out``: then some elements
    have a row less.

    Parameters
    ----------
    queue_depth : int       columns that can wait in front of each element, and activations
                            that can wait in front of the broadcast
    simd : int              activations looked at side by side, or, of blocks, groups of as many as
                            these have columns: as many zeros cost no cycle while one that is not
                            zero is broadcast
    lanes : int, optional   results sent side by side, a divisor of ``pe * block_rows`` and
                            ``n_out``; unless given the greatest
    index, index_bits, values, pointers, block_rows, block_columns
        See :class:`SparseMemories`.

    Raises
    ------
    SpecError    If ``pe`` is not in 1..n_out, ``queue_depth`` or ``index_bits`` is below 1,
                 ``simd`` or ``lanes`` does not divide, ``index``, ``values`` or ``pointers`` is
                 unknown, ``index_bits`` is given for an absolute index, the input is not fixed
                 point or not a single vector, or a Threshold follows.
    TypeError    If what should be an int is none.
    """

    core: ClassVar[str] = "sparse"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = ("pe", "queue_depth", "simd", "lanes", "index",
                                          "index_bits", "values", "pointers", "block_rows",
                                          "block_columns", "multipliers")
    queue_depth: int = 8
    simd: int = field(default=1, kw_only=True)
    lanes: int | None = field(default=None, kw_only=True)

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return (mat_vec.weights.density <= SPARSE_DENSITY and isinstance(x.format, Fixed)
                and len(x.shape) == 1)

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        """For each ``pe`` absolute indices, and those of the others that take fewer bits.

        Where queues alone keep one from the interval, with deeper ones, too. A ``queue_depth`` of
        ``"fitted"`` is that of :meth:`fitted_depth`.
        """
        stages = those_possible(
            partial(cls._storages, mat_vec, x, post, pe, choice | block)
            for block in blocks_of(mat_vec.weights, choice)
            for pe in cls._elements(mat_vec, block, choice))
        if "queue_depth" in choice:
            return stages
        return [each for stage in stages for each in (stage, *stage.deeper(interval_cycles))]

    @classmethod
    def _elements(cls, mat_vec, block, choice) -> list[int]:
        if "pe" in choice:
            return [choice["pe"]]
        return divisors(mat_vec.weights.shape[0] // block.get("block_rows", 1))

    @classmethod
    def _storages(cls, mat_vec, x, post, pe, choice):
        given = {what: value for what, value in choice.items() if what != "pe"}
        is_fitted = given.get("queue_depth") == "fitted" and given.pop("queue_depth")
        indices = ("relative",) if "index_bits" in given else INDICES
        if given.get("pointers") == "banks":
            indices = tuple(index for index in indices if index != "mask")
        indices = (given.pop("index"),) if "index" in given else indices
        values = (given.pop("values"),) if "values" in given else [
            value for value in VALUES
            if value != "signs" or (are_signs(mat_vec.weights) and not is_block(given))]
        stages = [cls(mat_vec, x, post, pe, index=index, values=value, **given)
                  for index in indices for value in values]
        bits = {stage: sum(stage.memory_bits.values()) for stage in stages}
        best = [min((stage for stage in stages if stage.index == index), key=bits.get)
                for index in indices]
        chosen = best[:1] + [stage for stage in best[1:] if bits[stage] < bits[best[0]]]
        if is_fitted:
            return [replace(stage, queue_depth=stage.fitted_depth()) for stage in chosen]
        return chosen

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        if len(self.x.shape) != 1:
            raise SpecError(f"{self.where}: input must be a vector (n,), not {self.x.shape};"
                            f" choose the fixed core")
        if as_int(self.queue_depth, f"{self.where}: queue_depth") < 1:
            raise SpecError(f"{self.where}: queue_depth must be at least 1,"
                            f" not {self.queue_depth}")
        require_divisor(self.where, "simd", self.simd,
                        "n_in" if self.block_columns == 1 else "n_in / block_columns",
                        self.column_count)
        most = gcd(self.row_outputs, self.n_out)
        if self.lanes is not None:
            require_divisor(self.where, "lanes", self.lanes, "what divides pe and n_out", most)

    def _require_pe(self):
        rows = self.n_out // max(1, self.block_rows)
        if not 1 <= as_int(self.pe, f"{self.where}: pe") <= rows:
            raise SpecError(f"{self.where}: pe must be in 1..{rows}, not {self.pe}")

    column_groups: ClassVar[int] = 1
    """Groups of elements that share out the columns; see :class:`SparseColumnsStage`."""

    @property
    def parts(self) -> tuple["SparseStage", ...]:
        """The groups of elements, of which each has its columns."""
        return (self,)

    @property
    def sum_registers(self) -> int:
        """Registers where the sums of groups are added up, one a level."""
        return adder_levels(self.column_groups)

    @property
    def in_lanes(self):
        return self.simd * self.block_columns

    @property
    def out_lanes(self):
        return gcd(self.row_outputs, self.n_out) if self.lanes is None else self.lanes

    @property
    def beats(self) -> int:
        """Beats in an output frame."""
        return self.n_out // self.out_lanes

    @property
    def groups(self) -> int:
        """Beats that a row of all elements takes to be sent."""
        return self.row_outputs // self.out_lanes

    @property
    def gather_registers(self) -> int:
        """Registers where the group of elements is chosen that is sent."""
        return int(self.groups > 1)

    @property
    def results(self) -> Results:
        """What follows the elements."""
        return Results(self.beats, self.out_lanes, self.post, self.narrowing, self.out_edge)

    @property
    def folding(self):
        folding = {"pe": self.pe, "queue_depth": self.queue_depth}
        if self.simd > 1:
            folding |= {"simd": self.simd}
        if self.lanes is not None:
            folding |= {"lanes": self.lanes}
        return folding | self.storage | self.ways_chosen

    def used_rows(self) -> list[int]:
        """Which columns have entries, those of an input beat in each row, a bit for each."""
        return pack_rows(self.columns.used.reshape(-1, self.simd).astype(np.int64),
                         Fixed(1, 0, False))

    # -- time ------------------------------------------------------------------------------------

    @property
    def ideal_cycles(self) -> int:
        """``ceil(nonzeros / pe)``: every element busy all the time, no activation zero.

        Of blocks those that are not all 0.
        """
        return -(-sum(len(part.columns.rows) for part in self.parts) // self.pe)

    @property
    def counts(self) -> np.ndarray:
        """Entries of each element in each column, int64 ``(pe, column_count)``."""
        return self.columns.counts

    def busy(self, x) -> np.ndarray:
        """Which columns meet an activation that is not zero, bool ``(batch, column_count)``."""
        x = as_int64(x, f"{self.where}: x")
        return (x != 0).reshape(len(x), self.column_count, -1).any(axis=2)

    def used_entries(self, x) -> np.ndarray:
        """Entries that each element processes for ``x`` (batch, n_in): int64 (batch, pe)."""
        return self.busy(x).astype(np.int64) @ self.counts.T

    @property
    def timing(self) -> SparseTiming:
        """The exact cycle model."""
        return self._timing(self.queue_depth)

    def _timing(self, queue_depth: int) -> SparseTiming:
        behind = self.sum_registers + self.gather_registers + self.post_registers
        return SparseTiming(counts=self.counts, beats=self.beats, simd=self.simd,
                            queue_depth=queue_depth, product_registers=self.product_registers,
                            post_registers=behind, column_groups=self.column_groups)

    @cached_property
    def interval_cycles(self) -> int:
        """Longest interval: frames back to back in which no activation is zero.

        The mean, rounded up, where frames in the one bank and in the other differ.
        """
        return self._interval(self.queue_depth)

    def _interval(self, queue_depth: int) -> int:
        timing = self._timing(queue_depth)
        if timing.key not in _INTERVALS:
            busy = np.ones((2 * SETTLING_FRAMES, self.column_count), bool)
            ends = timing.departures(busy)[:, -1]
            _INTERVALS[timing.key] = -(-int(ends[-1] - ends[SETTLING_FRAMES - 1])
                                       // SETTLING_FRAMES)
        return _INTERVALS[timing.key]

    def deeper(self, interval_cycles: int) -> list["SparseStage"]:
        """The shallowest with deeper queues, a power of two, that reaches ``interval_cycles``.

        None where it is reached already, or not even elements that are always busy would reach it.
        """
        if not self.ideal_cycles <= interval_cycles < self.interval_cycles:
            return []
        depths = (1 << k for k in range(self.queue_depth.bit_length(), DEEPEST.bit_length()))
        depth = next((depth for depth in depths if self._interval(depth) <= interval_cycles), None)
        return [] if depth is None else [replace(self, queue_depth=depth)]

    def thriftier(self, interval_cycles: int) -> list["SparseStage"]:
        """Shallower queues, powers of two, as far down as they reach ``interval_cycles``."""
        depths = (1 << k for k in reversed(range((self.queue_depth - 1).bit_length())))
        reach = takewhile(lambda depth: self._interval(depth) <= interval_cycles, depths)
        return [replace(self, queue_depth=depth) for depth in reach]

    def fitted_depth(self) -> int:
        """The shallowest queues, a power of two, whose interval is within 2 % of that of 64."""
        most = FITTED * self._interval(DEEPEST)
        depths = (1 << k for k in range(DEEPEST.bit_length()))
        return next(depth for depth in depths if self._interval(depth) <= most)

    def cycles(self, x) -> np.ndarray:
        """Cycles from first input beat to last output beat of each frame of ``x`` on its own.

        ``x`` is (batch, n_in); the result int64 (batch,), exact when nothing stalls.
        """
        return np.array([self.timing.departures(frame[None])[0, -1] for frame in self.busy(x)],
                        np.int64)

    def to_dict(self):
        padding = sum(part.columns.padding for part in self.parts)
        extra = {"nonzeros": self.mat_vec.weights.nonzeros, "padding": padding,
                 "ideal_cycles": self.ideal_cycles}
        return super().to_dict() | extra

    def flow(self, arrivals):
        """Of frames in which no activation is zero, which are the slowest."""
        frames = len(arrivals) * self.simd // self.column_count
        busy = np.ones((frames, self.column_count), bool)
        taken, departures = self.timing.flow(busy, arrivals)
        return Flow.at_once(taken, departures.reshape(-1).tolist())

    @property
    def fifo_depth(self) -> int:
        """Output beats that may be under way at once, so that no bubble is ever needed."""
        return self.timing.issue_to_output + 1

    # -- cells -----------------------------------------------------------------------------------

    def estimate(self, target):
        return sparse_cells(self, target)
