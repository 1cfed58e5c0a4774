"""The tree of adders of a sum with constant gains; see :mod:`hwgen.plan.stages.weighed_sum`."""

from amaranth.hdl import Cat, Shape, Signal

from ..plan.stages.weighed_sum import halved

__all__ = ["weighed_sum"]


def weighed_sum(m, terms, *, shape, register_after, prefix: str) -> Signal:
    """The sum of ``terms`` in ``shape``, which holds it.

    Parameters
    ----------
    terms : list of (Addend, Value)     those that are added before those that are subtracted
    shape : Shape
    register_after : list of bool       for each level of adders; the last one True
    """
    tree = _Tree(m, prefix)
    for is_due in register_after:
        terms = tree.level(terms, is_due)
    total = Signal(shape, name=f"{prefix}_sum")
    for addend, value in terms:
        m.d.comb += total.eq(value << addend.shift)
    return total


class _Tree:
    def __init__(self, m, prefix):
        self._m, self._prefix, self._count = m, prefix, 0

    def level(self, terms, is_due):
        """Half as many terms, in registers if these are due."""
        if len(terms) == 1 and terms[0][0].negative:
            terms = [(terms[0][0].negated(), -terms[0][1])]
        return [(addend, self._kept(value, addend, is_due))
                for addend, value in halved(terms, self._joined)]

    def _kept(self, value, addend, is_due):
        term = self._signal(Shape(addend.bits, addend.is_signed), "term")
        domain = self._m.d.sync if is_due else self._m.d.comb
        domain += term.eq(value)
        return term

    def _signal(self, shape, kind):
        self._count += 1
        return Signal(shape, name=f"{self._prefix}_{kind}{self._count}", reset_less=True)

    def _joined(self, first, second):
        """Sum or difference; low bits that only one operand has go past the adder."""
        (a, x), (b, y) = first, second
        total, past, subtracts = a.with_other(b), a.passes(b), a.negative != b.negative
        if subtracts and not past:
            return total, (x << a.shift - b.shift) - y
        low, high = (x, y) if a.shift <= b.shift else (y, x)
        wide = self._signal(Shape(max(len(low), past + 1), low.shape().signed), "low")
        self._m.d.comb += wide.eq(low)
        above = (wide >> past) - high if subtracts else (wide >> past) + high
        whole = Cat(wide[:past], above)
        return total, whole.as_signed() if total.is_signed else whole
