"""How hardware requantises: what is multiplied, aligned and rounded, in which register."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir import Requantise
from ...numeric import INT32, Fixed
from ..target import Cells, Target

__all__ = ["Narrowing", "narrowing_cells"]

SMALLEST_BLOCK_PRODUCT = {"ecp5": 2, "ice40": 11, "xc7": 9, "gowin": 9}
"""Family -> bits of the narrowest product for which yosys takes a multiplier block, not LUTs."""

BLOCK_PORTS = {"ecp5": (18, 18), "ice40": (16, 16), "xc7": (25, 18), "gowin": (18, 18)}
"""Family -> bits of the operands of a multiplier block."""


@dataclass(frozen=True, eq=False)
class Narrowing:
    """The steps of a :class:`~hwgen.ir.Requantise` on ``n`` channels that come in turn.

    1. ``product = x * multiplier``, where some multiplier is not 1.
    2. Rounding twice: ``high = saturate(((product << left) + 2**30) >> 31)``, ``left`` of the
       channel.
    3. ``aligned = value << align``, ``align`` of the channel and the sign of x: where shifts
       differ, all are brought to the longest, :attr:`shift`, without loss.
    4. ``rounded = aligned + what makes a flooring shift round``.
    5. ``clip(rounded >> shift)``.

    Each step has a register; 2 and 3 are there only where needed.

    Parameters
    ----------
    node : Requantise
    n : int         a multiple of the node's channels: after them all begins anew
    """

    node: Requantise
    n: int

    @cached_property
    def multipliers(self) -> np.ndarray:
        """Of each channel, int64 ``(n,)``."""
        return np.resize(self.node.multiplier, self.n)

    @property
    def multiplies(self) -> bool:
        """Whether there is a product: some multiplier is not 1."""
        return bool((self.multipliers != 1).any())

    @property
    def multiplier_format(self) -> Fixed:
        """Holds every multiplier."""
        return Fixed.covering(int(self.multipliers.min()), int(self.multipliers.max()))

    @property
    def multiplier_bits(self) -> int:
        """Bits of each stored multiplier; 0 where one constant serves all."""
        return self.multiplier_format.bits if len(set(self.multipliers.tolist())) > 1 else 0

    @cached_property
    def lefts(self) -> np.ndarray:
        """Shift to the left before the high half is taken, of each channel, int64 ``(n,)``."""
        return np.maximum(-np.resize(self.node.shifts, self.n), 0)

    @cached_property
    def aligns(self) -> np.ndarray:
        """Shift to the left of negative values that brings them to :attr:`shift`, ``(n,)``."""
        rights = np.maximum(np.resize(self.node.shifts, self.n), 0)
        return rights.max() - rights

    @property
    def shift(self) -> int:
        """Common shift to the right, after the alignment."""
        return int(np.maximum(self.node.shifts, 0).max()) + self.node.slope_shift

    @property
    def rounding(self) -> str:
        """Of that shift."""
        return "half_away" if self.node.is_doubling else self.node.rounding

    @property
    def aligns_values(self) -> bool:
        """Whether shifts differ among channels, or between signs."""
        return bool(self.aligns.any()) or self.node.slope_shift > 0

    @property
    def may_saturate_high(self) -> bool:
        """Whether a multiplier is -2**31, which times itself leaves int32."""
        return self.node.is_doubling and int(self.multipliers.min()) == INT32[0]

    @property
    def registers(self) -> int:
        """From the value to the result."""
        return 2 + self.multiplies + self.node.is_doubling + self.aligns_values

    @property
    def memory_bits(self) -> dict[str, int]:
        """Stored multipliers and shifts, where channels differ."""
        shifts = sum(self.n * (len(set(values.tolist())) - 1).bit_length()
                     for values in (self.lefts * self.node.is_doubling, self.aligns))
        stored = {"multipliers": self.n * self.multiplier_bits, "shifts": shifts}
        return {purpose: bits for purpose, bits in stored.items() if bits}

    def value_bits(self, x_bits: int) -> tuple[int, int]:
        """Bits of the product, or of the value where there is none; and of what is rounded."""
        product = x_bits + (self.multiplier_format.bits if self.multiplies else 0)
        aligned = (32 if self.node.is_doubling else product) + int(self.aligns.max())
        return product, aligned + self.node.slope_shift


def narrowing_cells(narrowing: Narrowing, x_bits: int, out_bits: int, target: Target) -> Cells:
    """Cells of one lane that takes values of ``x_bits``, without what is stored."""
    product, wide = narrowing.value_bits(x_bits)
    lut = ff = dsp = 0
    if narrowing.multiplies:
        bits = narrowing.multiplier_format.bits
        if target.dsps and product >= SMALLEST_BLOCK_PRODUCT[target.family]:
            port, other = BLOCK_PORTS[target.family]
            dsp = -(-x_bits // port) * -(-bits // other)
        ff, lut = product, 0 if dsp else bits * x_bits // 2
        lut += (dsp - 1) * product if dsp > 1 else 0
    if narrowing.node.is_doubling:
        lut, ff = lut + product - 30, ff + 32
    if narrowing.aligns_values:
        lut, ff = lut + wide, ff + wide
    if narrowing.shift and narrowing.rounding != "floor":
        lut += wide - (narrowing.shift - 1 if narrowing.rounding == "half_up" else 0)
    lut += out_bits + max(0, wide - narrowing.shift - out_bits) // 2
    ff += max(1, wide - narrowing.shift) + out_bits
    return Cells(lut, ff, dsp=dsp)
