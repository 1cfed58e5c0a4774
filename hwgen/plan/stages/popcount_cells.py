"""What a popcount in carry chains is made of, level by level, as the generator builds it."""

from collections import Counter

from .chain_timing import popcount_leaves, popcount_registers, popcount_spare

__all__ = ["popcount_parts", "slots"]


def slots(count: int) -> int:
    """LUTs of a carry chain of ``count`` slots where a carry cell has two of them."""
    return count + count % 2


def popcount_parts(bits: int, levels_per_register: int, *, spare: bool) -> Counter:
    """Counted: ``count3`` counts of three bits, ``add`` bits of adders, ``inject`` carry-ins.

    ``chain`` are the LUTs of all chains on a device whose carry cells take XORs in; ``ff`` the
    registers of sums, ``waiting`` those of bits that wait for a later level, each of which is one
    of the input and one of the weights. See :func:`hwgen.rtl.chain.xnor_popcount`, whose levels
    are gone through here.
    """
    parts = Counter()
    leaves = popcount_leaves(bits, spare=spare)
    rest = bits - popcount_spare(bits, spare=spare)
    taken = min(3 * leaves, rest)
    tops = [min(3, taken - 3 * k) for k in range(leaves)]
    waits = bits - taken
    parts.update(count3=leaves, chain=slots(2 * leaves + 1))
    level = 1
    parts.update(_registered(tops, waits, level, levels_per_register))
    rest -= taken
    while len(tops) > 1:
        level += 1
        pairs = [tops[k] + tops[k + 1] for k in range(0, len(tops) & ~1, 2)]
        width = max(max(1, top.bit_length()) for top in tops[:len(tops) & ~1])
        carries = min(len(pairs), rest)
        parts.update(add=width * len(pairs), inject=carries,
                     chain=slots((width + 1) * len(pairs) + 1))
        rest, waits = rest - carries, waits - carries
        odd = tops[len(tops) & ~1:]
        tops = [top + (k < carries) for k, top in enumerate(pairs)] + odd
        parts.update(_registered(tops, waits, level, levels_per_register))
    assert level // levels_per_register == popcount_registers(
        bits, levels_per_register, spare=spare)
    return parts


def _registered(tops, waiting: int, level: int, levels_per_register: int) -> Counter:
    """Flip-flops behind a level: of its sums, and of the bits that wait."""
    if level % levels_per_register:
        return Counter()
    return Counter(ff=sum(max(1, top.bit_length()) for top in tops), waiting=waiting)
