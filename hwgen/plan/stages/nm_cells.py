"""Cells of the N:M core: those of a folded one, with a choice in front of each product."""

from ..target import Cells, Target
from .binary_cells import tree_parts
from .fixed_cells import costed, frame_parts, product_parts

__all__ = ["nm_cells"]

LUTS_PER_CHOICE = {"ecp5": 0.98, "ice40": 0.98}
"""Of a bit that is chosen from one input more."""


def nm_cells(stage, target: Target) -> Cells:
    """Cells of a :class:`NMStage`: ``lut`` is LUT equivalents (logic cells on an iCE40)."""
    parts, places = frame_parts(stage, target, accumulators=stage.pe), stage.pe * stage.lanes
    product = stage.weight_format.bits + stage.x.format.bits
    parts.update(product_parts(stage, stage.weight_format, stage.x.format, places, target))
    tree = tree_parts([(0, product)] * stage.lanes, stage.levels_per_register)
    parts.update({part: stage.pe * number for part, number in tree.items()})
    if stage.levels_per_register > 1:
        parts["joined"] = parts["wide_add"]
    if not parts["dsp"]:    # each place has a register of its own for its input
        parts["ff"] += (places - stage.simd) * stage.x.format.bits
    bits = places * stage.x.format.bits * (stage.reach - 1)
    choices = LUTS_PER_CHOICE.get(target.family, LUTS_PER_CHOICE["ecp5"]) * bits
    return costed(parts, target) + Cells(lut=round(choices))
