"""Cells of the units around the matrix of a convolution: windows and pools.

Their registers are counted; their LUTs are so many for each bit of the counters that walk over the
map, and those of the memory and of the data.
"""

import math

from ..target import SMALLEST_BLOCK_BITS, Cells, Target, in_block_ram

__all__ = ["counter_bits", "fork_cells", "output_queue_cells", "queue_cells", "unit_cells"]

LUTS_PER_COUNTER_BIT = {"ecp5": 1.0, "ice40": 1.1, "xc7": 0.78, "gowin": 1.0}
"""Against those of an ECP5."""

LUT_RAM = {"xc7": (32, 6, 4)}
"""Family -> rows and bits of a bank of LUT RAM, and the LUTs it takes; of the others 16, 4, 6."""

LONE_SHARE = 0.8
"""Data registers of an iCE40 that find no LUT to share a logic cell with."""


def counter_bits(*counts: int) -> int:
    """Bits of counters that take so many values."""
    return sum(max(0, count - 1).bit_length() for count in counts)


def unit_cells(target: Target, *, counters: int, luts_per_bit: float, data_ff: int, data_lut: float,
               memory: tuple[int, int], in_blocks: bool) -> Cells:
    """Cells of a unit.

    Parameters
    ----------
    counters : int              bits of all counters
    luts_per_bit : float        of a counter, with what compares it, on an ECP5
    data_ff, data_lut : number  of the data path
    memory : (depth, width)     rows, and bits of a row
    in_blocks : bool            whether the generator insists on block RAM
    """
    lut = luts_per_bit * LUTS_PER_COUNTER_BIT[target.family] * counters + data_lut
    own = _memory(target, *memory, in_blocks) if memory[1] else Cells()
    lone = LONE_SHARE * (data_ff + own.ff) if target.family == "ice40" else 0
    return Cells(lut=round(lut + lone), ff=counters + data_ff) + own


def queue_cells(target: Target, depth: int, data_bits: int) -> Cells:
    """Cells of a queue of so many bits a beat, 0 of depth 0; one waits in a register."""
    if not depth:
        return Cells()
    memory = depth - 1, data_bits
    return unit_cells(target, counters=3 * counter_bits(depth), luts_per_bit=2, data_ff=1,
                      data_lut=0, memory=memory, in_blocks=in_block_ram(*memory))


def output_queue_cells(target: Target, depth: int, width: int, beats: int) -> Cells:
    """Cells of the output queue of a core that never stops: rows read without a register.

    With its credits, its places, and the count of the ``beats`` of a frame. Where LUTs hold no
    memories the rows are flip-flops, each in a logic cell of its own, and LUTs that choose.
    """
    counters = counter_bits(beats, depth, depth, depth + 1, depth + 1)
    lut, ff = round(2 * LUTS_PER_COUNTER_BIT[target.family] * counters), counters
    if not target.has_lut_ram:
        return Cells(lut=lut + (2 * depth - 1) * width, ff=ff + depth * width)
    rows, bits, luts = LUT_RAM.get(target.family, (16, 4, 6))
    return Cells(lut=lut + -(-depth // rows) * -(-width // bits) * luts, ff=ff)


def fork_cells(target: Target, readers: int) -> Cells:
    """Cells of a fork: for each reader whether it has had the beat, and what they wait for."""
    lut = 3 * readers - 1 if target.fabric.lut_inputs > 4 else round(4.5 * readers) - 4
    return Cells(lut=lut, ff=readers)


def _memory(target: Target, depth: int, width: int, in_blocks: bool) -> Cells:
    """Written and read through a register, which is a flip-flop where no block is the memory."""
    if in_blocks:
        return _blocks(target, target.brams_for(depth, width), width)
    if target.has_lut_ram:
        rows, bits, luts = LUT_RAM.get(target.family, (16, 4, 6))
        banks = -(-depth // rows)
        choose = width * math.ceil((banks - 1) * (0.35 if target.fabric.lut_inputs > 4 else 0.75))
        return Cells(lut=banks * -(-width // bits) * luts + choose, ff=width)
    if depth * min(width, target.bram_width) <= SMALLEST_BLOCK_BITS:
        return Cells(lut=depth * width // 2, ff=(depth + 1) * width)
    rows = target.bram_bits // target.bram_width
    return _blocks(target, -(-width // target.bram_width) * -(-depth // rows), width)


def _blocks(target: Target, blocks: int, width: int) -> Cells:
    """Blocks, and what gives the old row where one is read as it is written; Xilinx' do so."""
    if target.family == "xc7":
        return Cells(bram=blocks)
    return Cells(lut=width, ff=2 * width + 8, bram=blocks)
