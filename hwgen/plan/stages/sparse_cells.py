"""Cells of the sparse core, from its memories: counted structure, calibrated on Yosys 0.69."""

from dataclasses import dataclass

from ..target import Cells, Target
from .narrowing import narrowing_product, weighed
from .product_blocks import inferred_blocks

__all__ = ["sparse_cells"]

SMALLEST_BLOCK_BANK = 64
"""Bits above which yosys puts a bank of accumulators into block RAM where there is no LUT RAM."""

LUT_RAM_CELLS = 6
"""LUTs that 16 rows of 4 bits take up on an ECP5."""

REGISTER_SHARE = 0.8
"""Flip-flops of an iCE40 that share their logic cell with no LUT."""

LUTS_PER_ROM_BIT = 1.8 / 16

LUTS_PER_MASK_BIT, LUTS_PER_ROW_BIT = 3.5, 0.8
"""To take the lowest bit away, and, for each bit of its number, to say that."""

LUTS_PER_LOOK = 1.5
"""Of each bit of an activation that is looked at beside another."""

LUTS_PER_CHOICE = 2 / 3
"""Of a bit that is chosen from one value more."""


@dataclass(frozen=True)
class _Counter:
    """Cells of the parts on ``target``; ``lut`` is what they take from ``target.luts``."""

    target: Target

    def rom(self, depth: int, width: int) -> Cells:
        """Constant rows, read through a register."""
        blocks = self.target.brams_for(depth, width)
        if blocks:
            return Cells(bram=blocks)
        return self.logic(depth * width * LUTS_PER_ROM_BIT, width)

    def fifo(self, depth: int, width: int) -> Cells:
        """Queue that is read without a register."""
        if self.target.has_lut_ram:
            return self.logic(-(-depth // 16) * -(-width // 4) * LUT_RAM_CELLS + 25, 12)
        return self.logic(0.9 * depth * width + 12, depth * width + 10)

    def accumulators(self, depth: int, width: int) -> Cells:
        """One bank: read and written in each cycle."""
        if not self.target.has_lut_ram and depth * width > SMALLEST_BLOCK_BANK:
            return Cells(bram=max(1, self.target.brams_for(depth, width)))
        if not self.target.has_lut_ram:
            return self.logic(depth * width, depth * width)
        return self.logic(-(-depth // 16) * -(-width // 4) * LUT_RAM_CELLS, 0)

    def logic(self, lut: float, ff: int) -> Cells:
        """LUTs and flip-flops, which on an iCE40 seldom share a cell."""
        lone = 0 if self.target.has_lut_ram else REGISTER_SHARE * ff
        return Cells(lut=int(lut + lone), ff=ff)


def _element(stage, count: _Counter) -> Cells:
    """Queue, walker, multiplier and accumulators of one element, without its entries."""
    in_bits, acc_bits = stage.x.format.bits, stage.acc_format.bits
    columns, has_signs = stage.columns, stage.values == "signs"
    weight_bits = 1 if has_signs else stage.weight_format.bits
    address = columns.start_bits + columns.left_bits
    rows, many = stage.block_rows, stage.block_weights
    multipliers = 0 if has_signs or stage.multiplies_in_luts else many * inferred_blocks(
        stage.weight_format, stage.x.format, count.target)
    lut = 115 + 2 * acc_bits * rows + address
    lut += 0 if multipliers else 1.2 * weight_bits * in_bits * many
    # Products of a block's row are added up, with a register behind each level.
    sums, product = rows * (stage.block_columns - 1), weight_bits + in_bits
    lut += sums * (product + 1)
    ff = (16 + address + 3 * in_bits * stage.block_columns + many * (in_bits + 2 * weight_bits)
          + 2 * columns.row_bits + acc_bits * rows + sums * (product + 1))
    if stage.values == "codes":
        lut += many * _codebook_luts(stage)
    if stage.index == "relative":
        lut += columns.row_bits + 1
    elif stage.index == "mask":
        lut += (LUTS_PER_MASK_BIT + LUTS_PER_ROW_BIT * columns.row_bits) * columns.nf
        ff += 2 * columns.nf
    bank = count.accumulators(stage.nf, acc_bits * rows)
    queue = count.fifo(stage.queue_depth, address + in_bits * stage.block_columns + 1)
    return queue + bank + bank + count.logic(lut, ff) + Cells(dsp=multipliers)


def _lane(stage, count: _Counter) -> Cells:
    """What follows the elements, of one result that is sent side by side with others."""
    acc_bits, lut, ff = stage.acc_format.bits, 0, 0
    if stage.groups > 1:
        lut, ff = acc_bits * LUTS_PER_CHOICE * (stage.groups - 1), acc_bits
    if stage.post is None:
        return count.logic(lut, ff)
    # Its adders are about what the accumulators then save, and so are their registers behind a
    # product, which has its own.
    product = weighed(narrowing_product(stage.narrowing, count.target), count.target)
    return product + count.logic(lut, ff + 12 + acc_bits * (product.ff == 0))


def _codebook_luts(stage) -> float:
    """LUTs of a codebook, which is too small for block RAM."""
    return len(stage.codebook) * stage.weight_format.bits * LUTS_PER_ROM_BIT


def _pointers(stage, count: _Counter) -> Cells:
    columns = stage.columns
    if stage.pointers == "counts":
        return count.rom(stage.column_count,
                         stage.pe * (columns.start_bits + columns.left_bits))
    bank = count.rom((stage.column_count + 1) // 2, stage.pe * columns.end_bits)
    return bank + bank + count.logic(stage.pe * 2 * columns.end_bits, 1)


def _waiting(stage, count: _Counter) -> Cells:
    """Registers of the column that waits behind the pointers."""
    columns = stage.columns
    return count.logic(0, stage.pe * (columns.start_bits + columns.left_bits)
                       + stage.x.format.bits * stage.block_columns + 2)


def sparse_cells(stage, target: Target) -> Cells:
    """Cells of a :class:`SparseStage`: ``lut`` is LUT equivalents (logic cells on an iCE40)."""
    count, rows = _Counter(target), stage.row_outputs * stage.acc_format.bits
    total = count.fifo(stage.fifo_depth, stage.out_lanes * stage.out_edge.format.bits + 1)
    if stage.column_groups > 1:
        total += count.logic((stage.column_groups - 1) * rows, (stage.column_groups - 1) * rows)
    lane = _lane(stage, count)
    for _ in range(stage.out_lanes):
        total += lane
    return sum((_part(part, count) for part in stage.parts), total)


def _part(stage, count: _Counter) -> Cells:
    """What looks at activations and broadcasts them, and the elements."""
    columns = stage.columns
    column_bits = max(1, (stage.column_count - 1).bit_length())
    in_bits = stage.x.format.bits * stage.block_columns
    total = (_pointers(stage, count)
             + count.rom(stage.nf, stage.row_outputs * stage.bias_format.bits)
             + count.fifo(stage.queue_depth, column_bits + in_bits + 1)
             + count.logic(100 + (stage.simd - 1) * LUTS_PER_LOOK * in_bits, 40)
             + _waiting(stage, count))
    if stage.skips:
        total += count.rom(stage.column_count // stage.simd, stage.simd)
    element = _element(stage, count)
    for rows in columns.memory_rows.tolist():
        total += element + count.rom(rows, stage.entry_bits)
    return total
