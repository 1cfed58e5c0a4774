# amaranth: UnusedElaboratable=no
"""Products of a requantise, at the ends of their operands, in their stated cycles."""

import itertools

import pytest
from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from sim.harness import convert

from hwgen.numeric import Fixed
from hwgen.plan.stages.scaling import BlockProduct, ConstantProduct, RowProduct
from hwgen.rtl.scale import scaled
from hwgen.rtl.stream import format_shape


class Lanes(wiring.Component):
    """As many lanes as there are constants, else two, the second with operands of the first."""

    def __init__(self, product):
        self._product = product
        self.lanes = product.lanes if isinstance(product, ConstantProduct) else 2
        super().__init__({"a": In(format_shape(product.a)), "b": In(format_shape(product.b)),
                          "y": Out(Shape(product.bits, product.is_signed)).array(self.lanes)})

    def elaborate(self, platform):
        m = Module()
        for y, value in zip(self.y, scaled(m, self._product, [self.a] * self.lanes,
                                           [self.b] * self.lanes), strict=True):
            m.d.comb += y.eq(value)
        return m


def check(product):
    dut, cycles = Lanes(product), product.registers
    ends = [sorted({fmt.min, fmt.max, fmt.max // 3, fmt.min // 3, 0, 1 & fmt.max, fmt.max - 1})
            for fmt in (product.a, product.b)]
    operands = list(itertools.product(*ends))
    found = []

    async def drive(ctx):
        for a, b in operands + [(0, 0)] * cycles:
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            found.append([ctx.get(y) for y in dut.y])
            await ctx.tick()

    m = Module()
    m.submodules.dut = dut
    m.d.sync += Signal(name="clocked").eq(0)      # a product of wiring alone has no clock
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    if isinstance(product, ConstantProduct):
        expected = [[a * constant for constant in product.constants] for a, _ in operands]
    else:
        expected = [[a * b] * 2 for a, b in operands]
    assert found[cycles:] == expected[:len(found) - cycles]
    assert len(expected) == len(operands) > 8
    convert(Lanes(product))


def signed(bits):
    return Fixed(abs(bits), 0, bits < 0)


WIDTHS = [(-21, 31), (21, -32), (-5, 3), (2, -40)]


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_in_rows(widths, levels):
    check(RowProduct(*map(signed, widths), levels))


@pytest.mark.parametrize("block", ["16x16", "25x18"])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_in_blocks(widths, block):
    levels, waits = (1, False) if block == "16x16" else (2, True)
    check(BlockProduct(*map(signed, widths), levels, block, waits))


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("constants", [(7, 0, -1), (1_288_490_189, 1 << 30, -(1 << 31)), (4, 1)],
                         ids=str)
def test_by_constants(constants, levels):
    fmt = Fixed.covering(min(0, *constants), max(constants))
    check(ConstantProduct(Fixed(20), fmt, levels, constants))
