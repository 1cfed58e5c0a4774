"""Configurations of pools behind a sliding window: tap by tap, and whole windows."""

from dataclasses import dataclass
from typing import ClassVar

from hwgen.ir import Edge, WindowMax, WindowSum
from hwgen.numeric import Fixed
from hwgen.plan.stages import WideMaxStage, WideSumStage, WindowMaxStage, WindowSumStage

from .sweep import Base

__all__ = ["POOLS", "PoolCase"]

WINDOWS = (6, 6)
"""Of a frame."""

CORES = {stage.core: stage
         for stage in (WideMaxStage, WideSumStage, WindowMaxStage, WindowSumStage)}


@dataclass(frozen=True)
class PoolCase(Base):
    """Windows of ``taps`` elements of each of ``channels``, unsigned ones of ``bits``.

    ``lanes`` channels come side by side; whole windows have all of them.
    """

    has_blocks: ClassVar[bool] = True
    core: str
    taps: int
    channels: int
    bits: int
    lanes: int | None = None

    def __str__(self):
        lanes = "" if self.lanes is None else f" lanes {self.lanes}"
        return f"{self.core} of {self.taps} u{self.bits} channels {self.channels}{lanes}"

    def stage(self, lut_inputs: int = 4):
        fmt = Fixed(self.bits, 0, False)
        edge = Edge((*WINDOWS, self.taps * self.channels), fmt, fmt.min, fmt.max)
        node = WindowMax if "max" in self.core else WindowSum
        more = () if self.lanes is None else (self.lanes,)
        return CORES[self.core](node("pool", ("x",), self.taps), edge, *more)


POOLS = (
    PoolCase("window-max-wide", 9, 4, 4), PoolCase("window-max-wide", 9, 8, 8),
    PoolCase("window-max-wide", 4, 16, 2), PoolCase("window-max-wide", 6, 6, 1),
    PoolCase("window-sum-wide", 9, 4, 4), PoolCase("window-sum-wide", 4, 8, 8),
    PoolCase("window-sum-wide", 6, 6, 5), PoolCase("window-max", 9, 8, 4, lanes=8),
    PoolCase("window-max", 4, 16, 8, lanes=2), PoolCase("window-sum", 9, 8, 4, lanes=8),
    PoolCase("window-sum", 4, 16, 8, lanes=2),
)
