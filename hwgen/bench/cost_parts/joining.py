"""Configurations of what stands where branches leave and join: forks and sums."""

from dataclasses import dataclass
from typing import ClassVar

from hwgen.ir import Add, Edge
from hwgen.numeric import Fixed
from hwgen.plan.stages import AddStage
from hwgen.plan.stages.unit_cells import fork_cells
from hwgen.rtl.fork import Fork
from hwgen.rtl.stream import format_shape

from .sweep import Base

__all__ = ["JOINING", "AddCase", "ForkCase"]

ELEMENTS = 240
"""Of a frame of each input."""


@dataclass(frozen=True)
class AddCase(Base):
    """Inputs of ``bits``, each shifted to the left by one of ``shifts``, added up."""

    has_blocks: ClassVar[bool] = True
    lanes: int
    bits: tuple[int, ...]
    shifts: tuple[int, ...]
    signed: bool = False

    def __str__(self):
        sign = "s" if self.signed else "u"
        terms = " + ".join(f"{sign}{bits}{f' << {shift}' if shift else ''}"
                           for bits, shift in zip(self.bits, self.shifts, strict=True))
        return f"add {terms} lanes {self.lanes}"

    def stage(self, lut_inputs: int = 4) -> AddStage:
        names = tuple(f"x{k}" for k in range(len(self.bits)))
        top = max(self.shifts)
        formats = [Fixed(bits, top - shift, self.signed)
                   for bits, shift in zip(self.bits, self.shifts, strict=True)]
        edges = tuple(Edge((ELEMENTS,), fmt, fmt.min, fmt.max) for fmt in formats)
        return AddStage(Add("sum", names, self.shifts), edges, self.lanes)


@dataclass(frozen=True)
class Readers:
    """A stream of ``lanes`` elements of ``bits`` that so many stages read."""

    readers: int
    lanes: int
    bits: int
    interval_cycles: ClassVar[int] = 1


@dataclass(frozen=True)
class ForkCase(Base):
    """A fork alone."""

    has_blocks: ClassVar[bool] = True
    readers: int
    lanes: int = 4
    bits: int = 8

    def __str__(self):
        return f"fork to {self.readers} lanes {self.lanes} of u{self.bits}"

    def stage(self, lut_inputs: int = 4) -> Readers:
        return Readers(self.readers, self.lanes, self.bits)

    def component(self, stage):
        return Fork(format_shape(Fixed(self.bits, 0, False)), lanes=self.lanes,
                    readers=self.readers)

    def estimate(self, stage, target):
        return fork_cells(target, self.readers)


JOINING = (
    AddCase(1, (4, 4), (0, 0)), AddCase(4, (4, 4), (0, 0)), AddCase(8, (8, 8), (0, 0), True),
    AddCase(4, (8, 6), (0, 2), True), AddCase(2, (12, 12, 12), (0, 1, 0), True),
    AddCase(4, (5, 5, 5, 5), (0, 0, 0, 0)), AddCase(16, (4, 3), (0, 1)),
    ForkCase(2), ForkCase(3), ForkCase(4, lanes=1),
)
