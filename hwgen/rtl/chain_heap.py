"""Popcounts for LUTs with six inputs: columns of bits, counters, and one adder at the end."""

from functools import partial

from amaranth.hdl import Cat, Const, Signal

from ..plan.stages.compressor import compress
from .chain_cells import Adders, Counters
from .chain_counters import BitCounters, ParityCounters

__all__ = ["HeapPopcount"]


class HeapPopcount:
    """How many of ``op(x[i], w[i])`` are 1; levels as ``compress`` of the plan lists them.

    Without ``w`` the bits of ``x`` are counted, which need no level of products.

    Parameters
    ----------
    m : Module
    x, w : Signal           of one length; ``w`` may be None
    op : str                'xor' or 'and'
    parity : int            so many leading bits are in parity form; only with 'xor'
    levels_per_register : int
    prefix : str
    """

    def __init__(self, m, x, w, *, op, parity, levels_per_register, prefix):
        self._m, self._op, self._prefix = m, op, prefix
        self._x, self._w = x, w
        self._parity, self._per_register = parity, levels_per_register
        self._width = len(x).bit_length()
        self._level = 0
        self._columns = [list(x)]

    def build(self) -> Signal:
        if self._w is not None:
            self._first()
        plan = compress(tuple(map(len, self._columns)), self._width)
        for level in plan.levels:
            self._compress(level)
        if plan.adder_from is not None:
            self._add(plan.adder_from)
        total = Signal(self._width, name=f"{self._prefix}_sum")
        self._m.d.comb += total.eq(Cat(*(column[0] if column else Const(0, 1)
                                         for column in self._columns)))
        return total

    def _first(self):
        """The products: sums and carries of nine or three, single bits where none of these fits."""
        columns = [[], []]
        nines, threes = divmod(self._parity // 3, 3)
        self._products(columns, "parity9", 9, nines, partial(ParityCounters, size=9))
        self._products(columns, "parity3", 3, threes, partial(ParityCounters, size=3))
        self._products(columns, "count3", 3, len(self._x) // 3, partial(Counters, op=self._op))
        for k in range(len(self._x)):
            x, w = self._x[k], self._w[k]
            columns[0].append(x & w if self._op == "and" else x ^ w)
        self._finish(columns)

    def _products(self, columns, name, size, count, make):
        """Counters of the next ``count`` groups of ``size`` products."""
        if count == 0:
            return
        cell, taken = make(count=count), count * size
        self._m.submodules[f"{self._prefix}_{name}"] = cell
        self._m.d.comb += [cell.x.eq(self._x[:taken]), cell.w.eq(self._w[:taken])]
        self._x, self._w = self._x[taken:], self._w[taken:]
        bits = len(cell.y) // count
        for k in range(count):
            columns[0].append(cell.y[bits * k])
            columns[1] += [cell.y[bits * k + j] for j in range(1, bits)]

    def _compress(self, level):
        """Six bits to three and three to two, column by column."""
        columns = [[] for _ in range(self._width + 2)]
        for size, position in ((6, 0), (3, 1)):
            groups = []
            for k, column in enumerate(self._columns):
                for _ in range(level[k][position] if k < len(level) else 0):
                    groups.append((k, [column.pop(0) for _ in range(size)]))
            self._count(columns, size, groups)
        for k, column in enumerate(self._columns):
            columns[k] += column
        self._finish(columns[:self._width])

    def _count(self, columns, size, groups):
        """Put the counts of ``groups``, ``(column, bits)``, where their bits belong."""
        if not groups:
            return
        cell = BitCounters(size=size, count=len(groups))
        self._m.submodules[f"{self._prefix}_l{self._level}_sum{size}"] = cell
        self._m.d.comb += cell.a.eq(Cat(*(bit for _, bits in groups for bit in bits)))
        for group, (k, _) in enumerate(groups):
            for bit in range(cell.bits):
                columns[k + bit].append(cell.y[cell.bits * group + bit])

    def _add(self, start):
        """The two rows that are left, from column ``start`` on, and a third bit there."""
        columns, zero = self._columns, Const(0, 1)
        while columns and not columns[-1]:
            columns.pop()
        upper = columns[start:]
        carry = upper[0][2] if len(upper[0]) > 2 else zero
        cell = Adders(width=len(upper))
        self._m.submodules[f"{self._prefix}_add"] = cell
        rows = [Cat(*(column[row] if row < len(column) else zero for column in upper))
                for row in (0, 1)]
        self._m.d.comb += [cell.a.eq(rows[0]), cell.b.eq(rows[1]), cell.x.eq(carry)]
        total = [[bit] for bit in cell.y]
        self._finish((columns[:start] + total)[:self._width])

    def _finish(self, columns):
        """End of a level: the bits by name, behind a register where one is due."""
        self._level += 1
        domain = self._m.d.sync if self._level % self._per_register == 0 else self._m.d.comb
        self._columns = []
        for k, column in enumerate(columns):
            bits = Signal(len(column), name=f"{self._prefix}_l{self._level}_c{k}", reset_less=True)
            if column:
                domain += bits.eq(Cat(*column))
            self._columns.append(list(bits))
