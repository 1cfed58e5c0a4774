"""The binarised core: XNOR, popcount, accumulate, threshold."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...ir import Requantise
from ...numeric import Bipolar, SpecError, pack_rows
from ..target import Cells
from .folded import FoldedStage, adder_levels

__all__ = ["BinaryStage"]


@dataclass(frozen=True, eq=False)
class BinaryStage(FoldedStage):
    """Bipolar weights times bipolar inputs.

    With ``p`` the count of equal bits, ``W x = 2 p - n_in``; the core counts ``p`` and compares it
    with ``ceil((threshold - bias + n_in) / 2)``, or sends ``2 p - n_in + bias``
    (BNN, arXiv 1602.02830; FINN, arXiv 1612.07119).
    """

    core: ClassVar[str] = "binary"

    @classmethod
    def suits(cls, mat_vec, x):
        return isinstance(mat_vec.weights.format, Bipolar) and isinstance(x.format, Bipolar)

    def __post_init__(self):
        super().__post_init__()
        for what, fmt in (("weights", self.mat_vec.weights.format), ("input", self.x.format)):
            if not isinstance(fmt, Bipolar):
                raise SpecError(f"{self.where}: {what} must be bipolar, not {fmt};"
                                f" choose the fixed core")
        if isinstance(self.post, Requantise):
            raise SpecError(f"{self.where}: what follows must be a Threshold or nothing,"
                            f" not a Requantise")

    @property
    def tree_levels(self) -> int:
        """One level turns three bits into a two-bit count; adders follow."""
        return 1 + adder_levels(-(-self.simd // 3))

    @property
    def count_bits(self) -> int:
        """Bits of the popcount accumulator."""
        return self.n_in.bit_length()

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order: row ``f * sf + s`` holds ``pe`` groups of ``simd`` bits."""
        folded = self.mat_vec.weights.to_dense().reshape(self.nf, self.pe, self.sf, self.simd)
        rows = folded.transpose(0, 2, 1, 3).reshape(self.nf * self.sf, self.pe * self.simd)
        return pack_rows(rows, Bipolar())

    def count_thresholds(self) -> np.ndarray:
        """Smallest popcount for which the comparison holds, int64 ``(n_out,)``, 0 .. n_in + 1."""
        shifted = self.post.thresholds - self.mat_vec.bias_or_zero + self.n_in
        return np.clip((shifted + 1) >> 1, 0, self.n_in + 1)

    @property
    def threshold_bits(self) -> int:
        return (self.n_in + 1).bit_length()

    @property
    def memory_bits(self):
        bits = {"weights": self.n_out * self.n_in}
        if self.post is not None:
            bits["thresholds"] = self.n_out * (self.threshold_bits + 1)
        elif self.mat_vec.bias is not None:
            bits["bias"] = self.n_out * self.bias_format.bits
        return bits

    def estimate(self, target):
        lut = int(self.pe * (3.1 * self.simd + 2 * self.count_bits)) + 80
        if self.post is not None:
            lut += self.pe * self.threshold_bits
        ff = self.pe * self.simd + self.simd + self.pe * 3 * self.count_bits + 60
        bram = target.brams_for(self.nf * self.sf, self.pe * self.simd)
        if not bram:
            lut += self.nf * self.sf * self.pe * self.simd // 16
        bram += target.brams_for(2 * self.sf, self.simd)
        if not target.has_lut_ram:
            bram += -(-self.simd // target.bram_width) * (self.sf > 1)
        return Cells(lut, ff, bram, 0)
