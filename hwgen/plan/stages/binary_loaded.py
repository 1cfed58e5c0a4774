"""What a binarised core loads: planes of weights, and all that its outputs start and end with."""

from ...numeric import Fixed
from ..target import in_block_ram
from .loaded_memory import LoadedMemory

__all__ = ["loaded_memories"]

BIT = Fixed(1, 0, signed=False)


def loaded_memories(stage) -> tuple[LoadedMemory, ...]:
    """Those of a :class:`BinaryStage`: weights, starts, lowest bits, thresholds, inversions.

    Each only where weights, biases or thresholds change it. ``starts`` are the constants of outputs
    with the bias, or the middle thresholds; ``step1``, ``step2`` ... the others, a memory of each
    output side by side.
    """
    return tuple(_weights(stage) + _starts(stage) + _search(stage))


def _weights(stage):
    rows = stage.weight_row_count
    planes = rows // (stage.nf * stage.sf)
    side = "" if planes == 1 else f" of weight plane m in row (f * {planes} + m) * sf + s"
    return [LoadedMemory(
        stage.name, "weights", rows=rows, row_bits=stage.weight_row_bits, values=BIT,
        in_blocks=stage.weights_in_block_ram(rows, stage.weight_row_bits),
        contents=stage.weight_rows,
        text=f"{stage.pe} outputs x {stage.words_per_lane} planes or masks x {stage.simd} inputs,"
             f" 1 bit each{side}",
        folding={"pe": stage.pe, "simd": stage.simd, "planes": stage.words_per_lane,
                 "parity_bits": stage.parity_bits})]


def _starts(stage):
    memories = []
    if not stage.has_one_start:
        memories.append(_in_turn(stage, "starts", stage.start_format, stage.start_rows))
    if not stage.has_one_low:
        memories.append(_in_turn(stage, "lows", stage.low_format, stage.low_rows))
    return memories


def _search(stage):
    search, memories = stage.search, []
    if search is None:
        return memories
    for number in range(1, search.bits):
        fmt, rows = search.step_format(number), stage.nf << number
        memories += [LoadedMemory(
            stage.name, f"step{number}_lane{lane}", rows=rows, row_bits=fmt.bits, values=fmt,
            in_blocks=in_block_ram(rows, fmt.bits),
            contents=lambda number=number, lane=lane: search.step_rows(number, stage.pe, lane),
            text=f"a threshold of {fmt.bits} bits, less the start's; row f * {1 << number} + c is"
                 f" of output f * {stage.pe} + {lane}, of sums that so far compared as c",
            folding={"pe": stage.pe}) for lane in range(stage.pe)]
    if search.loads_inverts:
        memories.append(_in_turn(stage, "inverts", BIT, lambda: search.invert_rows(stage.pe)))
    return memories


def _in_turn(stage, holds, values, contents):
    """A value of each of the ``pe`` outputs of a fold in each row."""
    bits = stage.pe * values.bits
    return LoadedMemory.of_outputs(stage.name, holds, stage.nf, stage.pe, values, contents,
                                   in_blocks=in_block_ram(stage.nf, bits))
