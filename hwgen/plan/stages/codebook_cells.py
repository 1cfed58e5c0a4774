"""Cells of the codebook core, calibrated on yosys 0.69: within 15 % on ECP5 and iCE40."""

from ..target import Cells, Target
from .binary_cells import tree_parts
from .fixed_cells import costed, frame_parts
from .product_blocks import asked_blocks

__all__ = ["codebook_cells"]

LUTS_PER_SUM_BIT = 6
"""Of a lane: adder, choice of the bank at either end, clearing, places."""

LUTS_PER_STORED_BIT = 2.1
"""Where no LUT is a memory, all sums are flip-flops, and each is chosen from."""

WALK_LUTS, WALK_FF = 20, 15
"""Of what walks through the centroids."""


def codebook_cells(stage, target: Target) -> Cells:
    """Cells expected of a :class:`CodebookStage`."""
    lanes, ways = stage.pe * stage.simd, stage.ways
    bits = stage.lane_format.bits
    lane, depth = LUTS_PER_SUM_BIT * bits, max(2, stage.entries)
    if target.has_lut_ram:
        cells = Cells(lut=lanes * (lane + 2 * -(-depth // 16) * -(-bits // 4) * 6))
    else:
        stored = lanes * 2 * depth * bits
        cells = Cells(round(LUTS_PER_STORED_BIT * stored), stored)
    parts = frame_parts(stage, target, accumulators=ways)
    tree = tree_parts([(0, bits)] * stage.simd, stage.levels_per_register)
    parts.update({part: ways * count for part, count in tree.items()})
    chosen = stage.simd * bits * -(-2 * (stage.group - 1) // 3)
    gathered = stage.group * stage.acc_format.bits * (stage.group > 1)
    waits = stage.centroid_format.bits * stage.tree_registers + 3 * stage.multiply_registers
    cells += Cells(ways * chosen + WALK_LUTS,
                   ways * (stage.simd * bits + gathered) + WALK_FF + waits)
    return costed(parts, target) + cells + _products(stage, target, ways)


def _products(stage, target, ways) -> Cells:
    sums, centroids = stage.sum_format, stage.centroid_format
    blocks = 0 if stage.multiplies_in_luts else asked_blocks(sums, centroids, target)
    if blocks:
        return Cells(dsp=ways * blocks)
    return Cells(lut=round(1.4 * ways * sums.bits * centroids.bits),
                 ff=2 * ways * (sums.bits + centroids.bits))
