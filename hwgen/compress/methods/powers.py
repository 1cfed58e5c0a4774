"""Networks of weights that are powers of two, or sums of some; they run on the shift core."""

from dataclasses import dataclass
from typing import ClassVar

from ..powers import PowerWeights, ShiftSumWeights
from .integers import Integers

__all__ = ["ALL", "Powers", "ShiftCNN"]


@dataclass(frozen=True, kw_only=True)
class Powers(Integers):
    """0 and powers of two, by the rule of INQ without its schedule; runs on the shift core."""

    kind: ClassVar[str] = "powers"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "weights are powers of two or 0 (the rule of INQ, trained at once)"
    source: ClassVar[str] = "arXiv 1702.03044, eq. 4"
    bits: int = 5
    activation_bits: int = 4

    def check(self):
        super().check()
        self.require_int("bits", 2, 6)

    def weights(self):
        """Powers of two."""
        return PowerWeights(self.bits)


@dataclass(frozen=True, kw_only=True)
class ShiftCNN(Integers):
    """Sums of ``terms`` powers of two; runs on the shift core."""

    kind: ClassVar[str] = "shiftcnn"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "weights are sums of a few powers of two (ShiftCNN)"
    source: ClassVar[str] = "arXiv 1706.02393"
    terms: int = 2
    bits: int = 4
    activation_bits: int = 4

    def check(self):
        super().check()
        self.require_int("terms", 1, 4)
        self.require_int("bits", 2, 5)

    def weights(self):
        """Sums of powers."""
        return ShiftSumWeights(self.terms, self.bits)


ALL = (Powers, ShiftCNN)
"""The steps."""
