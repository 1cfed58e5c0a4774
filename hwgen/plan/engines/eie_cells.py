"""Cells of the EIE engine: memories and carry chains counted, the rest fitted to synthesis."""

from ..stages.product_blocks import asked_blocks
from ..stages.sparse_storage import bits_for
from ..target import Cells, Target, in_block_ram
from .eie_timing import COPIES, DRAIN_CYCLES, HIT_CYCLES

__all__ = ["eie_cells"]

LOADER, DECODER, CONTROL = Cells(lut=520, ff=315), Cells(lut=140, ff=80), Cells(lut=230, ff=150)
"""What takes the weights; what decodes them; what runs the layers and takes vectors."""

LUTS_PER_CHOICE = 2 / 3
"""Of a bit that is chosen from one value more."""


def eie_cells(spec, target: Target) -> Cells:
    """Cells of an :class:`~hwgen.plan.engines.EieSpec`."""
    cells = LOADER + CONTROL + _front(spec, target) + _memory(
        1 << 1 + bits_for(spec.beats), spec.lanes * spec.x.bits, target)
    if spec.huffman:
        cells += DECODER
    if spec.delta:
        cells += _references(spec, target)
    cells += Cells(lut=sum(map(spec.parameter_bits, spec.parameters)),
                   ff=sum(map(spec.parameter_bits, spec.parameters)))
    cells += Cells(ff=_passed(spec) * (1 + spec.pe) + min(COPIES, spec.lanes) * (
        2 * spec.accumulator_bits + spec.parameter_bits("shift")))
    element, lane = _element(spec, target), _lane(spec, target)
    for _ in range(spec.pe):
        cells += element
    for _ in range(spec.lanes):
        cells += lane
    return cells


def _memory(depth: int, width: int, target: Target) -> Cells:
    """Rows that are read through two registers."""
    if in_block_ram(depth, width):
        own = 0 if target.blocks_hold_registers else width
        return Cells(ff=own, bram=target.blocks_of(depth, width))
    return _small(depth, width, target) + Cells(ff=2 * width)


def _small(depth: int, width: int, target: Target) -> Cells:
    """Rows that are read without a register."""
    if not target.has_lut_ram:
        return Cells(lut=depth * width, ff=depth * width)
    banks = -(-depth // 16)
    return Cells(lut=banks * -(-width // 4) * 6 + width * (banks - 1))


def _front(spec, target) -> Cells:
    """From the beat that is read to the column's number."""
    sent = spec.sent.bits
    look = round(spec.lanes * (sent / 3 + 4 + sent * LUTS_PER_CHOICE))
    ff = 2 * spec.lanes * (sent + 1) + 7 * spec.column_bits + HIT_CYCLES * (sent + 1)
    return Cells(lut=look + 3 * spec.column_bits, ff=ff)


def _passed(spec) -> int:
    """Registers of a number that elements pass on: what it is, its row, its bits."""
    rows = max(spec.column_bits, spec.address_bits, *map(bits_for, (
        spec.codebook_rows, spec.biases)))
    return 13 + rows + max(spec.pointer_bits, spec.entry_bits, spec.weights.bits,
                           spec.accumulator_bits)


def _element(spec, target) -> Cells:
    """Pointers, queue, walker, entries, codebook, product and sums of an element."""
    pointer, accumulator, sent = spec.pointer_bits, spec.accumulator_bits, spec.sent.bits
    column = spec.address_bits + spec.count_bits + sent
    bank = _memory(1 << spec.column_bits - 1, pointer, target) if spec.column_bits > 1 else Cells()
    cells = bank + bank + _memory(1 << spec.address_bits, spec.entry_bits, target)
    cells += _memory(1 << bits_for(spec.codebook_rows), spec.weights.bits, target)
    cells += _small(spec.queue_rows, column, target)
    rows = 1 << spec.row_bits
    blocks = asked_blocks(spec.weights, spec.sent, target)
    lut = 6 * pointer + 2 * column + 6 * spec.row_bits + 3 * accumulator + 280
    ff = (2 * pointer + spec.address_bits + column + 4 * sent + 6 * spec.row_bits
          + 3 * accumulator + 103)
    if in_block_ram(rows, accumulator):
        cells += Cells(bram=target.blocks_of(rows, accumulator))
    else:
        cells += _small(rows, accumulator, target) + Cells(ff=accumulator)
    if not blocks:
        cells += Cells(lut=round(1.35 * spec.weights.bits * sent))
    return cells + Cells(lut=lut, ff=ff, dsp=blocks)


def _lane(spec, target) -> Cells:
    """What narrows a result and queues it, and the edges."""
    bits = spec.accumulator_bits
    cells = _memory(1 << bits_for(spec.biases), bits, target) + _small(
        spec.result_rows, bits, target)
    lut = bits * (LUTS_PER_CHOICE * (spec.groups - 1) + 1 + 2 + 3)
    ff = 7 * bits + 2 * spec.x.bits + DRAIN_CYCLES
    return cells + Cells(lut=round(lut), ff=ff)


def _references(spec, target) -> Cells:
    """What was sent last, and by how much it moved."""
    bits = spec.lanes * spec.x.bits
    return _memory(1 << bits_for(spec.reference_rows), bits, target) + Cells(
        lut=5 * bits, ff=4 * bits + spec.lanes)
