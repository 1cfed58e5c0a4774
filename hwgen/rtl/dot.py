"""Dot products of one row of inputs with ``pe`` rows of weights, one set a cycle."""

from amaranth.hdl import Cat, Module, Shape, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import BinaryStage, FixedStage
from .chain import popcount, xnor_popcount
from .stream import element_shape, format_shape
from .tree import adder_tree

__all__ = ["MultiplyDot", "PlaneDot"]


class MultiplyDot(wiring.Component):
    """Products in registers, then an adder tree.

    Members
    -------
    x : ``In(ArrayLayout(x_shape, simd))``
    w : ``In(ArrayLayout(w_shape, pe * simd))``    weight ``p * simd + s`` is of output ``p``
    y : ``Out(ArrayLayout(sum_shape, pe))``        ``stage.dot_registers`` cycles later
    """

    def __init__(self, stage: FixedStage):
        self._stage = stage
        w_shape, x_shape = format_shape(stage.weight_format), element_shape(stage.in_edge)
        product_bits = w_shape.width + x_shape.width
        self.sum_shape = Shape(product_bits + stage.tree_levels, w_shape.signed or x_shape.signed)
        super().__init__({
            "x": In(data.ArrayLayout(x_shape, stage.simd)),
            "w": In(data.ArrayLayout(w_shape, stage.pe * stage.simd)),
            "y": Out(data.ArrayLayout(self.sum_shape, stage.pe)),
        })

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


class PlaneDot(wiring.Component):
    """Popcounts of planes side by side, those of one gain counted as one, weighed and added up.

    Members
    -------
    x : ``In(ArrayLayout(simd, operands))``        planes as ``stage.operands`` lists them
    w : ``In(ArrayLayout(ArrayLayout(simd, words), pe))``   of each plane the bits, then any mask
    y : ``Out(ArrayLayout(sum_shape, pe))``        ``stage.dot_registers`` cycles later
    carry : ``Out(ArrayLayout({"x": 1, "w": 1}, pe))``  with ``y``: one bit more that counts,
        ``op`` of ``x`` and ``w``, where ``stage.leaves_carry``; else 0
    """

    def __init__(self, stage: BinaryStage):
        self._stage = stage
        self.op = "and" if stage.plane_sum.op == "and" else "xor"
        most = sum(gain * len(pairs) * stage.simd for gain, pairs in stage.gain_groups.items())
        self.sum_shape = unsigned(most.bit_length())
        words = data.ArrayLayout(unsigned(stage.simd), stage.words_per_lane)
        super().__init__({
            "x": In(data.ArrayLayout(unsigned(stage.simd), len(stage.operands))),
            "w": In(data.ArrayLayout(words, stage.pe)),
            "y": Out(data.ArrayLayout(self.sum_shape, stage.pe)),
            "carry": Out(data.ArrayLayout(data.StructLayout({"x": 1, "w": 1}), stage.pe)),
        })

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        for p in range(stage.pe):
            terms = []
            for gain, pairs in stage.gain_groups.items():
                count = self._count(m, p, gain, pairs)
                terms += [count << bit for bit in range(gain.bit_length()) if gain >> bit & 1]
            if len(terms) > 1:
                terms = [self._register(m, term, f"p{p}_term{k}") for k, term in enumerate(terms)]
            total = adder_tree(m, terms, levels_per_register=stage.levels_per_register,
                               prefix=f"p{p}_sum")
            m.d.comb += self.y[p].eq(total)
        return m

    def _register(self, m, value, name):
        register = Signal(value.shape(), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register

    def _count(self, m, p, gain, pairs):
        """Popcount of the bits of ``pairs`` of planes, as late as that of the largest group."""
        stage, name = self._stage, f"p{p}_gain{gain}"
        how = {"levels_per_register": stage.levels_per_register, "spare": stage.leaves_carry,
               "lut_inputs": stage.lut_inputs, "prefix": name}
        x, w = zip(*(self._met(p, *pair) for pair in pairs), strict=True)
        x, w = self._joined(x), self._joined(w)
        if stage.plane_sum.op == "masked":
            met = Signal(len(x), name=f"{name}_met")
            m.d.comb += met.eq((x ^ w) & Cat(self.w[p][1] for _ in pairs))
            counted = popcount(m, met, **how)
        else:
            counted = xnor_popcount(m, x, w, op=self.op, parity=len(pairs) * stage.parity_bits,
                                    **how)
        if stage.leaves_carry:
            m.d.comb += [self.carry[p].x.eq(counted.carry.x), self.carry[p].w.eq(counted.carry.w)]
        count = counted.sum
        for k in range(stage.popcount_registers - counted.registers):
            count = self._register(m, count, f"{name}_wait{k}")
        return count

    def _joined(self, rows):
        """Bits of all rows, those in parity form first."""
        formed = self._stage.parity_bits
        return Cat(*(row[:formed] for row in rows), *(row[formed:] for row in rows))

    def _met(self, p, weight_plane, input_plane):
        """Input and weight bits of a pair of planes."""
        stage = self._stage
        if stage.is_serial:
            return self.x[0], self.w[p][0]
        plane = stage.weight_planes[weight_plane]
        operand = stage.operands.index((input_plane, plane.inverts_x))
        return self.x[operand], self.w[p][weight_plane]
