"""Products of a requantise: cut into parts that fit a multiplier block, or added up in LUTs.

However wide a product is, between two registers of it lies at most one block, or as many adders as
the clock allows: its parts (:mod:`.product_parts`) are weighed and added up in a tree
(:mod:`.weighed_sum`).
"""

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, NamedTuple

from ...numeric import Fixed, SpecError, as_int
from ..target import Target
from .adder_digits import ones
from .block_adders import Room, in_one_block
from .product_blocks import asked_blocks, lut_product
from .product_parts import BLOCK_PORTS, LEAST_BITS, Part, parts_of
from .product_sum import sum_cells
from .weighed_sum import Addend, addends_of, sum_levels

__all__ = ["MULTIPLIERS", "BlockProduct", "Columns", "ConstantProduct", "Product", "RowProduct",
           "Scaling", "product_of"]

MULTIPLIERS = ("blocks", "luts")
"""Of what products are made."""

MOST_DIGITS = 2
"""Signed digits of a constant up to which no block is taken."""


@dataclass(frozen=True)
class Scaling:
    """What products of a requantise are cut for.

    Parameters
    ----------
    block : str
        The multiplier block, one of :data:`.product_parts.BLOCK_PORTS`; ``none`` where there is
        none, and products are made of LUTs. The default fits the blocks of every family.
    levels_per_register : int
        Adders of a product's width that may follow one another between two registers.

    Raises
    ------
    SpecError    If the block is unknown, or there is no level.
    """

    block: str = "16x16"
    levels_per_register: int = 1

    def __post_init__(self):
        if self.block not in ("none", *BLOCK_PORTS):
            raise SpecError(f"scaling: block must be one of none, {', '.join(BLOCK_PORTS)},"
                            f" not {self.block!r}")
        if as_int(self.levels_per_register, "scaling: levels_per_register") < 1:
            raise SpecError(f"scaling: levels_per_register must be at least 1,"
                            f" not {self.levels_per_register}")


class Columns(NamedTuple):
    """Bits of stored multipliers that differ: of few rows many are the same in all, or constant.

    ``of_lane`` are those of a lane; ``share`` is its part of those of all lanes together.
    """

    of_lane: float
    share: float


@dataclass(frozen=True, eq=False)
class Product(ABC):
    """``a * b`` as a sum of shifted terms; the same registers in every lane.

    Parameters
    ----------
    a : Fixed                   holds the value
    b : Fixed                   holds the multiplier
    levels_per_register : int   adders in a row between two registers
    columns : Columns, optional of the multipliers; unless given, every bit differs
    """

    adds_logic: ClassVar[bool] = False
    """Whether LUTs stand in front of the adders, which registers behind these share."""
    a: Fixed
    b: Fixed
    levels_per_register: int
    columns: Columns | None = field(default=None, kw_only=True)

    @property
    def b_columns(self) -> Columns:
        """Bits of the multiplier that differ."""
        return self.columns or Columns(self.b.bits, self.b.bits)

    @abstractmethod
    def addends(self, lane: int) -> list[Addend]:
        """Terms of a lane, those that are added first."""

    @abstractmethod
    def own_cells(self, lane: int, target: Target) -> Counter:
        """What stands in front of the adders."""

    @property
    @abstractmethod
    def own_registers(self) -> int:
        """Registers in front of the adders."""

    @property
    def lanes(self) -> int:
        """Lanes whose terms differ."""
        return 1

    def rooms(self, target: Target) -> list[Room]:
        """What the blocks that terms come out of can take in; nothing of terms that are missing."""
        return []

    @property
    def bits(self) -> int:
        """Of every product; up to 64, which is more than a :class:`Fixed` has."""
        return self.a.bits + self.b.bits

    @property
    def is_signed(self) -> bool:
        """Whether products may be below 0."""
        return self.a.is_signed or self.b.is_signed

    @cached_property
    def register_after(self) -> list[bool]:
        """Whether a register follows each level of adders; the last level has one."""
        levels = max(sum_levels(self.addends(lane)) for lane in range(self.lanes))
        return [level == levels or level % self.levels_per_register == 0
                for level in range(1, levels + 1)]

    @property
    def registers(self) -> int:
        """Cycles from the operands to the product."""
        return self.own_registers + sum(self.register_after)

    def cells(self, target: Target, unused_bits: int = 0) -> Counter:
        """Of a lane, on the average, what :func:`.narrowing.narrowing_parts` says of products.

        Of the product the lowest ``unused_bits`` are not looked at.
        """
        total = Counter()
        for lane in range(self.lanes):
            total.update(self.own_cells(lane, target))
            total.update(sum_cells(self.addends(lane), self.register_after, unused_bits,
                                   self.adds_logic, self.rooms(target)))
        return Counter({part: round(count / self.lanes) for part, count in total.items()})


@dataclass(frozen=True, eq=False)
class BlockProduct(Product):
    """Slices of both operands, each pair in a block with its registers at operands and product.

    Parameters
    ----------
    block : str     one of :data:`.product_parts.BLOCK_PORTS`
    waits : bool    whether operands wait in a register before: block RAM takes 5.8 ns of an ECP5
    """

    block: str
    waits: bool = False

    @property
    def own_registers(self):
        return 2 + self.waits

    @cached_property
    def parts(self) -> list[Part]:
        """The products of slices."""
        return parts_of(self.a, self.b, self.block)

    def addends(self, lane):
        return [part.addend for part in self.parts]

    def rooms(self, target):
        return [Room.ADDER if part.in_block and in_one_block(*part.formats, target)
                else Room.NONE for part in self.parts]

    def own_cells(self, lane, target):
        found = Counter()
        if self.waits:
            bits = self.a.bits + (0 if target.blocks_hold_registers else self.b.bits)
            found.update(ff=bits, lone=bits)
        for part in self.parts:
            a, b = part.formats
            blocks = asked_blocks(a, b, target) * part.in_block
            found.update({"dsp": blocks} if blocks else self._in_luts(part))
        return found

    def _in_luts(self, part):
        """A part that has no block, with its registers; of one or two bits it is rows."""
        a, b = part.a.format.bits, part.b.format.bits
        share = b * self.b_columns.share / self.b.bits
        made = lut_product(a, b) if min(a, b) >= LEAST_BITS else Counter(
            masks=a * b, slices=(min(a, b) - 1) * (a + b))
        return made + Counter(ff=2 * a + b + share, lone=a + share)


@dataclass(frozen=True, eq=False)
class RowProduct(Product):
    """In LUTs: a row for each bit of the narrower operand, all added up; operands in registers."""

    adds_logic: ClassVar[bool] = True

    @property
    def own_registers(self):
        return 1

    @property
    def rows_of_b(self) -> bool:
        """Whether rows are those of the multiplier's bits, each a multiple of the value."""
        return self.b.bits <= self.a.bits

    def addends(self, lane):
        bits, wide = (self.b, self.a) if self.rows_of_b else (self.a, self.b)
        ends = min(0, wide.min), max(0, wide.max)
        return [Addend(bits.is_signed and k == bits.bits - 1, k, *ends) for k in range(bits.bits)]

    def own_cells(self, lane, target):
        bits = self.a.bits + self.b_columns.share
        return Counter(masks=self.a.bits * self.b_columns.of_lane, ff=bits, lone=bits)


@dataclass(frozen=True, eq=False)
class ConstantProduct(Product):
    """By constants, one of each lane: sums of the value, shifted by their signed digits.

    Parameters
    ----------
    constants : tuple of int    one for each lane, or one for all
    """

    constants: tuple[int, ...]

    @property
    def own_registers(self):
        return 0

    @property
    def lanes(self):
        return len(self.constants)

    def addends(self, lane):
        found = addends_of(self.constants[lane % self.lanes], self.a.max, self.a.min)
        return sorted(found, key=lambda addend: (addend.negative, addend.shift))

    def own_cells(self, lane, target):
        return Counter()


def product_of(a: Fixed, b: Fixed, constants: tuple[int, ...] | None, scaling: Scaling,
               in_luts: bool, in_block_ram: bool = False,
               columns: Columns | None = None) -> Product:
    """How ``a * b`` is made; ``constants`` of the lanes, if they are, or where ``b`` is stored.

    Constants of one signed digit are wiring, and of two an adder. Else blocks, unless there are
    none or none are wanted. ``columns`` are those of stored multipliers.
    """
    levels = scaling.levels_per_register
    in_luts = in_luts or scaling.block == "none"
    if constants is not None and (in_luts or max(map(ones, constants)) <= MOST_DIGITS):
        return ConstantProduct(a, b, levels, constants)
    if in_luts:
        return RowProduct(a, b, levels, columns=columns)
    return BlockProduct(a, b, levels, scaling.block, in_block_ram, columns=columns)
