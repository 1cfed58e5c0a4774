"""The fixed-point core: multiply, add, accumulate, requantise."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Threshold
from ...numeric import Fixed, SpecError, pack_rows
from ..target import Cells
from .base import require_fixed_point
from .folded import FoldedStage, adder_levels, tree_registers

__all__ = ["FixedStage", "stored_weight_format", "require_fixed"]


SMALLEST_BLOCK_PRODUCT = {"ecp5": 2, "ice40": 11, "xc7": 9, "gowin": 9}
"""Family -> bits of the narrowest product for which yosys takes a multiplier block, not LUTs."""


def stored_weight_format(fmt) -> Fixed:
    """Two's complement format in which a core stores weights of ``fmt``."""
    return fmt if isinstance(fmt, Fixed) else Fixed.covering(fmt.min, fmt.max)


def require_fixed(stage) -> None:
    """Raise SpecError unless the stage reads fixed-point values and ends in integers."""
    require_fixed_point(stage.where, stage.x)
    if isinstance(stage.post, Threshold):
        raise SpecError(f"{stage.where}: what follows must be a Requantise or nothing,"
                        f" not a Threshold")


@dataclass(frozen=True, eq=False)
class FixedStage(FoldedStage):
    """``pe * simd`` multipliers, an adder tree and an accumulator per output, bias preloaded."""

    core: ClassVar[str] = "fixed"
    compares: ClassVar[bool] = False

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return True

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)

    @property
    def tree_levels(self) -> int:
        """Adder levels between the products and the accumulator."""
        return adder_levels(self.simd)

    @property
    def dot_registers(self):
        """One for the products, then those of the tree."""
        return 1 + tree_registers(self.tree_levels, self.levels_per_register)

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.mat_vec.weights.format)

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order: row ``f * sf + s`` holds ``pe`` groups of ``simd``."""
        folded = self.mat_vec.weights.to_dense().reshape(self.nf, self.pe, self.sf, self.simd)
        rows = folded.transpose(0, 2, 1, 3).reshape(self.nf * self.sf, self.pe * self.simd)
        return pack_rows(rows, self.weight_format)

    @property
    def memory_bits(self):
        bits = {"weights": self.n_out * self.n_in * self.weight_format.bits}
        if self.mat_vec.bias is not None:
            bits["bias"] = self.n_out * self.bias_format.bits
        if self.multiplier_bits:
            bits["multipliers"] = self.n_out * self.multiplier_bits
        return bits

    def estimate(self, target):
        product_bits = self.weight_format.bits + self.x.format.bits
        multipliers = self.pe * self.simd
        in_blocks = product_bits >= SMALLEST_BLOCK_PRODUCT[target.family]
        adders = self.pe * (self.simd * product_bits + self.acc_format.bits)
        post = self.pe * 3 * self.acc_format.bits if self.post is not None else 0
        operand_bits = self.pe * self.simd * self.weight_format.bits
        memory_rows = self.nf * self.sf
        bram = 0
        if self.weights_in_block_ram(memory_rows, operand_bits):
            bram = target.blocks_of(memory_rows, operand_bits)
        lut = int(1.2 * adders) + post + 80
        if not in_blocks:
            lut += int(1.4 * multipliers * self.weight_format.bits * self.x.format.bits)
        if not bram:
            lut += memory_rows * operand_bits // 16
        bram += target.brams_for(2 * self.sf, self.simd * self.x.format.bits)
        ff = operand_bits + multipliers * product_bits + adders
        return Cells(lut, ff, bram, multipliers * in_blocks)
