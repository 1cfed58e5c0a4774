"""Cells of the sparse engine: memories and registers counted, the rest as synthesis found it."""

from ..stages.product_blocks import asked_blocks
from ..target import Cells, Target
from .systolic_cells import LUTS_PER_PRODUCT_BIT, small_memory

__all__ = ["spmv_cells"]

CONTROL = Cells(lut=250, ff=120)
"""Commands, counters, the sweep."""

LANE = Cells(lut=30, ff=45)
"""Of a lane: flags, faults."""


def spmv_cells(spec, target: Target) -> Cells:
    """Cells of a :class:`~hwgen.plan.engines.SpmvSpec`."""
    cells = CONTROL + _edges(spec, target) + _skew(spec)
    for part in (_lane(spec), _product(spec, target), _x_banks(spec, target), _sums(spec, target)):
        cells += _times(part, spec.lanes)
    return cells


def _times(cells: Cells, count: int) -> Cells:
    return Cells(count * cells.lut, count * cells.ff, count * cells.bram, count * cells.dsp)


def _edges(spec, target) -> Cells:
    """Queues at the streams, with a row more than wait in them; the register of x."""
    cells = Cells(ff=spec.x_lanes * spec.x.bits + spec.x_row_bits + 2)
    for depth, width in ((2, 8 * spec.matrix_bytes + 1), (2, 8 * spec.x_bytes + 1),
                         (spec.queue_depth, spec.lanes * spec.accumulator.bits + 1)):
        cells += small_memory(depth + 1, width, target)
    return cells


def _skew(spec) -> Cells:
    """What delays lanes' entries and earlier lanes' sums; what goes from group to group."""
    told = (spec.x_lanes * spec.x.bits + spec.x_row_bits + spec.column_bits
            + 3 * (spec.sum_rows - 1).bit_length() + 12)
    before = sum(spec.skew_of(lane) for lane in range(spec.lanes))
    behind = spec.lanes * spec.skew_cycles - before
    return Cells(ff=8 * spec.entry_bytes * (before + 2 * spec.lanes)
                 + spec.accumulator.bits * behind + told * (spec.skew_cycles + 2))


def _lane(spec) -> Cells:
    """An entry, and the slot of its row, on their way to the sums."""
    slot = (spec.sum_rows - 1).bit_length()
    return LANE + Cells(
        lut=spec.column_bits + 3 * slot,
        ff=5 * spec.weights.bits + 12 * slot + 3 * (spec.x_lanes.bit_length() - 1))


def _product(spec, target) -> Cells:
    blocks = asked_blocks(spec.x, spec.weights, target)
    if spec.multipliers == "blocks" and blocks:
        return Cells(dsp=blocks)
    bits = spec.x.bits, spec.weights.bits
    return Cells(lut=round(LUTS_PER_PRODUCT_BIT * bits[0] * bits[1]), ff=2 * sum(bits))


def _x_banks(spec, target) -> Cells:
    """A lane's copy of x, and the choice among its banks."""
    choice = Cells(lut=spec.x.bits * (spec.x_lanes - 1), ff=spec.x.bits * (spec.x_lanes - 1))
    own = spec.x_lanes * spec.x.bits
    if spec.x_in_blocks:
        ff = 0 if target.blocks_hold_registers else own
        blocks = spec.x_lanes * target.blocks_of(spec.x_rows, spec.x.bits)
        return choice + Cells(ff=ff, bram=blocks)
    return choice + Cells(ff=2 * own) + _times(
        small_memory(spec.x_rows, spec.x.bits, target), spec.x_lanes)


def _sums(spec, target) -> Cells:
    """Two banks with what reads, zeroes and adds, and the sum of the row that is on."""
    bits, slot = spec.accumulator.bits, (spec.sum_rows - 1).bit_length()
    cells = Cells(lut=5 * bits + 4 * slot, ff=5 * bits)
    if spec.sums_in_blocks:
        ff = 0 if target.blocks_hold_registers else 2 * bits
        return cells + Cells(ff=ff, bram=2 * target.blocks_of(spec.sum_rows, bits))
    return cells + Cells(ff=4 * bits) + _times(small_memory(spec.sum_rows, bits, target), 2)
