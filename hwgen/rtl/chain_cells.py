"""The pieces that become carry chains: behaviour in simulation, instances in Verilog.

What an instance computes is written in ``hwgen/emit/chain_cells.v``, which goes with the design;
``hwgen/synth/techmap`` says how it is built of the cells of each device family.
"""

from amaranth.hdl import Instance, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Adders", "AtLeast", "Cell", "Counters", "LoadAdd", "VerilogPlatform"]


class VerilogPlatform:
    """Platform of a design that becomes Verilog: pieces of a chain are instances there."""


class Cell(wiring.Component):
    """An instance of ``module`` with the component's ports, or what :meth:`behaviour` says."""

    module: str
    parameters: dict

    def elaborate(self, platform):
        if not isinstance(platform, VerilogPlatform):
            return self.behaviour()
        ports = {f"{'i' if member.flow is In else 'o'}_{name}": getattr(self, name)
                 for name, member in self.signature.members.items()}
        return Instance(self.module, **self.parameters, **ports)


def _product(x, w, op):
    return x & w if op == "and" else x ^ w


class Counters(Cell):
    """``y[k] = op(x, w)`` of the bits 3 k, 3 k + 1 and 3 k + 2, added up: two bits each.

    Parameters
    ----------
    count : int
    op : str            'xor' or 'and'

    Members
    -------
    x, w : ``In(3 * count)``
    y : ``Out(2 * count)``
    """

    module = "hwgen_count3"

    def __init__(self, *, count: int, op: str):
        self._count, self._op = count, op
        self.parameters = {"p_COUNT": count, "p_MASK": int(op == "and")}
        super().__init__({"x": In(3 * count), "w": In(3 * count), "y": Out(2 * count)})

    def behaviour(self):
        m = Module()
        p = Signal(3 * self._count)
        m.d.comb += p.eq(_product(self.x, self.w, self._op))
        for k in range(self._count):
            a, b, c = p[3 * k], p[3 * k + 1], p[3 * k + 2]
            m.d.comb += self.y[2 * k:2 * k + 2].eq(a + b + c)
        return m


class Adders(Cell):
    """``y[k] = a[k] + b[k] + op(x[k], w[k])``, unsigned; ``count`` of them side by side.

    Parameters
    ----------
    width, count : int
    op : str            'xor' or 'and'

    Members
    -------
    a, b : ``In(count * width)``
    x, w : ``In(count)``              the carry-in is ``op`` of these
    y : ``Out(count * (width + 1))``
    """

    module = "hwgen_add"

    def __init__(self, *, width: int, count: int = 1, op: str = "xor"):
        self._width, self._count, self._op = width, count, op
        self.parameters = {"p_WIDTH": width, "p_COUNT": count, "p_MASK": int(op == "and")}
        super().__init__({"a": In(count * width), "b": In(count * width), "x": In(count),
                          "w": In(count), "y": Out(count * (width + 1))})

    def behaviour(self):
        m = Module()
        for k in range(self._count):
            carry = _product(self.x[k], self.w[k], self._op)
            a, b = self.a.word_select(k, self._width), self.b.word_select(k, self._width)
            m.d.comb += self.y.word_select(k, self._width + 1).eq(a + b + carry)
        return m


class LoadAdd(Cell):
    """``y = (first ? start : acc) + addend + op(x, w)``, modulo ``2**width``.

    Members
    -------
    first, x, w : ``In(1)``
    start, acc, addend : ``In(width)``
    y : ``Out(width)``
    """

    module = "hwgen_load_add"

    def __init__(self, *, width: int, op: str = "xor"):
        self._op = op
        self.parameters = {"p_WIDTH": width, "p_MASK": int(op == "and")}
        super().__init__({"first": In(1), "start": In(width), "acc": In(width),
                          "addend": In(width), "x": In(1), "w": In(1), "y": Out(width)})

    def behaviour(self):
        m = Module()
        base = Signal.like(self.acc)
        m.d.comb += base.eq(Mux(self.first, self.start, self.acc))
        m.d.comb += self.y.eq(base + self.addend + _product(self.x, self.w, self._op))
        return m


class AtLeast(Cell):
    """``y = a >= (high ? t1 : t0)``, unsigned.

    Members
    -------
    a, t0, t1 : ``In(width)``
    high : ``In(1)``
    y : ``Out(1)``
    """

    module = "hwgen_at_least"

    def __init__(self, *, width: int):
        self.parameters = {"p_WIDTH": width}
        super().__init__({"a": In(width), "t0": In(width), "t1": In(width), "high": In(1),
                          "y": Out(1)})

    def behaviour(self):
        m = Module()
        m.d.comb += self.y.eq(self.a >= Mux(self.high, self.t1, self.t0))
        return m
