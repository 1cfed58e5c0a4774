"""Cells of the folded binarised core."""

from ..target import Cells, Target

__all__ = ["binary_cells"]


def binary_cells(stage, target: Target) -> Cells:
    """Cells of a :class:`BinaryStage`."""
    acc_bits = stage.acc_format.bits
    pairs = stage.pe * stage.simd * stage.planes
    lut = int(3.1 * pairs) + stage.pe * 2 * acc_bits + 80
    row_bits = stage.pe * stage.simd * stage.words_per_lane
    rows = stage.n_out * stage.n_in * len(stage.weight_planes) * stage.weight_planes[0].words
    rows //= row_bits
    ff = row_bits + stage.simd + stage.pe * 3 * acc_bits + 60
    bram = target.brams_for(rows, row_bits)
    if not bram:
        lut += rows * row_bits // 16
    x_bits = stage.simd * stage.x.format.bits
    bram += target.brams_for(2 * stage.sf, x_bits)
    if not target.has_lut_ram:
        bram += -(-x_bits // target.bram_width) * (stage.sf > 1)
    return Cells(lut, ff, bram, 0)
