"""Cells that all folded cores of fixed-point values have: memories, counters, accumulators, queue.

Fitted to what yosys 0.69 counts for the shift and the codebook core on ECP5 and iCE40; of the other
families the LUTs are those of an ECP5.
"""

from ..target import Cells, Target
from .narrowing import narrowing_cells

__all__ = ["adder_tree_cells", "frame_cells", "in_luts", "ram_cells"]

LUTS_PER_COUNTER_BIT = 2.2
LUTS_PER_ROM_BIT = 1 / 16
STAGE = 30
LONE_SHARE = 0.8
"""Operand registers of an iCE40 that find no LUT to share a logic cell with."""

SMALLEST_BLOCK_BITS = 64
"""Bits in a block up to which yosys builds a memory of flip-flops instead."""


def in_luts(target: Target, luts: float, lone_ff: float = 0) -> int:
    """LUTs, on an iCE40 with the flip-flops that take a logic cell of their own."""
    return round(luts + (LONE_SHARE * lone_ff if target.family == "ice40" else 0))


def ram_cells(target: Target, depth: int, width: int) -> Cells:
    """Rows that are written, and read without a register: flip-flops where LUTs hold none."""
    if not target.has_lut_ram:
        return Cells(lut=round(1.7 * depth * width), ff=depth * width)
    banks = -(-depth // 16)
    return Cells(lut=round(banks * -(-width // 4) * 6 + 0.75 * (banks - 1) * width))


def adder_tree_cells(bits: int, terms: int, levels_per_register: int, *, carry: int = 0) -> Cells:
    """A tree of ``terms`` of ``bits``, each with ``carry`` bits more to be registered."""
    lut = ff = level = 0
    while terms > 1:
        level, bits = level + 1, bits + 1
        lut += terms // 2 * bits
        terms = -(-terms // 2)
        ff += terms * (bits + carry) * (level % levels_per_register == 0)
    return Cells(lut, ff)


def frame_cells(stage, target: Target, *, accumulators: int) -> Cells:
    """Of a :class:`FoldedStage` all but its arithmetic between operands and ``accumulators``."""
    cells = _weights(stage, target) + _inputs(stage, target)
    queue = stage.pe * stage.out_edge.format.bits + 1
    cells += ram_cells(target, stage.fifo_depth, queue)
    rows, depth = stage.nf * stage.sf, 2 * stage.sf
    counters = (2 * depth.bit_length() + 3 * _bits(depth) + _bits(stage.sf) + 2 * _bits(stage.nf)
                + _bits(rows) + 4 * _bits(stage.fifo_depth))
    flags = 3 * (stage.dot_registers + 2)
    bits = accumulators * stage.acc_format.bits
    per_bit = 2.1 if target.family == "ice40" else 1
    cells += Cells(round(STAGE + LUTS_PER_COUNTER_BIT * counters + per_bit * bits),
                   counters + flags + bits)
    if stage.mat_vec.bias is not None and stage.nf > 1:
        width = stage.pe * stage.bias_format.bits
        cells += Cells(round(stage.nf * width * LUTS_PER_ROM_BIT), width)
    if stage.narrowing is not None:
        lane = narrowing_cells(stage.narrowing, stage.acc_format, stage.out_edge.format.bits,
                               target)
        cells += Cells(stage.pe * lane.lut, stage.pe * lane.ff, dsp=stage.pe * lane.dsp)
    return cells


def _weights(stage, target) -> Cells:
    """Their memory, and the operand register behind it."""
    rows, width = stage.nf * stage.sf, stage.weight_row_bits
    if rows == 1:
        return Cells()
    if stage.weights_in_block_ram(rows, width):
        return Cells(in_luts(target, 0, width), width, target.blocks_of(rows, width))
    return Cells(in_luts(target, rows * width * LUTS_PER_ROM_BIT, width), 2 * width)


def _inputs(stage, target) -> Cells:
    """The two vectors and the operand register behind them."""
    depth, width = 2 * stage.sf, stage.row_bits
    small = depth * min(width, target.bram_width) <= SMALLEST_BLOCK_BITS
    if stage.inputs_in_block_ram or not (target.has_lut_ram or small):
        rows = target.bram_bits // target.bram_width
        blocks = -(-width // target.bram_width) * -(-depth // rows)
        return Cells(in_luts(target, 0, width), width, blocks)
    return ram_cells(target, depth, width) + Cells(ff=2 * width)


def _bits(count: int) -> int:
    return max(0, count - 1).bit_length()
