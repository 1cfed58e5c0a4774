"""The shift core: products of powers of two by shifts, or by sums of exponents."""

from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import wiring

from ..plan.stages import ShiftStage
from .carried import carried_sum
from .dot import dot_members
from .folded import FixedMatVec
from .stream import element_shape

__all__ = ["ShiftDot", "ShiftMatVec"]


class ShiftDot(wiring.Component):
    """Shifted inputs, then a tree of adders for each output.

    A negative product is complemented, and the one that this lacks goes into a carry-in of the
    tree; the last such bit is left for the accumulator.

    Members
    -------
    x : ``In(ArrayLayout(x_shape, simd))``
    w : ``In(stage.weight_row_bits)``              a row of ``stage.weight_rows``
    y : ``Out(ArrayLayout(sum_shape, pe))``        ``stage.dot_registers`` cycles later
    carry : ``Out(pe)``                            with ``y``: one more to be added
    """

    def __init__(self, stage: ShiftStage):
        self._stage = stage
        self._x_shape = element_shape(stage.in_edge)
        widest = max(self._product_shape(base).width for base in stage.sums.bases)
        self.sum_shape = signed(widest + stage.tree_levels)
        super().__init__(dot_members(stage, self._x_shape, self.sum_shape))

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        for p in range(stage.pe):
            terms = []
            for s in range(stage.simd):
                for n, base in enumerate(stage.sums.bases):
                    place = (p * stage.simd + s) * stage.terms + n
                    field = Signal(stage.term_bits, name=f"p{p}_weight{s}_{n}")
                    m.d.comb += field.eq(self.w.word_select(place, stage.term_bits))
                    terms.append(self._product(m, field, self.x[s], base, f"p{p}_term{s}_{n}"))
            value, carry = carried_sum(m, terms, levels_per_register=stage.levels_per_register,
                                       prefix=f"p{p}")
            m.d.comb += [self.y[p].eq(value), self.carry[p].eq(carry)]
        return m

    def _product_shape(self, base) -> Shape:
        return signed(self._stage.shifted_bits(base) + (not self._x_shape.signed))

    def _product(self, m, field, x, base, name):
        """A term times ``x``, one less where the term is negative; and whether it is."""
        stage = self._stage
        exponent, sign = field[:stage.exponent_bits], Signal(name=f"{name}_sign")
        m.d.comb += sign.eq(field[-1] ^ ~x if stage.is_signs else field[-1])
        zero = Signal(name=f"{name}_zero")
        # Zero is all ones; of terms that are loaded, all that is no exponent. Above exponents that
        # take up all values of their bits one bit tells it.
        told = stage.exponent_bits if stage.field_bits > stage.exponent_bits else 0
        m.d.comb += zero.eq(field[:-1] >= stage.sums.exponents if stage.loaded
                            else field[told:-1].all())
        if stage.adds_exponents:
            magnitude = self._one(m, exponent + x, zero | (x == 0), name)
        elif stage.is_signs:
            magnitude = self._one(m, exponent + 1, zero, name)
        else:
            magnitude = self._shifted(m, exponent, zero, x, name)
        product = Signal(self._product_shape(base), name=name, reset_less=True)
        carry = Signal(name=f"{name}_carry", reset_less=True)
        value = Signal.like(product, name=f"{name}_value")
        m.d.comb += value.eq(magnitude << base)
        m.d.sync += [product.eq(value ^ sign.replicate(len(value)).as_signed()), carry.eq(sign)]
        return product, carry

    def _shifted(self, m, exponent, zero, x, name):
        """``x << exponent``, or 0: a multiplexer a bit for each bit of the exponent."""
        shape = self._x_shape
        value = Signal(shape, name=f"{name}_from")
        m.d.comb += value.eq(Mux(zero, 0, x))
        most = self._stage.sums.exponents - 1
        reached = 0
        for k, bit in enumerate(exponent):
            reached = min(most, reached + (1 << k))
            step = Signal(Shape(shape.width + reached, shape.signed), name=f"{name}_step{k}")
            m.d.comb += step.eq(Mux(bit, value << (1 << k), value))
            value = step
        return value

    def _one(self, m, place, zero, name):
        """A one at bit ``place - 1``, or 0: codes of exponents are one more than these."""
        held = Signal(place.shape(), name=f"{name}_place")
        ones = Signal(self._stage.shifted_bits(0), name=f"{name}_one")
        m.d.comb += held.eq(place)
        for k in range(len(ones)):
            m.d.comb += ones[k].eq(~zero & (held == k + 1))
        return ones


class ShiftMatVec(FixedMatVec):
    """The shift core; see :class:`hwgen.plan.stages.ShiftStage`."""

    def _dot(self):
        return ShiftDot(self._stage)
