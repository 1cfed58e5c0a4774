"""Cells of the shift core, calibrated on yosys 0.69: within 15 % on ECP5 and iCE40."""

from ..target import Cells, Target
from .binary_cells import tree_parts
from .fixed_cells import costed, frame_parts

__all__ = ["shift_cells"]

ONE_HOT = {"ice40": (1, 7)}
"""Family -> LUTs for each bit of a sum of exponents as a one, and besides; else 0.85 and 15."""


def shift_cells(stage, target: Target) -> Cells:
    """Cells expected of a :class:`ShiftStage`: there are no multiplier blocks."""
    bits = [stage.shifted_bits(base) + (not stage.x.format.is_signed) for base in stage.sums.bases]
    terms = stage.simd * stage.terms
    products = Cells(lut=stage.pe * terms * _shifter(stage, target),
                     ff=stage.pe * stage.simd * sum(width + 1 for width in bits))
    parts = frame_parts(stage, target, accumulators=stage.pe)
    # Each sum has a carry-in that goes along with it.
    tree = tree_parts([(0, max(bits) + 1)] * terms, stage.levels_per_register)
    parts.update({part: stage.pe * count for part, count in tree.items()})
    return costed(parts, target) + products


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
