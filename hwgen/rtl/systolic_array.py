"""The grid of a systolic array: elements that multiply and add, and the delays around them."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SystolicSpec
from .multiply_cells import Multiply
from .stream import format_shape
from .tree import delay, late

__all__ = ["SystolicArray"]


class SystolicElement(wiring.Component):
    """One multiplier: ``sum_out`` is ``sum_in`` plus the product of ``x`` and the weight in use.

    Two weights are kept: one in use, and the next one, which is shifted in from above. What comes
    with ``swap`` and after it is multiplied by the next one.

    Parameters
    ----------
    spec : SystolicSpec
    row : int       how many products are in ``sum_in``

    Members
    -------
    x, x_out : ``In``, ``Out`` of an activation, a register between
    swap, load, swap_out, load_out : ``In(1)``, ``Out(1)``, likewise; ``load`` takes ``weight``
    weight, weight_out : ``In``, ``Out`` of the next weight
    sum_in, sum_out : ``In``, ``Out``; ``sum_in`` comes three cycles after ``x``, ``sum_out`` a
                      cycle later
    """

    def __init__(self, spec: SystolicSpec, row: int):
        self._spec = spec
        self._shapes = format_shape(spec.x), format_shape(spec.weights)
        x, weight = self._shapes
        super().__init__({
            "x": In(x), "x_out": Out(x), "weight": In(weight), "weight_out": Out(weight),
            "swap": In(1), "load": In(1), "swap_out": Out(1), "load_out": Out(1),
            "sum_in": In(format_shape(spec.sum_of(row))) if row else In(1),
            "sum_out": Out(format_shape(spec.sum_of(row + 1))),
        })

    def elaborate(self, platform):
        m = Module()
        shape_x, shape_w = self._shapes
        x, total = Signal(shape_x, reset_less=True), Signal.like(self.sum_out, reset_less=True)
        following, weight = (Signal(shape_w, name=name, reset_less=True)
                             for name in ("following", "used"))
        m.submodules.multiply = multiply = Multiply(
            shape_x, shape_w, in_block=self._spec.multipliers == "blocks")
        product = Signal.like(multiply.y.as_signed() if shape_x.signed or shape_w.signed
                              else multiply.y, name="product")
        m.d.sync += [x.eq(self.x), self.swap_out.eq(self.swap), self.load_out.eq(self.load),
                     total.eq(self.sum_in + product)]
        with m.If(self.load):
            m.d.sync += following.eq(self.weight)
        with m.If(self.swap):
            m.d.sync += weight.eq(following)
        m.d.comb += [multiply.a.eq(x), multiply.b.eq(weight), product.eq(multiply.y),
                     self.x_out.eq(x), self.weight_out.eq(following), self.sum_out.eq(total)]
        return m


class SystolicArray(wiring.Component):
    """``o[c] = sum(x[r] * w[r][c])``, ``spec.array_cycles`` after ``x``, a vector a cycle.

    ``w`` is the tile that was complete when the last vector with ``swap`` came. A tile is shifted
    in from above, its last row first, while vectors pass: with the n-th of its rows, ``load`` has
    rows 0 to n of the grid take what is above them, so an element is not touched before the
    vectors that still need its next weight have swapped it, provided that the first row comes with
    that vector or later.

    Row ``r`` is delayed by ``r`` cycles and column ``c`` by ``c``, weights and flags with them.

    Parameters
    ----------
    spec : SystolicSpec

    Members
    -------
    x : ``In(ArrayLayout(x, rows))``; swap : ``In(1)``
    weights : ``In(ArrayLayout(weight, columns))``; load : ``In(rows)``
    o : ``Out(ArrayLayout(sum, columns))``
    """

    def __init__(self, spec: SystolicSpec):
        self._spec = spec
        self._sum_shape = format_shape(spec.sum_of(spec.rows))
        super().__init__({
            "x": In(data.ArrayLayout(format_shape(spec.x), spec.rows)), "swap": In(1),
            "weights": In(data.ArrayLayout(format_shape(spec.weights), spec.columns)),
            "load": In(spec.rows), "o": Out(data.ArrayLayout(self._sum_shape, spec.columns)),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        swap = self.swap
        above = [late(m, self.weights[c], c, name=f"weight{c}") for c in range(spec.columns)]
        sums = [None] * spec.columns
        for r in range(spec.rows):
            x, row_swap, load = late(m, self.x[r], r, name=f"x{r}"), swap, self.load[r]
            for c in range(spec.columns):
                m.submodules[f"element_{r}_{c}"] = element = SystolicElement(spec, r)
                m.d.comb += [element.x.eq(x), element.swap.eq(row_swap), element.load.eq(load),
                             element.weight.eq(above[c])]
                if r:
                    m.d.comb += element.sum_in.eq(sums[c])
                x, row_swap, load = element.x_out, element.swap_out, element.load_out
                above[c], sums[c] = element.weight_out, element.sum_out
            swap = delay(m, swap, 1, name=f"swap{r}")
        sums = [late(m, sums[c], spec.columns - 1 - c, name=f"sum{c}")
                for c in range(spec.columns)]
        m.d.comb += self.o.eq(Cat(sums))
        return m
