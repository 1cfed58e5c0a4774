"""Pools: one line of maxima, or of sums, so far."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from ...ir import Edge, MaxPool, SumPool
from ...numeric import SpecError
from .base import Flow, Lanes, Stage, divisors, require_divisor, require_fixed_point
from .codes import require_ordered
from .unit_cells import counter_bits, unit_cells

__all__ = ["Grid", "PoolStage", "SumPoolStage", "pool_of"]

MOST_LUT_RAM_BITS = 4096
"""Bits of a line up to which it is taken to be in LUT RAM, where there is any; yosys decides."""


class Grid(NamedTuple):
    """What a pool walks over, in pixels: each pair down and across.

    Members
    -------
    map : (h, w)        as it comes, row by row
    out : (oh, ow)      of windows
    size, stride        of a window, and from one to the next
    """

    map: tuple[int, int]
    out: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int, int]


@dataclass(frozen=True, eq=False)
class PoolStage(Lanes, Stage):
    """Maxima of windows that do not overlap, ``lanes`` channels a cycle.

    Takes a beat each cycle, so a frame every ``h * w * (c / lanes)`` cycles, whatever the size; a
    maximum leaves two cycles after its last beat came.

    Parameters
    ----------
    lanes : int     channels side by side, in and out; a divisor of c

    Raises
    ------
    SpecError    If ``lanes`` does not divide, windows overlap or are padded, or codes of the format
                 do not order as their values do.
    """

    core: ClassVar[str] = "pool"
    cells_per_bit: ClassVar[float] = 3.5
    """LUTs for each bit of what is in the line: compare and choose."""
    pool: MaxPool
    x: Edge
    lanes: int

    def __post_init__(self):
        where = f"{self.core} core '{self.pool.name}'"
        require_divisor(where, "lanes", self.lanes, "c", self.out_edge.shape[-1])
        self._require_apart(where)
        self._require_format(where)

    def _require_apart(self, where):
        if not self.pool.is_apart:
            raise SpecError(f"{where}: stride must be at least the size {self.pool.size}, without"
                            f" padding, not {self.pool.stride} with {self.pool.around}: put a"
                            f" sliding window in front, as hwgen.plan.windowed does")

    def _require_format(self, where):
        require_ordered(where, self.x.format)

    @property
    def nodes(self):
        return (self.pool,)

    @property
    def out_edge(self):
        return self.pool.infer(self.x)

    @property
    def grid(self) -> Grid:
        """The map and its windows."""
        return Grid(self.x.shape[:2], self.out_edge.shape[:2], self.pool.size, self.pool.stride)

    @property
    def blocks(self) -> int:
        """Beats of a pixel."""
        return self.out_edge.shape[-1] // self.lanes

    @property
    def depth(self) -> int:
        """Beats of a line of maxima."""
        return self.grid.out[1] * self.blocks

    @property
    def interval_cycles(self):
        return self.x.size // self.lanes

    def flow(self, arrivals):
        (h, w), (oh, ow), (ph, pw), (sh, sw) = self.grid
        cycles = np.asarray(arrivals).reshape(-1, h, w, self.blocks)
        final = cycles[:, ph - 1::sh, pw - 1::sw][:, :oh, :ow]
        return Flow.at_once(arrivals, (final.reshape(-1) + 2).tolist())

    def estimate(self, target):
        (h, w), bits = self.grid.map, self.lanes * self.out_edge.format.bits
        cells = counter_bits(self.depth + self.blocks)
        counters = cells + counter_bits(self.blocks, w, h, *self.grid.stride)
        rows = max(2, self.depth + self.blocks)
        each = 2 if self.out_edge.format.bits == 1 else self.cells_per_bit
        return unit_cells(target, counters=counters, luts_per_bit=2.3, data_lut=each * bits,
                          data_ff=2 * cells + 2 * bits + self.lanes * self.x.format.bits + 7,
                          memory=(rows, bits), in_blocks=rows * bits > MOST_LUT_RAM_BITS)

    @property
    def folding(self):
        return {"lanes": self.lanes}


@dataclass(frozen=True, eq=False)
class SumPoolStage(PoolStage):
    """Sums of windows that do not overlap, ``lanes`` channels a cycle: as maxima, but added up.

    Raises
    ------
    SpecError    If ``lanes`` does not divide, windows overlap, or the input is not fixed point.
    """

    core: ClassVar[str] = "sum-pool"
    cells_per_bit: ClassVar[float] = 2.5
    pool: SumPool

    def _require_format(self, where):
        require_fixed_point(where, self.x)


def pool_of(pool: MaxPool | SumPool, x: Edge, interval_cycles: int) -> PoolStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest."""
    kind = SumPoolStage if isinstance(pool, SumPool) else PoolStage
    every = divisors(x.shape[2])
    lanes = next((n for n in every if x.size // n <= interval_cycles), every[-1])
    return kind(pool, x, lanes)
