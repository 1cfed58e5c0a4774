"""The fixed-point core: multiply, add, accumulate, requantise."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import Loaded, Threshold
from ...numeric import Fixed, SpecError, pack_rows
from .base import require_fixed_point
from .fixed_cells import fixed_cells
from .folded import FoldedStage, adder_levels, tree_registers
from .packing import PACKINGS, PORT_BITS, Packed, packed

__all__ = ["MULTIPLIER_REGISTERS", "FixedStage", "require_fixed", "stored_weight_format"]

MULTIPLIER_REGISTERS = 2
"""Registers of a multiplier block that are used: one at its operands, one at its product."""


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
    """``pe * simd`` multipliers, an adder tree and an accumulator per output, bias preloaded.

    Parameters
    ----------
    packing : str
        How two products may share a multiplier block, one of :data:`PACKINGS`: ``none``; ``8x8``,
        a block of two multipliers; ``18x18`` and ``25x18``, a block that multiplies the weights of
        two outputs, side by side in one operand, by the input they share. Where products are too
        wide for that to be exact (:func:`hwgen.plan.stages.packing.packed`), each has a block.
    multipliers : str
        Products of ``luts`` take the same cycles as those of ``blocks``, but for those of a
        requantise that follows; there is no packing then.

    Where one row is all that there is, weights are constants, and products made of LUTs.
    The ``pe`` outputs are taken two by two; the last of an odd number stands alone.
    """

    core: ClassVar[str] = "fixed"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = (*FoldedStage.choices, "packing", "multipliers",
                                          "weights")
    packing: str = field(default="none", kw_only=True)

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return True

    @classmethod
    def loads(cls, weights):
        """Of fixed point, of which every code is a value."""
        return isinstance(weights, Loaded) and isinstance(weights.format, Fixed)

    @classmethod
    def foldings(cls, mat_vec, x, choice):
        more = {"packing": choice["packing"]} if "packing" in choice else {}
        return [(width, folding | more) for width, folding in super().foldings(mat_vec, x, choice)]

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        if self.packing not in PACKINGS:
            raise SpecError(f"{self.where}: packing must be one of {', '.join(PACKINGS)},"
                            f" not {self.packing!r}")

    @property
    def folding(self):
        shares = 0 < self.blocks < self.pe * self.simd
        return super().folding | ({"packing": self.packing} if shares else {})

    @property
    def in_blocks(self) -> bool:
        """Whether multiplier blocks are asked for: products with constants are better without."""
        return self.multipliers == "blocks" and self.nf * self.sf > 1

    @property
    def tree_levels(self) -> int:
        """Adder levels between the products and the accumulator."""
        return adder_levels(self.simd)

    @cached_property
    def packed(self) -> Packed | None:
        """How the weights of two outputs share an operand; None where they do not."""
        if self.packing not in PORT_BITS or self.pe < 2 or not self.in_blocks:
            return None
        return packed(self.mat_vec.weights.ends, (self.x.lo, self.x.hi),
                      port_bits=PORT_BITS[self.packing], weight_bits=self.weight_format.bits,
                      terms=self.simd)

    @property
    def pairs(self) -> int:
        """Pairs of outputs whose weights share operands."""
        return self.pe // 2 if self.packed else 0

    @property
    def has_halves(self) -> bool:
        """Whether each block is two multipliers."""
        narrow = max(self.weight_format.bits, self.x.format.bits) <= 8
        return self.packing == "8x8" and narrow and self.in_blocks

    @property
    def blocks(self) -> int:
        """Multiplier blocks that products are asked of."""
        if not self.in_blocks:
            return 0
        if self.has_halves:
            return -(-self.pe * self.simd // 2)
        return (self.pe - self.pairs) * self.simd

    @property
    def macs_per_block(self) -> float:
        """Products of a block in each cycle; 0 where there is none."""
        return self.pe * self.simd / self.blocks if self.blocks else 0.0

    @property
    def split_registers(self) -> int:
        """Registers where packed products are taken apart: one where that takes a comparison."""
        return int(self.packed is not None and self.packed.compares)

    @property
    def dot_registers(self):
        """Those of the multipliers, then those of the tree."""
        return (MULTIPLIER_REGISTERS + self.split_registers
                + tree_registers(self.tree_levels, self.levels_per_register))

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.mat_vec.weights.format)

    @cached_property
    def pair_format(self) -> Fixed:
        """Of two weights as they are stored: ``w1 * 2**b + w0`` of ``b`` bits each."""
        (least, most), bits = self.mat_vec.weights.ends, self.weight_format.bits
        step = (1 << bits) + 1
        ends = Fixed.covering(min(0, least * step), max(0, most * step))
        return Fixed(max(ends.bits, bits + 1), 0, ends.is_signed)

    @property
    def weight_row_bits(self) -> int:
        """Bits of a row of :meth:`weight_rows`."""
        singles = self.pe - 2 * self.pairs
        return self.simd * (self.pairs * self.pair_format.bits + singles * self.weight_format.bits)

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order: row ``f * sf + s`` holds ``pe`` groups of ``simd``.

        Pairs of outputs come first, one group each, then the others.
        """
        folded = self.mat_vec.weights.to_dense().reshape(self.nf, self.pe, self.sf, self.simd)
        rows = folded.transpose(0, 2, 1, 3).reshape(self.nf * self.sf, self.pe, self.simd)
        alone = rows[:, 2 * self.pairs:].reshape(len(rows), -1)
        if not self.pairs:
            return pack_rows(alone, self.weight_format)
        both = rows[:, :2 * self.pairs].reshape(len(rows), self.pairs, 2, self.simd)
        words = both[:, :, 0] + (both[:, :, 1].astype(np.int64) << self.weight_format.bits)
        words = pack_rows(words.reshape(len(rows), -1), self.pair_format)
        if not alone.size:
            return words
        shift = self.pairs * self.simd * self.pair_format.bits
        return [low | high << shift for low, high in
                zip(words, pack_rows(alone, self.weight_format), strict=True)]

    @property
    def loaded(self):
        """Weights, then biases where there are any."""
        pairs = {"pair_bits": self.pair_format.bits} if self.pairs else {}
        return self.loaded_with_biases(self.weight_format, self._row_text(), pairs=self.pairs,
                                       **pairs)

    def _row_text(self) -> str:
        """How weights lie in a row."""
        fmt, apart = self.weight_format, self.pe - 2 * self.pairs
        alone = (f"{apart} outputs x {self.simd} inputs, {fmt.bits}-bit"
                 f" {'signed' if fmt.is_signed else 'unsigned'} each")
        if not self.pairs:
            return alone
        both = (f"{self.pairs} pairs of outputs x {self.simd} inputs, {self.pair_format.bits} bits"
                f" each: w0 + w1 * 2**{fmt.bits}")
        return f"{both}; then {alone}" if apart else both

    def estimate(self, target):
        return sum((memory.estimate(target) for memory in self.loaded),
                   fixed_cells(self, target))
