"""How hardware requantises: what is multiplied, aligned and rounded, in which register."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...ir import Requantise
from ...numeric import INT32, Fixed
from ..target import Cells, Target, in_block_ram
from .scaling import Columns, Product, Scaling, product_of

__all__ = ["NARROWING_COSTS", "Narrowing", "narrowing_cells", "narrowing_parts",
           "narrowing_product", "weighed"]

DOUBLING_BITS = 30
"""Lowest bits of a product that doubling and rounding ties up in 32 bits does not look at."""

NARROWING_COSTS = {
    "ecp5": {"product": 3.3, "edge": 0.9, "masks": 1, "slices": 1.1, "narrow": 0.75, "clip": 3.2},
    "ice40": {"product": 3.1, "edge": 1.2, "masks": 1.3, "slices": 0.95, "narrow": 0.9, "clip": 2},
    "xc7": {"product": 2.35, "edge": 0.5, "masks": 0.6, "slices": 1, "narrow": 0.6, "clip": 1},
}
"""Family -> LUTs of parts of :func:`narrowing_parts`, and of products in LUTs in general; Gowin's
are those of an ECP5."""


@dataclass(frozen=True, eq=False)
class Narrowing:
    """The steps of a :class:`~hwgen.ir.Requantise` on ``n`` channels that come in turn.

    1. ``product = x * multiplier``, where some multiplier is not 1 (:mod:`.scaling`).
    2. Rounding twice: ``high = saturate(((product << left) + 2**30) >> 31)``, ``left`` of the
       channel.
    3. ``aligned = value << align``, ``align`` of the channel and the sign of x: where shifts
       differ, all are brought to the longest, :attr:`shift`, without loss.
    4. ``rounded = aligned + what makes a flooring shift round``, and a zero point.
    5. ``clip(rounded >> shift)``.

    Each step has a register, a product as many as it takes; 2 and 3 are there only where needed.

    Parameters
    ----------
    node : Requantise
    n : int             a multiple of the node's channels: after them all begins anew
    lanes : int         channels side by side, a divisor of ``n``
    x : Fixed           holds the values that come
    scaling : Scaling   what products are cut for
    in_luts : bool      whether products are made of LUTs even where there are multiplier blocks
    """

    node: Requantise
    n: int
    lanes: int
    x: Fixed
    scaling: Scaling = Scaling()
    in_luts: bool = False

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
    def product(self) -> Product:
        """How they multiply; where each lane has one multiplier only, by a constant."""
        constants = None
        if not self.multiplier_bits:
            constants = (int(self.multipliers[0]),)
        elif self.lanes == self.n:
            constants = tuple(self.multipliers.tolist())
        in_blocks = in_block_ram(self.n // self.lanes, self.lanes * self.multiplier_bits)
        return product_of(self.x, self.multiplier_format, constants, self.scaling, self.in_luts,
                          in_blocks, None if constants or in_blocks else self._columns)

    @property
    def _columns(self) -> Columns:
        """Bits of the multipliers that differ, stored in rows of all lanes."""
        codes = self.multiplier_format.encode(self.multipliers).reshape(-1, self.lanes)
        bits = codes[..., np.newaxis] >> np.arange(self.multiplier_format.bits) & 1
        differ = [lane[:, lane.min(axis=0) < lane.max(axis=0)] for lane in bits.swapaxes(0, 1)]
        each = [len(np.unique(lane, axis=1).T) for lane in differ]
        return Columns(sum(each) / self.lanes,
                       len(np.unique(np.concatenate(differ, axis=1), axis=1).T) / self.lanes)

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
    def adds(self) -> bool:
        """Whether something is added in front of the shift."""
        return (self.shift > 0 and self.rounding != "floor") or self.node.zero_point != 0

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
        product = self.product.registers if self.multiplies else 0
        return 2 + product + self.node.is_doubling + self.aligns_values

    @property
    def memory_bits(self) -> dict[str, int]:
        """Stored multipliers and shifts, where channels differ."""
        shifts = sum(self.n * (len(set(values.tolist())) - 1).bit_length()
                     for values in (self.lefts * self.node.is_doubling, self.aligns))
        stored = {"multipliers": self.n * self.multiplier_bits, "shifts": shifts}
        return {purpose: bits for purpose, bits in stored.items() if bits}

    @property
    def value_bits(self) -> tuple[int, int]:
        """Bits of the product, or of the value where there is none; and of what is rounded."""
        product = self.product.bits if self.multiplies else self.x.bits
        high = min(32, max(1, product + int(self.lefts.max()) - DOUBLING_BITS))
        aligned = (high if self.node.is_doubling else product) + int(self.aligns.max())
        return product, aligned + self.node.slope_shift


def narrowing_parts(narrowing: Narrowing, out_bits: int, target: Target) -> Counter:
    """What one lane consists of, without what is stored.

    ``product``, ``edge``: of parts of products in LUTs (:func:`.product_blocks.lut_product`);
    ``masks``: bits of rows of which each is a multiple of a bit; ``slices``: bits of the adders
    of products; ``narrow``: bits of what shifts and rounds; ``clip``: of what clips; ``ff``;
    ``lone``: of these, what no adder feeds in a product; ``dsp``.
    """
    product, wide = narrowing.value_bits
    parts, unused = narrowing_product(narrowing, target), _unused_bits(narrowing)
    if narrowing.node.is_doubling:
        high = wide - int(narrowing.aligns.max())
        parts.update(narrow=max(0, product - DOUBLING_BITS), ff=high)
    if narrowing.aligns_values:
        parts.update(narrow=wide, ff=max(1, wide - unused))
    if narrowing.adds:
        parts["narrow"] += max(0, wide - unused)
    parts["clip"] += out_bits + max(0, wide - narrowing.shift - out_bits) // 2
    parts["ff"] += max(1, wide - narrowing.shift) + out_bits
    return parts


def narrowing_product(narrowing: Narrowing, target: Target) -> Counter:
    """The product's share of :func:`narrowing_parts`."""
    if not narrowing.multiplies:
        return Counter()
    less = DOUBLING_BITS if narrowing.node.is_doubling else (
        0 if narrowing.aligns_values else _unused_bits(narrowing))
    return narrowing.product.cells(target, less)


def _unused_bits(narrowing: Narrowing) -> int:
    """Lowest bits that no rounding looks at, so that yosys keeps none of them in a register."""
    used = {"half_up": 1, "floor": 0}.get(narrowing.rounding)
    return 0 if used is None else max(0, narrowing.shift - used)


def narrowing_cells(narrowing: Narrowing, out_bits: int, target: Target) -> Cells:
    """Cells of one lane, without what is stored."""
    return weighed(narrowing_parts(narrowing, out_bits, target), target)


def weighed(parts: Counter, target: Target) -> Cells:
    """Cells of parts of :func:`narrowing_parts`."""
    costs = NARROWING_COSTS.get(target.family, NARROWING_COSTS["ecp5"])
    lut = sum(cost * parts[part] for part, cost in costs.items())
    if target.family == "ice40":
        lut += parts["lone"]
    return Cells(round(lut), parts["ff"], dsp=parts["dsp"])
