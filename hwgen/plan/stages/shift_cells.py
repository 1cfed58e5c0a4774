"""Cells of the shift core, calibrated on yosys 0.69: within 20 % on ECP5 and iCE40."""

from ..target import Cells, Target
from .folded_cells import adder_tree_cells, frame_cells

__all__ = ["shift_cells"]

ONE_HOT = {"ice40": (1, 7)}
"""Family -> LUTs for each bit of a sum of exponents as a one, and besides; else 0.85 and 15."""


def shift_cells(stage, target: Target) -> Cells:
    """Cells expected of a :class:`ShiftStage`: there are no multiplier blocks."""
    bits = [stage.shifted_bits(base) + (not stage.x.format.is_signed) for base in stage.sums.bases]
    products = Cells(lut=stage.simd * stage.terms * _shifter(stage, target),
                     ff=stage.simd * sum(width + 1 for width in bits))
    tree = adder_tree_cells(max(bits), stage.simd * stage.terms, stage.levels_per_register, carry=1)
    lanes = Cells(stage.pe * (products.lut + tree.lut), stage.pe * (products.ff + tree.ff))
    return lanes + frame_cells(stage, target, accumulators=stage.pe)


def _shifter(stage, target) -> int:
    """LUTs of one: a multiplexer for each bit behind each bit of the exponent, or a one placed."""
    if stage.adds_exponents or stage.is_signs:
        each, besides = ONE_HOT.get(target.family, (0.85, 15))
        return round(each * stage.shifted_bits(0) + besides)
    most, reached, luts = stage.sums.exponents - 1, 0, stage.sums.exponents == 1
    for k in range(stage.exponent_bits):
        reached = min(most, reached + (1 << k))
        luts += stage.x.format.bits + reached
    return luts
