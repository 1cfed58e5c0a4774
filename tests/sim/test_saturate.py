"""Clipping without comparisons: every value of every width and every kind of end."""

import pytest
from amaranth.hdl import Module, Shape, Signal
from amaranth.sim import Simulator

from hwgen.numeric import Fixed
from hwgen.rtl.saturate import saturated
from hwgen.rtl.stream import format_shape

ENDS = [(0, 7), (0, 1), (-4, 3), (-1, 0), (0, 5), (-3, 3), (1, 3)]


@pytest.mark.parametrize("ends", ENDS, ids=str)
@pytest.mark.parametrize("is_signed", [False, True])
def test_every_value(is_signed, ends):
    least, most = ends
    m, pairs = Module(), []
    for width in range(1, 7):
        value = Signal(Shape(width, is_signed), name=f"value{width}")
        result = Signal(format_shape(Fixed.covering(min(0, least), most)), name=f"result{width}")
        m.d.comb += result.eq(saturated(value, least, most, result.shape()))
        pairs.append((width, value, result))

    async def testbench(ctx):
        for width, value, result in pairs:
            low = -(1 << width - 1) if is_signed else 0
            for x in range(low, low + (1 << width)):
                ctx.set(value, x)
                await ctx.delay(1e-9)
                assert ctx.get(result) == min(most, max(least, x)), (width, x)

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
