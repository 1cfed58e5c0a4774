"""Cells of the systolic array: registers and carry chains counted, the rest from synthesis."""

from ..stages.product_blocks import asked_blocks
from ..target import Cells, Target

__all__ = ["LUTS_PER_PRODUCT_BIT", "small_memory", "systolic_cells"]

CONTROL = Cells(lut=150, ff=60)
"""Commands, counters, credits."""

LUTS_PER_PRODUCT_BIT = 1.35
"""Of a product in LUTs, for each bit of one operand and of the other."""


def systolic_cells(spec, target: Target) -> Cells:
    """Cells of a :class:`~hwgen.plan.engines.SystolicSpec`."""
    return (CONTROL + _edges(spec, target) + _grid(spec) + _products(spec, target)
            + _sums(spec, target) + _queue(spec, target))


def _edges(spec, target) -> Cells:
    """Queues of two beats at the inputs, and the registers between them and the grid."""
    bits = spec.rows * spec.x.bits + spec.columns * spec.weights.bits
    widths = [8 * size + 1 for size in (spec.x_bytes, spec.weight_bytes)]
    cells = Cells(ff=bits)
    for width in widths:
        cells += small_memory(2, width, target)
    return cells


def _grid(spec) -> Cells:
    """Elements with their adders, and what delays rows and columns."""
    rows, columns = spec.rows, spec.columns
    sums = [spec.sum_of(row + 1).bits for row in range(rows)]
    ff = spec.macs * (spec.x.bits + 2 * spec.weights.bits + 2) + columns * sum(sums)
    ff += _triangle(rows) * spec.x.bits + _triangle(columns) * (spec.weights.bits + sums[-1])
    ff += 2 * rows
    return Cells(lut=columns * sum(sums[1:]), ff=ff)


def _triangle(side: int) -> int:
    return side * (side - 1) // 2


def _products(spec, target) -> Cells:
    blocks = spec.macs * asked_blocks(spec.x, spec.weights, target)
    if spec.multipliers == "blocks" and blocks:
        return Cells(dsp=blocks)
    bits = spec.x.bits, spec.weights.bits
    return Cells(lut=round(spec.macs * LUTS_PER_PRODUCT_BIT * bits[0] * bits[1]),
                 ff=spec.macs * 2 * sum(bits))


def _sums(spec, target) -> Cells:
    """Accumulators, their adders, and the flags that go along with the vectors."""
    width = spec.columns * spec.accumulator.bits
    cells = Cells(lut=width, ff=width + 4 * spec.array_cycles + 4 * (spec.depth - 1).bit_length())
    if spec.accumulators_in_blocks:
        own = 0 if target.blocks_hold_registers else width
        return cells + Cells(ff=own, bram=target.blocks_of(spec.depth, width))
    return cells + Cells(ff=2 * width) + small_memory(spec.depth, width, target)


def _queue(spec, target) -> Cells:
    """The queue of results, and the edge with its second register."""
    width = spec.columns * spec.accumulator.bits + 1
    return Cells(lut=width, ff=2 * width) + small_memory(spec.queue_depth, width, target)


def small_memory(depth: int, width: int, target: Target) -> Cells:
    """Cells of a memory in LUTs, read without a register; of registers, where LUTs hold none."""
    if not target.has_lut_ram:
        return Cells(lut=depth * width, ff=depth * width)
    banks = -(-depth // 16)
    return Cells(lut=banks * -(-width // 4) * 6 + width * (banks - 1))
