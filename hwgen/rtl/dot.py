"""Dot products of one row of inputs with ``pe`` rows of weights, one set a cycle."""

from amaranth.hdl import Cat, Module, Shape, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import BinaryStage, FixedStage
from .carried import carried_sum
from .chain import popcount, xnor_popcount
from .multiply_cells import Multiply, MultiplyPair
from .stream import element_shape, format_shape
from .tree import adder_level, adder_tree

__all__ = ["MultiplyDot", "PlaneDot", "dot_members"]


def dot_members(stage, x_shape, sum_shape) -> dict:
    """The ports of a dot product: a row of inputs and one of weights, ``pe`` sums and carries."""
    return {"x": In(data.ArrayLayout(x_shape, stage.simd)), "w": In(stage.weight_row_bits),
            "y": Out(data.ArrayLayout(sum_shape, stage.pe)), "carry": Out(stage.pe)}


class MultiplyDot(wiring.Component):
    """Products in multiplier blocks or LUTs, then a tree of adders for each output.

    Two products that share a block (``stage.packed``) are taken apart in the tree: the borrow of
    the upper one is one bit to be added, as the carry-in of an adder that there is anyway; the last
    such bit is left for the accumulator.

    Members
    -------
    x : ``In(ArrayLayout(x_shape, simd))``
    w : ``In(stage.weight_row_bits)``              a row of ``stage.weight_rows``
    y : ``Out(ArrayLayout(sum_shape, pe))``        ``stage.dot_registers`` cycles later
    carry : ``Out(pe)``                            with ``y``: one more to be added
    """

    def __init__(self, stage: FixedStage):
        self._stage = stage
        self._w_shape, self._x_shape = format_shape(stage.weight_format), element_shape(
            stage.in_edge)
        product_bits = self._w_shape.width + self._x_shape.width
        self._product_shape = Shape(product_bits, self._w_shape.signed or self._x_shape.signed)
        self.sum_shape = Shape(product_bits + stage.tree_levels, self._product_shape.signed)
        super().__init__(dot_members(stage, self._x_shape, self.sum_shape))

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        for pair in range(stage.pairs):
            low, high = self._packed_sums(m, pair)
            m.d.comb += [self.y[2 * pair].eq(low), self.y[2 * pair + 1].eq(high[0]),
                         self.carry[2 * pair + 1].eq(high[1])]
        products = self._halves(m) if stage.has_halves else self._products(m)
        for p in range(2 * stage.pairs, stage.pe):
            terms = [products[p, s] for s in range(stage.simd)]
            for _ in range(stage.split_registers):
                terms = [self._register(m, term, f"p{p}_wait{s}") for s, term in enumerate(terms)]
            m.d.comb += self.y[p].eq(adder_tree(
                m, terms, levels_per_register=stage.levels_per_register, prefix=f"p{p}"))
        return m

    def _register(self, m, value, name):
        register = Signal(value.shape(), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register

    def _weight(self, p, s):
        """Of an output that stands alone."""
        stage, bits = self._stage, self._w_shape.width
        start = stage.pairs * stage.simd * stage.pair_format.bits
        return self.w[start:].word_select((p - 2 * stage.pairs) * stage.simd + s, bits)

    def _value(self, m, bits, name):
        """A product, from the bits of it."""
        value = Signal(self._product_shape, name=name)
        m.d.comb += value.eq(bits)
        return value

    def _products(self, m):
        """Products of the outputs that stand alone, by output and input."""
        stage, products = self._stage, {}
        for p in range(2 * stage.pairs, stage.pe):
            for s in range(stage.simd):
                name = f"p{p}_product{s}"
                m.submodules[f"{name}_block"] = block = Multiply(
                    self._w_shape, self._x_shape, in_block=stage.in_blocks)
                m.d.comb += [block.a.eq(self._weight(p, s)), block.b.eq(self.x[s])]
                products[p, s] = self._value(m, block.y, name)
        return products

    def _halves(self, m):
        """The same with two products in each block."""
        stage, products = self._stage, {}
        places = [(p, s) for p in range(stage.pe) for s in range(stage.simd)]
        for number in range(0, len(places), 2):
            both = places[number:number + 2]
            kind = MultiplyPair if len(both) == 2 else Multiply
            m.submodules[f"block{number // 2}"] = block = kind(self._w_shape, self._x_shape)
            m.d.comb += [block.a.eq(Cat(self._weight(p, s) for p, s in both)),
                         block.b.eq(Cat(self.x[s] for _, s in both))]
            for k, (p, s) in enumerate(both):
                bits = block.y.word_select(k, self._product_shape.width)
                products[p, s] = self._value(m, bits, f"p{p}_product{s}")
        return products

    def _packed_sums(self, m, pair):
        """The low sum, and the high sum with a bit that is to be added to it."""
        stage, packed = self._stage, self._stage.packed
        each, bits, name = stage.pair_format, self._w_shape.width, f"pair{pair}"
        shape = Shape(packed.low_bits + each.bits - bits, each.is_signed)
        total = Shape(shape.width + self._x_shape.width, shape.signed or self._x_shape.signed)
        terms = []
        for s in range(stage.simd):
            m.submodules[f"{name}_block{s}"] = block = Multiply(shape, self._x_shape)
            word = self.w.word_select(pair * stage.simd + s, each.bits)
            low = Signal(Shape(packed.low_bits, self._w_shape.signed), name=f"{name}_low{s}")
            m.d.comb += [
                low.eq(word[:bits].as_signed() if self._w_shape.signed else word[:bits]),
                block.a.eq(Cat(low, word[bits:])), block.b.eq(self.x[s])]
            terms.append(Signal(total, name=f"{name}_product{s}"))
            m.d.comb += terms[-1].eq(block.y)
        per_register = stage.levels_per_register
        for level in range(1, packed.levels + 1):
            terms = adder_level(m, terms, level=level, levels_per_register=per_register,
                                prefix=name)
        lows, highs = zip(*(self._split(m, term, f"{name}_split{k}")
                            for k, term in enumerate(terms)), strict=True)
        low = adder_tree(m, list(lows), levels_per_register=per_register, prefix=f"{name}_low",
                         level=packed.levels)
        return low, carried_sum(m, list(highs), levels_per_register=per_register,
                                prefix=f"{name}_high", level=packed.levels)

    def _split(self, m, term, name):
        """The low sum in ``term``; the high one less its borrow, and the borrow."""
        packed = self._stage.packed
        borrow, k = Signal(name=f"{name}_borrow"), packed.low_bits
        shape = Shape(self._product_shape.width + packed.levels, self._product_shape.signed)
        low, high = Signal(shape, name=f"{name}_low"), Signal(shape, name=f"{name}_high")
        if packed.compares:
            m.d.comb += borrow.eq(term[:k] > packed.largest)
        elif packed.is_signed:
            m.d.comb += borrow.eq(term[k - 1])
        field = Cat(term[:k], borrow)
        above = term[k:].as_signed() if term.shape().signed else term[k:]
        m.d.comb += [low.eq(field.as_signed()), high.eq(above)]
        if packed.compares:
            low, high, borrow = (self._register(m, value, f"{name}_{what}_register")
                                 for value, what in ((low, "low"), (high, "high"),
                                                     (borrow, "borrow")))
        return low, (high, borrow)


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
