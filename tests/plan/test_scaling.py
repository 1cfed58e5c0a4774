"""Products of a requantise: parts that are the product and fit a block, registers as stated."""

from dataclasses import replace
from math import ceil, log2

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5, UP5K

from hwgen.ir import Requantise
from hwgen.numeric import DOUBLING_HIGH, Fixed, SpecError
from hwgen.plan.stages.narrowing import Narrowing
from hwgen.plan.stages.product_parts import BLOCK_PORTS
from hwgen.plan.stages.scaling import (
    BlockProduct,
    Columns,
    ConstantProduct,
    RowProduct,
    Scaling,
    product_of,
)


def signed(bits):
    return Fixed(abs(bits), 0, bits < 0)


def of(fmt, piece, value):
    """The slice of a value, as two's complement has it."""
    bits = value >> piece.start & (1 << piece.format.bits) - 1
    top = piece.format.is_signed and bits >> piece.format.bits - 1
    return bits - (top << piece.format.bits)


@pytest.mark.parametrize("block", BLOCK_PORTS)
@pytest.mark.parametrize("widths", [(-21, 31), (21, -32), (-8, 5), (-36, -32), (17, 18), (1, -1)],
                         ids=str)
def test_parts_add_up_and_each_fits_a_block(block, widths):
    a, b = map(signed, widths)
    product = BlockProduct(a, b, 1, block)
    for left in (a.min, a.max, a.max // 3):
        for right in (b.min, b.max, b.max // 3):
            parts = [of(a, part.a, left) * of(b, part.b, right) for part in product.parts]
            assert sum(value << part.shift for value, part in zip(
                parts, product.parts, strict=True)) == left * right
            assert all(part.addend.lo <= value <= part.addend.hi for value, part in zip(
                parts, product.parts, strict=True))
    ports, less = BLOCK_PORTS[block], block == "25x18"
    for part in product.parts:
        wants = [fmt.bits + (less and not fmt.is_signed)
                 for fmt in (part.a.format, part.b.format)]
        assert max(wants) <= ports[0]
        assert min(wants) <= ports[1]


@pytest.mark.parametrize(("block", "widths", "parts", "blocks"), [
    ("18x18", (-21, 31), 4, 4), ("18x18", (-18, 15), 1, 1), ("18x18", (-20, 31), 4, 2),
    ("25x18", (-21, 31), 2, 2), ("16x16", (-18, 15), 2, 1)], ids=str)
def test_blocks_of_a_product(block, widths, parts, blocks):
    product = BlockProduct(*map(signed, widths), 1, block)
    target = UP5K if block == "16x16" else ECP5
    assert len(product.parts) == parts
    assert sum(part.in_block for part in product.parts) == blocks
    assert product.cells(target)["dsp"] == blocks or block == "25x18"


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_registers(levels):
    """A block's two, or the operands'; and one for each so many adders."""
    for widths, parts in (((-21, 31), 4), ((-36, 31), 6), ((-9, 8), 1)):
        product = BlockProduct(*map(signed, widths), levels, "16x16")
        assert product.registers == 2 + ceil(ceil(log2(parts)) / levels)
    assert RowProduct(signed(-21), signed(31), levels).registers == 1 + ceil(5 / levels)
    # 7 = 8 - 1 is one adder, 85 = 64 + 16 + 4 + 1 two in a row, -1 one that negates.
    for constants, adders in (((7,), 1), ((1, 85, 0), 2), ((4,), 0), ((-1, 2), 1)):
        product = ConstantProduct(signed(-9), signed(-8), levels, constants)
        assert product.registers == ceil(adders / levels)


ECP5_BLOCKS = Scaling("18x18")


def narrowing(multipliers, lanes, scaling=ECP5_BLOCKS, **how):
    node = Requantise("q", ("x",), np.array(multipliers), 3, DOUBLING_HIGH, Fixed(8))
    return Narrowing(node, len(multipliers), lanes, Fixed(20), scaling, **how)


def test_what_makes_a_product():
    many = [(1 << 30) + k for k in range(4)]
    assert isinstance(narrowing(many, 2).product, BlockProduct)
    assert isinstance(narrowing(many, 4).product, BlockProduct)
    assert isinstance(narrowing(many, 2, in_luts=True).product, RowProduct)
    assert isinstance(narrowing(many, 2, Scaling("none")).product, RowProduct)
    # Each lane has one multiplier: a constant.
    assert narrowing(many, 4, in_luts=True).product.constants == tuple(many)
    assert narrowing(many[:1] * 4, 2, in_luts=True).product.constants == (1 << 30,)
    # A power of two is wiring; one adder is less than a block.
    assert narrowing([1 << 30] * 4, 2).product.registers == 0
    assert narrowing([1 << 30, 0], 2).product.registers == 0
    assert narrowing([1 << 30, -3], 2).product.registers == 1
    assert isinstance(narrowing([1 << 30, 11], 2).product, BlockProduct)


def test_luts_take_no_block():
    product = product_of(Fixed(20), Fixed(31, 0, False), None, Scaling("18x18"), True)
    cells = product.cells(ECP5)
    assert cells["dsp"] == 0
    assert cells["masks"] == 20 * 31
    constants = product_of(Fixed(20), Fixed(3, 0, False), (5, 4), Scaling(), True)
    # 4 x + x passes the two lowest bits; the other lane is wiring.
    assert constants.cells(ECP5)["slices"] == round((20 + 3 - 2) / 2)


def test_a_block_adds_where_the_lowest_bit_is_its_products():
    xilinx = replace(ECP5, family="xc7")
    parts = BlockProduct(signed(-20), signed(31), 1, "16x16")
    # 16 x 16 and 4 x 15 side by side, 16 x 15 and 4 x 16 of one weight; then one adder outside.
    assert parts.cells(ECP5)["slices"] - parts.cells(xilinx)["slices"] == 33
    last = parts.cells(xilinx)["slices"]
    assert (last, parts.cells(xilinx)["ff"]) == (35, 51)
    # The lower part lies below the adder, whose other operand is the block's.
    two = BlockProduct(signed(-20), signed(15), 1, "16x16")
    assert (two.cells(xilinx)["slices"], two.cells(xilinx)["ff"]) == (0, 16)
    assert two.cells(xilinx, unused_bits=20)["ff"] == 0


def test_equal_and_constant_bits_of_multipliers_are_made_once():
    product = narrowing([(1 << 30) + k for k in (0, 1, 2, 5)], 2, in_luts=True).product
    # Lane 0 stores 0 and 2 there, lane 1 has 1 and 5: bit 1 and bit 2 differ in the same way.
    assert product.columns == Columns(1, 0.5)
    assert product.cells(ECP5)["masks"] == 20
    assert product.cells(ECP5)["ff"] == RowProduct(product.a, product.b, 1).cells(ECP5)["ff"] - 30
    assert narrowing([3, 5], 2).product.columns is None


def test_refusals():
    with refused(SpecError, "scaling: block must be one of none, 16x16, 18x18, 25x18, not '9x9'"):
        Scaling("9x9")
    with refused(SpecError, "scaling: levels_per_register must be at least 1, not 0"):
        Scaling(levels_per_register=0)
