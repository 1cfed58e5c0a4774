"""Pools behind a sliding window: windows may overlap, and come tap by tap or whole."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ...ir import Edge, WindowMax, WindowSum
from ..target import SHORTEST_SHIFT, Cells
from .base import Stage, divisors, require_fixed_point
from .codes import require_ordered
from .elementwise import ElementwiseStage
from .pool import Grid, PoolStage, SumPoolStage

__all__ = ["WideMaxStage", "WideSumStage", "WindowMaxStage", "WindowSumStage", "window_pool_of"]

LUTS_OF_MAX = {"ecp5": 2.0, "ice40": 1.9, "xc7": 1.75, "gowin": 2.0}
"""Family -> LUTs for each bit of the larger of two values; that of Gowin is not measured."""

FEW_BITS = 2
"""Bits of values up to which a LUT compares them whole."""


@dataclass(frozen=True, eq=False)
class WindowMaxStage(PoolStage):
    """Maxima of windows that come tap by tap, ``lanes`` channels a cycle.

    The windows are a map of ``windows`` rows and ``taps`` columns to a pool of ``(1, taps)``, so
    the hardware is that of :class:`PoolStage`: a beat each cycle, a frame every
    ``windows * taps * (c / lanes)`` cycles, a maximum two cycles after its last beat came.

    Parameters
    ----------
    lanes : int     channels side by side, in and out; a divisor of c

    Raises
    ------
    SpecError    If ``lanes`` does not divide, or codes of the format do not order as their values.
    """

    core: ClassVar[str] = "window-max"
    pool: WindowMax

    def _require_apart(self, where):
        """They are: each window comes by itself."""

    @property
    def grid(self):
        windows, taps = math.prod(self.x.shape[:-1]), self.pool.taps
        return Grid((windows, taps), (windows, 1), (1, taps), (1, taps))


@dataclass(frozen=True, eq=False)
class WindowSumStage(WindowMaxStage, SumPoolStage):
    """Sums of windows that come tap by tap: as maxima, but added up.

    Raises
    ------
    SpecError    If ``lanes`` does not divide, or the input is not fixed point.
    """

    core: ClassVar[str] = "window-sum"
    cells_per_bit: ClassVar[float] = SumPoolStage.cells_per_bit
    pool: WindowSum

    def _require_format(self, where):
        require_fixed_point(where, self.x)


@dataclass(frozen=True, eq=False)
class WideMaxStage(ElementwiseStage):
    """Maxima of windows that come whole, one a cycle: a tree of all taps of each channel.

    A maximum leaves ``1 + ceil(log2(taps))`` cycles after its window came: a register for each
    level of the tree, and the output queue. It never waits.

    Raises
    ------
    SpecError    If codes of the format do not order as their values do.
    """

    core: ClassVar[str] = "window-max-wide"
    pool: WindowMax
    x: Edge

    def __post_init__(self):
        self._require_format()

    def _require_format(self):
        require_ordered(self.where, self.x.format)

    @property
    def nodes(self):
        return (self.pool,)

    @property
    def in_lanes(self):
        return self.x.shape[-1]

    @property
    def lanes(self) -> int:
        """All channels."""
        return self.out_edge.shape[-1]

    @property
    def interval_cycles(self):
        return math.prod(self.x.shape[:-1])

    @property
    def latency_cycles(self) -> int:
        """From the transfer of a window to that of its maxima."""
        return 1 + (self.pool.taps - 1).bit_length()

    @property
    def folding(self):
        return {}

    def _joined(self, a: int, b: int) -> int:
        """Bits of what is made of two terms of so many."""
        return max(a, b)

    def _luts_per_bit(self, target) -> float:
        """LUTs for each bit of two that become one: compare and choose."""
        return 1.0 if self.x.format.bits <= FEW_BITS else LUTS_OF_MAX[target.family]

    def estimate(self, target):
        """What makes one of two, a register for each term of each level, the queue."""
        terms, waits, lut, ff = [self.x.format.bits] * self.pool.taps, 0, 0, 0
        while len(terms) > 1:
            made = list(map(self._joined, terms[::2], terms[1::2]))
            lone = terms[2 * len(made):]
            lut, ff = lut + self._luts_per_bit(target) * sum(made), ff + sum(made)
            waits = waits + 1 if lone else 0
            if not target.fabric.has_shift_luts or waits < SHORTEST_SHIFT:
                ff += sum(lone)
                lut += sum(lone) * (target.family == "ice40")
            elif waits == SHORTEST_SHIFT:       # these registers become one LUT for each bit
                lut, ff = lut + sum(lone), ff - (waits - 1) * sum(lone)
            terms = made + lone
        return self.with_queue(Cells(lut=round(lut), ff=ff), target)


@dataclass(frozen=True, eq=False)
class WideSumStage(WideMaxStage):
    """Sums of windows that come whole, one a cycle: a tree of adders.

    Raises
    ------
    SpecError    If the input is not fixed point.
    """

    core: ClassVar[str] = "window-sum-wide"
    pool: WindowSum

    def _require_format(self):
        require_fixed_point(self.where, self.x)

    def _joined(self, a, b):
        return min(self.out_edge.format.bits, max(a, b) + 1)

    def _luts_per_bit(self, target):
        return 1.0


def window_pool_of(pool: WindowMax | WindowSum, x: Edge, interval_cycles: int) -> Stage:
    """The narrowest stage that reaches ``interval_cycles``, or else the one of whole windows."""
    serial, wide = {WindowMax: (WindowMaxStage, WideMaxStage),
                    WindowSum: (WindowSumStage, WideSumStage)}[type(pool)]
    c = x.shape[-1] // pool.taps
    for lanes in divisors(c):
        if x.size // lanes <= interval_cycles:
            return serial(pool, x, lanes)
    return serial(pool, x, c) if pool.taps == 1 else wide(pool, x)
