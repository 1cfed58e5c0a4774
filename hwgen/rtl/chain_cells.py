"""The pieces that become carry chains; each is described here by what it computes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Adders", "AtLeast", "Counters", "LoadAdd"]


def _product(x, w, op):
    return x & w if op == "and" else x ^ w


class Counters(wiring.Component):
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

    def __init__(self, *, count: int, op: str):
        self._count, self._op = count, op
        super().__init__({"x": In(3 * count), "w": In(3 * count), "y": Out(2 * count)})

    def elaborate(self, platform):
        m = Module()
        p = Signal(3 * self._count)
        m.d.comb += p.eq(_product(self.x, self.w, self._op))
        for k in range(self._count):
            a, b, c = p[3 * k], p[3 * k + 1], p[3 * k + 2]
            m.d.comb += self.y[2 * k:2 * k + 2].eq(a + b + c)
        return m


class Adders(wiring.Component):
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

    def __init__(self, *, width: int, count: int = 1, op: str = "xor"):
        self._width, self._count, self._op = width, count, op
        super().__init__({"a": In(count * width), "b": In(count * width), "x": In(count),
                          "w": In(count), "y": Out(count * (width + 1))})

    def elaborate(self, platform):
        m = Module()
        for k in range(self._count):
            carry = _product(self.x[k], self.w[k], self._op)
            a, b = self.a.word_select(k, self._width), self.b.word_select(k, self._width)
            m.d.comb += self.y.word_select(k, self._width + 1).eq(a + b + carry)
        return m


class LoadAdd(wiring.Component):
    """``y = (first ? start : acc) + addend + op(x, w)``, modulo ``2**width``.

    Members
    -------
    first, x, w : ``In(1)``
    start, acc, addend : ``In(width)``
    y : ``Out(width)``
    """

    def __init__(self, *, width: int, op: str = "xor"):
        self._op = op
        super().__init__({"first": In(1), "start": In(width), "acc": In(width),
                          "addend": In(width), "x": In(1), "w": In(1), "y": Out(width)})

    def elaborate(self, platform):
        m = Module()
        base = Signal.like(self.acc)
        m.d.comb += base.eq(Mux(self.first, self.start, self.acc))
        m.d.comb += self.y.eq(base + self.addend + _product(self.x, self.w, self._op))
        return m


class AtLeast(wiring.Component):
    """``y = a >= (high ? t1 : t0)``, unsigned.

    Members
    -------
    a, t0, t1 : ``In(width)``
    high : ``In(1)``
    y : ``Out(1)``
    """

    def __init__(self, *, width: int):
        super().__init__({"a": In(width), "t0": In(width), "t1": In(width), "high": In(1),
                          "y": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.y.eq(self.a >= Mux(self.high, self.t1, self.t0))
        return m
