"""Counters of bits for LUTs with six inputs; the pieces of :mod:`hwgen.rtl.chain_heap`."""

from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import In, Out

from .chain_cells import Cell

__all__ = ["BitCounters", "ParityCounters"]


class BitCounters(Cell):
    """``y[k]`` is how many of the ``size`` bits ``a[k]`` are 1; ``count`` of them side by side.

    Parameters
    ----------
    size : int          3 or 6
    count : int

    Members
    -------
    a : ``In(count * size)``
    y : ``Out(count * bits)``       2 bits each for three, 3 for six
    """

    def __init__(self, *, size: int, count: int):
        self._size, self.bits = size, size.bit_length()
        self.module = f"hwgen_sum{size}"
        self.parameters = {"p_COUNT": count}
        super().__init__({"a": In(count * size), "y": Out(count * self.bits)})

    def behaviour(self):
        m = Module()
        for k in range(len(self.y) // self.bits):
            a, total = self.a.word_select(k, self._size), 0
            for bit in a:
                total = total + bit
            m.d.comb += self.y.word_select(k, self.bits).eq(total)
        return m


class ParityCounters(Cell):
    """How many of three or nine XORs ``x ^ w`` in parity form are 1; ``count`` side by side.

    Of each: the sum bit of weight 1, then the carries, of weight 2 each: one of three XORs; of nine
    XORs those of the three triples and that of the triples' sums. Each bit is one LUT.

    Parameters
    ----------
    size : int          3 or 9
    count : int

    Members
    -------
    x, w : ``In(count * size)``
    y : ``Out(count * bits)``       2 bits each for three, 5 for nine
    """

    def __init__(self, *, size: int, count: int):
        self._size, self.bits = size, {3: 2, 9: 5}[size]
        self.module = f"hwgen_parity{size}"
        self.parameters = {"p_COUNT": count}
        super().__init__({"x": In(count * size), "w": In(count * size),
                          "y": Out(count * self.bits)})

    def behaviour(self):
        m = Module()
        for k in range(len(self.y) // self.bits):
            x, w = (port.word_select(k, self._size) for port in (self.x, self.w))
            sums, carries = [], []
            for t in range(0, self._size, 3):
                a, b, parity = (x[t + j] ^ w[t + j] for j in range(3))
                sums.append(parity)
                carries.append(_majority(a, b, a ^ b ^ parity))
            if self._size == 9:
                carries.append(_majority(*sums))
                sums = [sums[0] ^ sums[1] ^ sums[2]]
            m.d.comb += self.y.word_select(k, self.bits).eq(Cat(*sums, *carries))
        return m


def _majority(a, b, c):
    return (a & b) | (a & c) | (b & c)
