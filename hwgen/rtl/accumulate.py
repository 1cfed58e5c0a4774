"""Sums over the rows of a fold, and over planes that follow each other."""

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import Combine
from .chain import Pair, load_add
from .table import RowsInTurn
from .tree import adder_tree, delay, wrap_add

__all__ = ["Accumulator", "PlaneCombiner", "Starts"]


class Starts:
    """What ``pe`` accumulators start from: one constant for all, or a row for each fold.

    Parameters
    ----------
    shape : Shape              of one value
    rows : list of int, or None     packed values of each fold
    constant : int             instead of rows
    name : str                 of the memory
    table : component, optional   with ``advance`` and ``data``, somewhere else, instead of rows
    """

    def __init__(self, *, shape=1, rows=None, constant: int = 0, name: str = "starts", table=None):
        self._shape, self._rows, self._constant, self._name = shape, rows, constant, name
        self._table = table

    def values(self, m, pe: int, advance, *, ahead: bool = False) -> list:
        """The values of this fold; the next one's in the cycle after ``advance``.

        With ``ahead`` ``advance`` is told a cycle before, which a ``table`` must be made for.
        """
        layout, starts = data.ArrayLayout(self._shape, pe), self._table
        if starts is None:
            if self._rows is None:
                return [Const(self._constant, self._shape)] * pe
            starts = RowsInTurn(width=layout.size, rows=self._rows, ahead=ahead)
            m.submodules[self._name] = starts
        m.d.comb += starts.advance.eq(advance)
        return list(data.View(layout, starts.data))


class Accumulator(wiring.Component):
    """Adds up ``pe`` sums over the rows of a pass; one register.

    Parameters
    ----------
    in_shape, acc_shape : Shape
    pe : int
    starts : Starts
    op : str                of a carry, 'xor' or 'and'

    Members
    -------
    i : ``In(ArrayLayout(in_shape, pe))``; i_valid, i_first, i_last : ``In(1)``
    i_ends : ``In(1)``      what ``i_valid & i_last`` is in the next cycle
    i_carry : ``In(ArrayLayout({"x": 1, "w": 1}, pe))``   ``op`` of both is added, too
    o : ``Out(ArrayLayout(acc_shape, pe))``; o_valid : ``Out(1)``  the cycle after ``i_last``
    """

    def __init__(self, *, in_shape, acc_shape, pe: int, starts: Starts, op: str = "xor"):
        self._pe, self._acc_shape, self._starts, self._op = pe, acc_shape, starts, op
        super().__init__({
            "i": In(data.ArrayLayout(in_shape, pe)),
            "i_carry": In(data.ArrayLayout(data.StructLayout({"x": 1, "w": 1}), pe)),
            "i_valid": In(1), "i_first": In(1), "i_last": In(1), "i_ends": In(1),
            "o": Out(data.ArrayLayout(acc_shape, pe)), "o_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        starts = self._starts.values(m, self._pe, self.i_ends, ahead=True)
        total = Signal(data.ArrayLayout(self._acc_shape, self._pe), reset_less=True)
        for k in range(self._pe):
            carry = Pair(self.i_carry[k].x, self.i_carry[k].w, self._op)
            following = load_add(m, self.i_first, starts[k], total[k], self.i[k], carry,
                                 prefix=f"add{k}")
            with m.If(self.i_valid):
                m.d.sync += total[k].eq(following)
        m.d.comb += self.o.eq(total)
        m.d.sync += self.o_valid.eq(self.i_valid & self.i_last)
        return m


class PlaneCombiner(wiring.Component):
    """``o = start + sum_j gains[j] * value_j`` over ``len(gains)`` values that come in turn.

    ``combine.registers`` cycles after the last value. See :class:`hwgen.plan.stages.Combine` for
    how: shifts where the gains are powers of two in equal steps, else a product for each value.

    Parameters
    ----------
    combine : Combine
    in_shape, out_shape : Shape
    pe : int
    starts : Starts

    Members
    -------
    i : ``In(ArrayLayout(in_shape, pe))``; i_valid : ``In(1)``  value ``j`` of ``pe`` sums
    o : ``Out(ArrayLayout(out_shape, pe))``; o_valid : ``Out(1)``
    """

    def __init__(self, combine: Combine, *, in_shape, out_shape, pe: int, starts: Starts):
        self._combine, self._pe, self._starts = combine, pe, starts
        self._in_shape, self._out_shape = Shape.cast(in_shape), Shape.cast(out_shape)
        super().__init__({
            "i": In(data.ArrayLayout(in_shape, pe)), "i_valid": In(1),
            "o": Out(data.ArrayLayout(out_shape, pe)), "o_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        count, planes = Signal(range(len(self._combine.gains))), len(self._combine.gains)
        with m.If(self.i_valid):
            wrap_add(m, count, planes)
        if self._combine.shifts is not None:
            terms = [value << self._combine.shifts[0] for value in self.i]
        else:
            terms = [self._product(m, value, count, k) for k, value in enumerate(self.i)]
        wait = self._combine.multiply_registers
        valid, first, last = (delay(m, flag, wait, name=name) for flag, name in (
            (self.i_valid, "valid"), (count == 0, "first"), (count == planes - 1, "last")))
        starts = self._starts.values(m, self._pe, valid & last)
        m.d.sync += self.o_valid.eq(valid & last)
        for k, term in enumerate(terms):
            m.d.comb += self.o[k].eq(self._total(m, valid, first, starts[k], term, k))
        return m

    def _total(self, m, valid, first, start, term, k):
        """The running sum: its high part takes part in additions, low bits fall out of it."""
        step = self._combine.shifts[1] if self._combine.shifts is not None else 0
        high = Signal(self._out_shape, name=f"high{k}", reset_less=True)
        low = Signal(step * (len(self._combine.gains) - 1), name=f"low{k}", reset_less=True)
        total = Signal.like(high, name=f"shifted{k}")
        m.d.comb += total.eq(high >> step)
        following = load_add(m, first, start, total, term, prefix=f"add{k}")
        with m.If(valid):
            m.d.sync += high.eq(following)
            if step:
                m.d.sync += low.eq(Cat(low, high[:step])[step:])
        return Cat(low, high)

    def _product(self, m, value, count, k):
        """``gains[count] * value``: the shifts of which that gain is a sum, added up."""
        terms = []
        for bit in self._combine.terms:
            chosen = Signal(name=f"v{k}_has_bit{bit}")
            used = [j for j, gain in enumerate(self._combine.gains) if gain >> bit & 1]
            m.d.comb += chosen.eq(sum((count == j for j in used[1:]), count == used[0]))
            term = Signal((value << bit).shape(), name=f"v{k}_shift{bit}")
            m.d.comb += term.eq(Mux(chosen, value << bit, 0))
            terms.append(term)
        return adder_tree(m, terms, levels_per_register=self._combine.levels_per_register,
                          prefix=f"v{k}")
