"""Dot products of one row of inputs with ``pe`` rows of weights, one set a cycle."""

from amaranth.hdl import Module, Shape, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import BinaryStage, FixedStage, FoldedStage
from .stream import element_shape, format_shape
from .tree import adder_tree, full_adders

__all__ = ["MultiplyDot", "XnorDot"]


class _Dot(wiring.Component):
    """Ports of both: operands in registers, sums out.

    Members
    -------
    x : ``In(ArrayLayout(x_shape, simd))``
    w : ``In(ArrayLayout(w_shape, pe * simd))``    weight ``p * simd + s`` is of output ``p``
    y : ``Out(ArrayLayout(sum_shape, pe))``
        ``product_registers + tree_registers`` cycles later
    """

    w_shape: Shape
    sum_shape: Shape

    def __init__(self, stage: FoldedStage):
        self._stage = stage
        super().__init__({
            "x": In(data.ArrayLayout(element_shape(stage.in_edge), stage.simd)),
            "w": In(data.ArrayLayout(self.w_shape, stage.pe * stage.simd)),
            "y": Out(data.ArrayLayout(self.sum_shape, stage.pe)),
        })


class XnorDot(_Dot):
    """Number of equal bits: XNOR, full adders three to two, then an adder tree."""

    def __init__(self, stage: BinaryStage):
        self.w_shape = unsigned(1)
        self.sum_shape = unsigned(stage.simd.bit_length())
        super().__init__(stage)

    def elaborate(self, platform):
        m = Module()
        simd, levels = self._stage.simd, self._stage.levels_per_register
        x, w = self.x.as_value(), self.w.as_value()
        for p in range(self._stage.pe):
            equal = Signal(simd, name=f"equal{p}")
            m.d.comb += equal.eq(~(x ^ w[p * simd:(p + 1) * simd]))
            counts = full_adders(m, equal, registered=levels == 1, prefix=f"p{p}")
            total = adder_tree(m, counts, levels_per_register=levels, prefix=f"p{p}", level=1)
            m.d.comb += self.y[p].eq(total)
        return m


class MultiplyDot(_Dot):
    """Products in registers, then an adder tree."""

    def __init__(self, stage: FixedStage):
        self.w_shape = format_shape(stage.weight_format)
        x_shape = element_shape(stage.in_edge)
        product_bits = self.w_shape.width + x_shape.width
        self.sum_shape = Shape(product_bits + stage.tree_levels,
                               self.w_shape.signed or x_shape.signed)
        super().__init__(stage)

    def elaborate(self, platform):
        m = Module()
        simd, levels = self._stage.simd, self._stage.levels_per_register
        for p in range(self._stage.pe):
            products = []
            for s in range(simd):
                value = self.x[s] * self.w[p * simd + s]
                product = Signal(value.shape(), name=f"p{p}_product{s}", reset_less=True)
                m.d.sync += product.eq(value)
                products.append(product)
            total = adder_tree(m, products, levels_per_register=levels, prefix=f"p{p}")
            m.d.comb += self.y[p].eq(total)
        return m
