"""Functions by straight lines: a memory of bases and slopes, and a multiplier for each lane."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Edge, Piecewise
from ...numeric import Fixed
from ..target import Cells
from .elementwise import FunctionStage, narrowest
from .product_blocks import inferred_blocks

__all__ = ["PiecewiseStage", "piecewise_of_node"]


@dataclass(frozen=True, eq=False)
class PiecewiseStage(FunctionStage):
    """``lanes`` elements a cycle: the upper bits choose a line, the lower bits go along it.

    A frame takes ``size / lanes`` cycles; a result leaves 5 cycles after its element came: the
    memory's register, product, sum, result, the output queue.

    Parameters
    ----------
    lanes : int     elements side by side, in and out; a divisor of the size
    """

    core: ClassVar[str] = "piecewise"
    latency_cycles: ClassVar[int] = 5
    lines: Piecewise
    x: Edge
    lanes: int

    @property
    def nodes(self):
        return (self.lines,)

    @property
    def place_bits(self) -> int:
        """Bits of a place in a segment."""
        return self.lines.length.bit_length() - 1

    @property
    def base_format(self) -> Fixed:
        return Fixed.covering(int(self.lines.bases.min()), int(self.lines.bases.max()))

    @property
    def slope_format(self) -> Fixed:
        return Fixed.covering(int(self.lines.slopes.min()), int(self.lines.slopes.max()))

    def rows(self) -> list[int]:
        """Base in the low bits, slope above; in the order of the upper bits of codes."""
        bases = self.base_format.encode(self.lines.bases).tolist()
        slopes = self.slope_format.encode(self.lines.slopes).tolist()
        rows = [base | slope << self.base_format.bits
                for base, slope in zip(bases, slopes, strict=True)]
        half = len(rows) // 2 if self.x.format.is_signed else 0     # negative codes are the upper
        return rows[half:] + rows[:half]

    @property
    def row_bits(self) -> int:
        return self.base_format.bits + self.slope_format.bits

    @property
    def memory_bits(self):
        return {"lines": self.lanes * len(self.lines.bases) * self.row_bits}

    def estimate(self, target):
        """Memory, multiplier, sum and clipping of each lane, and the output queue."""
        rows, out, wide = len(self.lines.bases), self.lines.format.bits, self.base_format.bits
        product = self.slope_format.bits + self.place_bits
        blocks = target.brams_for(rows, self.row_bits)
        dsp = inferred_blocks(self.slope_format, Fixed(self.place_bits, 0, False), target)
        lut = (wide + 2 * out + (0 if dsp else product * self.place_bits // 2)
               + (0 if blocks else rows * self.row_bits // 16))
        ff = (0 if blocks else self.row_bits) + self.place_bits + product + 2 * wide + out
        return self.with_queue(Cells(lut, ff, blocks, dsp), target)


def piecewise_of_node(node: Piecewise, x: Edge, interval_cycles: int) -> PiecewiseStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest."""
    return PiecewiseStage(node, x, narrowest(x.size, interval_cycles))
