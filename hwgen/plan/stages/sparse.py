"""The sparse core: compressed columns over processing elements, zero activations skipped.

After EIE (arXiv 1602.01528): element ``k`` holds the rows ``i`` with ``i % pe == k``, column after
column. Each activation that is not zero is broadcast, and every element walks its share of the
column, one entry a cycle.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import gcd
from typing import ClassVar

import numpy as np

from ...ir import Edge, Node
from ...numeric import Fixed, SpecError, as_int, as_int64, pack_rows
from .base import Flow, divisors, require_divisor
from .fixed import require_fixed, stored_weight_format
from .folded import MatVecStage
from .narrowing import Narrowing
from .sparse_cells import sparse_cells
from .sparse_storage import Columns, bits_for
from .sparse_timing import SparseTiming

__all__ = ["INDICES", "SparseStage", "VALUES"]

INDICES = ("absolute", "relative")
"""How an entry says its row; see :class:`Columns`."""

VALUES = ("plain", "codes")
"""What an entry says of its weight: the weight, or its number in a codebook of each element."""

SPARSE_DENSITY = 0.3
"""A matrix with at most this share of nonzeros is stored compressed unless told otherwise."""

SETTLING_FRAMES = 4
"""Equal frames after which their interval has settled."""


@dataclass(frozen=True, eq=False)
class Results:
    """What follows the elements: ``nf`` beats of ``pe`` results, channels in turn."""

    nf: int
    pe: int
    post: Node | None
    narrowing: Narrowing | None
    out_edge: Edge


@dataclass(frozen=True, eq=False)
class SparseStage(MatVecStage):
    """Weights as compressed columns, interleaved over ``pe`` processing elements.

    Each element has a memory of its own for its entries, exactly as deep as it has entries (one
    zero entry where it has none). One pointer memory has a row per column with the start and count
    of that column in every element, since all of them look up the same column in one cycle.
    ``pe`` need not divide ``n_out``: then some elements have a row less.

    Parameters
    ----------
    queue_depth : int       columns that can wait in front of each element, and activations
                            that can wait in front of the broadcast
    simd : int              activations looked at side by side: as many zeros cost no cycle while
                            one that is not zero is broadcast
    lanes : int, optional   results sent side by side, a divisor of ``pe`` and ``n_out``; unless
                            given the greatest
    index : str             one of :data:`INDICES`
    index_bits : int, optional
        Bits of a relative index; unless given those with which entries take the fewest bits.
    values : str            one of :data:`VALUES`

    Raises
    ------
    SpecError    If ``pe`` is not in 1..n_out, ``queue_depth`` or ``index_bits`` is below 1,
                 ``simd`` or ``lanes`` does not divide, ``index`` or ``values`` is unknown,
                 ``index_bits`` is given for an absolute index, the input is not fixed point or not
                 a single vector, or a Threshold follows.
    TypeError    If what should be an int is none.
    """

    core: ClassVar[str] = "sparse"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = ("pe", "queue_depth", "simd", "lanes", "index",
                                          "index_bits", "values")
    queue_depth: int = 8
    simd: int = field(default=1, kw_only=True)
    lanes: int | None = field(default=None, kw_only=True)
    index: str = field(default="absolute", kw_only=True)
    index_bits: int | None = field(default=None, kw_only=True)
    values: str = field(default="plain", kw_only=True)

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return (mat_vec.weights.density <= SPARSE_DENSITY and isinstance(x.format, Fixed)
                and len(x.shape) == 1)

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        """For each ``pe`` the storage of the fewest bits, and one without padding."""
        pes = [choice["pe"]] if "pe" in choice else divisors(mat_vec.weights.shape[0])
        return [stage for pe in pes for stage in cls._storages(mat_vec, x, post, pe, choice)]

    @classmethod
    def _storages(cls, mat_vec, x, post, pe, choice):
        given = {what: value for what, value in choice.items() if what != "pe"}
        forms = {"index": INDICES[:1] if "index_bits" not in given else INDICES[1:],
                 "values": VALUES} | {
            what: (given.pop(what),) for what in ("index", "values") if what in given}
        if "index" not in choice and "index_bits" not in given:
            forms["index"] = INDICES
        stages = [cls(mat_vec, x, post, pe, index=index, values=values, **given)
                  for index in forms["index"] for values in forms["values"]]
        fewest = min(stages, key=lambda stage: sum(stage.memory_bits.values()))
        straight = min((stage for stage in stages if not stage.columns.padding),
                       key=lambda stage: sum(stage.memory_bits.values()), default=fewest)
        return [straight] if straight is fewest else [straight, fewest]

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        if len(self.x.shape) != 1:
            raise SpecError(f"{self.where}: input must be a vector (n,), not {self.x.shape};"
                            f" choose the fixed core")
        if as_int(self.queue_depth, f"{self.where}: queue_depth") < 1:
            raise SpecError(f"{self.where}: queue_depth must be at least 1,"
                            f" not {self.queue_depth}")
        require_divisor(self.where, "simd", self.simd, "n_in", self.n_in)
        if self.lanes is not None:
            require_divisor(self.where, "lanes", self.lanes, "what divides pe and n_out",
                            gcd(self.pe, self.n_out))
        for what, known in (("index", INDICES), ("values", VALUES)):
            if getattr(self, what) not in known:
                raise SpecError(f"{self.where}: {what} must be one of {', '.join(known)},"
                                f" not {getattr(self, what)!r}")
        self._require_index_bits()

    def _require_pe(self):
        if not 1 <= as_int(self.pe, f"{self.where}: pe") <= self.n_out:
            raise SpecError(f"{self.where}: pe must be in 1..{self.n_out}, not {self.pe}")

    def _require_index_bits(self):
        if self.index_bits is None:
            return
        if self.index == "absolute":
            raise SpecError(f"{self.where}: index_bits must not be given for an absolute index,"
                            f" which has as many as there are rows")
        if as_int(self.index_bits, f"{self.where}: index_bits") < 1:
            raise SpecError(f"{self.where}: index_bits must be at least 1, not {self.index_bits}")

    @property
    def nf(self):
        """Rows of an element."""
        return -(-self.n_out // self.pe)

    @property
    def in_lanes(self):
        return self.simd

    @property
    def out_lanes(self):
        return gcd(self.pe, self.n_out) if self.lanes is None else self.lanes

    @property
    def beats(self) -> int:
        """Beats in an output frame."""
        return self.n_out // self.out_lanes

    @property
    def groups(self) -> int:
        """Beats that a row of all elements takes to be sent."""
        return self.pe // self.out_lanes

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
        if self.index == "relative":
            folding |= {"index": self.index, "index_bits": self.columns.index_bits}
        return folding if self.values == "plain" else folding | {"values": self.values}

    # -- storage ---------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> Columns:
        """Where the entries stand."""
        columns = Columns.of(self.mat_vec.weights.to_dense(), self.pe)
        if self.index == "absolute":
            return columns
        bits = self.index_bits or columns.best_relative_bits(self._value_bits(columns))
        return columns.relative(bits)

    @property
    def entries(self) -> np.ndarray:
        """Entries of each element, int64 ``(pe,)``."""
        return self.columns.entries

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.mat_vec.weights.format)

    @cached_property
    def _nonzeros(self) -> np.ndarray:
        """Weights as :attr:`columns` counts them, int64 ``(nonzeros,)``."""
        return self.mat_vec.weights.to_dense()[self.columns.rows, self.columns.columns]

    @cached_property
    def _distinct(self) -> np.ndarray:
        dense = self.mat_vec.weights.to_dense()
        return np.unique(dense[dense != 0])

    @cached_property
    def codebook(self) -> np.ndarray:
        """The weights that entries say by number, int64 ``(codes,)``, ascending.

        0 is one of them where there is padding.
        """
        needs_zero = self.columns.padding or not len(self._distinct)
        return np.union1d(self._distinct, [0]) if needs_zero else self._distinct

    def _value_bits(self, columns) -> int:
        """Bits of an entry besides its index, before it is known whether there is padding."""
        if self.values == "plain":
            return self.weight_format.bits
        return bits_for(len(self._distinct) + 1)

    @property
    def value_bits(self) -> int:
        """Bits of an entry besides its index."""
        return (bits_for(len(self.codebook)) if self.values == "codes"
                else self.weight_format.bits)

    @property
    def entry_bits(self) -> int:
        """Bits of an entry."""
        return self.value_bits + self.columns.index_bits

    @property
    def code_of_zero(self) -> int:
        """What padding has in place of a weight."""
        return int(np.searchsorted(self.codebook, 0)) if self.values == "codes" else 0

    def entry_rows(self, element: int) -> list[int]:
        """Entry memory of one element: weight or code in the low bits, index above it."""
        nonzero, index = self.columns.entries_of(element)
        if not len(nonzero):
            return [0]
        weights = self._nonzeros[nonzero]
        codes = (np.searchsorted(self.codebook, weights) if self.values == "codes"
                 else self.weight_format.encode(weights))
        codes = np.where(nonzero < 0, self.code_of_zero, codes)
        return (codes | index << self.value_bits).tolist()

    def codebook_rows(self) -> list[int]:
        """The codebook, a weight in each row."""
        return pack_rows(self.codebook[:, np.newaxis], self.weight_format)

    def pointer_rows(self) -> list[int]:
        """Pointer memory; see :meth:`Columns.pointer_rows`."""
        return self.columns.pointer_rows()

    def bias_rows(self):
        """Row ``f`` holds the biases of row ``f`` of every element."""
        biases = np.zeros(self.nf * self.pe, np.int64)
        biases[:self.n_out] = self.mat_vec.bias_or_zero
        return pack_rows(biases.reshape(self.nf, self.pe), self.bias_format)

    @property
    def memory_bits(self):
        """Bits of the generated memories; an element without entries has one (zero) row."""
        rows = int(self.columns.memory_rows.sum())
        bits = {"weights": rows * self.value_bits, "index": rows * self.columns.index_bits,
                "pointers": self.columns.pointer_bits, **self.bits_beside_weights}
        if self.mat_vec.bias is not None:
            bits["bias"] = self.nf * self.pe * self.bias_format.bits
        if self.values == "codes":
            bits["codebook"] = self.pe * len(self.codebook) * self.weight_format.bits
        return bits

    # -- time ------------------------------------------------------------------------------------

    @property
    def ideal_cycles(self) -> int:
        """``ceil(nonzeros / pe)``: every element busy all the time, no activation zero."""
        return -(-self.mat_vec.weights.nonzeros // self.pe)

    def used_entries(self, x) -> np.ndarray:
        """Entries that each element processes for ``x`` (batch, n_in): int64 (batch, pe)."""
        return (as_int64(x, f"{self.where}: x") != 0).astype(np.int64) @ self.columns.counts.T

    @property
    def timing(self) -> SparseTiming:
        """The exact cycle model."""
        return SparseTiming(counts=self.columns.counts, beats=self.beats, simd=self.simd,
                            queue_depth=self.queue_depth,
                            post_registers=self.gather_registers + self.post_registers)

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
        extra = {"nonzeros": self.mat_vec.weights.nonzeros, "padding": self.columns.padding,
                 "ideal_cycles": self.ideal_cycles}
        return super().to_dict() | extra

    def flow(self, arrivals):
        """Of frames in which no activation is zero, which are the slowest."""
        busy = np.ones((len(arrivals) * self.simd // self.n_in, self.n_in), bool)
        taken, departures = self.timing.flow(busy, arrivals)
        return Flow.at_once(taken, departures.reshape(-1).tolist())

    @property
    def fifo_depth(self) -> int:
        """Output beats that may be under way at once, so that no bubble is ever needed."""
        return self.timing.issue_to_output + 1

    # -- cells -----------------------------------------------------------------------------------

    def estimate(self, target):
        return sparse_cells(self, target)
