"""Balanced adder trees and population counts, with registers after a stated number of levels."""

from amaranth.hdl import Cat, Signal

__all__ = ["adder_level", "adder_tree", "delay", "full_adders", "late", "wrap_add"]


def adder_tree(m, terms, *, levels_per_register: int, prefix: str, level: int = 0):
    """Sum of ``terms`` (signals); a register after each ``levels_per_register``-th level.

    ``level`` counts the levels already in front of the tree. Returns the sum; registers passed:
    :func:`hwgen.plan.stages.folded.tree_registers` of the last level.
    """
    while len(terms) > 1:
        level += 1
        terms = adder_level(m, terms, level=level, levels_per_register=levels_per_register,
                            prefix=prefix)
    return terms[0]


def adder_level(m, terms, *, level: int, levels_per_register: int, prefix: str) -> list:
    """Sums of each two of ``terms``, and the one that is left: level ``level`` of a tree."""
    domain = m.d.sync if level % levels_per_register == 0 else m.d.comb
    pairs = [terms[k] + terms[k + 1] for k in range(0, len(terms) - 1, 2)]
    sums = pairs + list(terms[len(terms) & ~1:])
    terms = []
    for k, value in enumerate(sums):
        term = Signal(value.shape(), name=f"{prefix}_l{level}_{k}", reset_less=True)
        domain += term.eq(value)
        terms.append(term)
    return terms


def full_adders(m, bits, *, registered: bool, prefix: str):
    """Two-bit counts of each three bits of the signal ``bits``: two LUTs a count."""
    domain = m.d.sync if registered else m.d.comb
    counts = []
    for k in range(0, len(bits), 3):
        a, b, c = (bits[k + j] if k + j < len(bits) else 0 for j in range(3))
        count = Signal(2, name=f"{prefix}_fa{k // 3}", reset_less=True)
        domain += count.eq(Cat(a ^ b ^ c, (a & b) | (a & c) | (b & c)))
        counts.append(count)
    return counts


def delay(m, value, cycles: int, *, name: str):
    """``value`` after ``cycles`` registers, reset to 0; for control flags."""
    for k in range(cycles):
        step = Signal(value.shape(), name=f"{name}_d{k + 1}")
        m.d.sync += step.eq(value)
        value = step
    return value


def late(m, value, cycles: int, *, name: str):
    """``value`` after ``cycles`` registers that nothing resets."""
    for k in range(cycles):
        step = Signal(value.shape(), name=f"{name}_d{k + 1}", reset_less=True)
        m.d.sync += step.eq(value)
        value = step
    return value


def wrap_add(m, counter, limit: int) -> None:
    """Next cycle ``counter`` is one more, and 0 after ``limit - 1``."""
    with m.If(counter == limit - 1):
        m.d.sync += counter.eq(0)
    with m.Else():
        m.d.sync += counter.eq(counter + 1)
