"""Sums of values that each have one bit more to be added, in the carry-ins of their adders."""

from amaranth.hdl import Signal

from .chain_cells import Adders

__all__ = ["carried_sum"]


def carried_sum(m, terms, *, levels_per_register: int, prefix: str, level: int = 0):
    """Sum of ``terms``, pairs of a signal and a bit to be added to it, as such a pair.

    Each adder takes the bit of its left operand in and leaves that of the right one, so the tree
    costs no more than that of :func:`hwgen.rtl.tree.adder_tree`, whose registers it has.
    """
    while len(terms) > 1:
        level += 1
        sums = [_sum(m, *terms[k:k + 2], f"{prefix}_l{level}_{k // 2}")
                for k in range(0, len(terms) - 1, 2)]
        terms = sums + terms[len(terms) & ~1:]
        if level % levels_per_register == 0:
            terms = [tuple(_registered(m, value, f"{prefix}_l{level}_{k}_{what}")
                           for value, what in zip(term, ("sum", "carry"), strict=True))
                     for k, term in enumerate(terms)]
    return terms[0]


def _sum(m, left, right, name):
    shape = (left[0] + right[0]).shape()
    m.submodules[name] = adder = Adders(width=shape.width)
    value = Signal(shape, name=f"{name}_value")
    wide = [Signal(shape, name=f"{name}_{side}") for side in "ab"]
    m.d.comb += [
        wide[0].eq(left[0]), wide[1].eq(right[0]), adder.a.eq(wide[0]), adder.b.eq(wide[1]),
        adder.x.eq(left[1]), value.eq(adder.y[:shape.width])]
    return value, right[1]


def _registered(m, value, name):
    register = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += register.eq(value)
    return register
