"""Multipliers that become blocks of the device, with the registers those have inside, or LUTs.

Behaviour in simulation, instances in Verilog; what an instance computes is written in
``hwgen/emit/multiply_cells.v``, and ``hwgen/synth/techmap`` says which block it is.
"""

from amaranth.hdl import Cat, ClockSignal, Instance, Module, Shape, Signal
from amaranth.lib.wiring import In, Out

from .chain_cells import Cell, VerilogPlatform

__all__ = ["Multiply", "MultiplyPair"]


class Multiply(Cell):
    """``y = a * b`` of two cycles before: a register at the operands, one at the product.

    Parameters
    ----------
    a, b : Shape            of the operands
    in_block : bool         whether a block of the device should do it, else no block may

    Members
    -------
    a : ``In(a.width)``; b : ``In(b.width)``
    y : ``Out(a.width + b.width)``   signed if an operand is
    """

    module, products = "hwgen_multiply", 1

    def __init__(self, a: Shape, b: Shape, *, in_block: bool = True):
        self._a, self._b = a, b
        self.parameters = {"p_A_WIDTH": a.width, "p_B_WIDTH": b.width,
                           "p_A_SIGNED": int(a.signed), "p_B_SIGNED": int(b.signed)}
        if not in_block:
            self.module += "_luts"
        n = self.products
        super().__init__({"a": In(n * a.width), "b": In(n * b.width),
                          "y": Out(n * (a.width + b.width))})

    def elaborate(self, platform):
        if not isinstance(platform, VerilogPlatform):
            return self.behaviour()
        return Instance(self.module, **self.parameters, i_clk=ClockSignal(), i_a=self.a,
                        i_b=self.b, o_y=self.y)

    def behaviour(self):
        m = Module()
        a, b = Signal.like(self.a, reset_less=True), Signal.like(self.b, reset_less=True)
        m.d.sync += [a.eq(self.a), b.eq(self.b)]
        values = []
        for k in range(self.products):
            operands = a.word_select(k, self._a.width), b.word_select(k, self._b.width)
            signs = self._a.signed, self._b.signed
            left, right = (value.as_signed() if signed else value
                           for value, signed in zip(operands, signs, strict=True))
            values.append(Signal(self._a.width + self._b.width, name=f"product{k}",
                                 reset_less=True))
            m.d.sync += values[k].eq(left * right)
        m.d.comb += self.y.eq(Cat(values))
        return m


class MultiplyPair(Multiply):
    """Two products of operands side by side, the first in the low halves of ``a``, ``b``, ``y``.

    Its ports are twice as wide as those of :class:`Multiply`.
    """

    module, products = "hwgen_multiply_pair", 2
