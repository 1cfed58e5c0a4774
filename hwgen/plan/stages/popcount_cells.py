"""What a popcount is made of, level by level, as the generator builds it."""

from collections import Counter

from .chain_timing import popcount_leaves, popcount_registers, popcount_spare
from .compressor import compress, first_columns

__all__ = ["heap_parts", "popcount_parts", "slots", "waiting_bits"]


def slots(count: int) -> int:
    """LUTs of a carry chain of ``count`` slots where a carry cell has two of them."""
    return count + count % 2


def popcount_parts(bits: int, levels_per_register: int, *, spare: bool) -> Counter:
    """Of chains: ``count3`` counts of three bits, ``add`` bits of adders, ``inject`` carry-ins.

    ``chain`` are the LUTs of all chains on a device whose carry cells take XORs in; ``ff`` the
    registers of sums, not of :func:`waiting_bits`. See :func:`hwgen.rtl.chain.xnor_popcount`,
    whose levels are gone through here.
    """
    parts, leaves = Counter(), popcount_leaves(bits, spare=spare)
    rest = bits - popcount_spare(bits, spare=spare)
    taken = min(3 * leaves, rest)
    tops = [min(3, taken - 3 * k) for k in range(leaves)]
    parts.update(count3=leaves, chain=slots(2 * leaves + 1))
    level, rest = 1, rest - taken
    parts["ff"] += _registered(tops, level, levels_per_register)
    while len(tops) > 1:
        level += 1
        pairs = [tops[k] + tops[k + 1] for k in range(0, len(tops) & ~1, 2)]
        width = max(max(1, top.bit_length()) for top in tops[:len(tops) & ~1])
        carries = min(len(pairs), rest)
        parts.update(add=width * len(pairs), inject=carries,
                     chain=slots((width + 1) * len(pairs) + 1))
        odd = tops[len(tops) & ~1:]
        tops, rest = [top + (k < carries) for k, top in enumerate(pairs)] + odd, rest - carries
        parts["ff"] += _registered(tops, level, levels_per_register)
    assert level // levels_per_register == popcount_registers(
        bits, levels_per_register, spare=spare)
    return parts


def waiting_bits(bits: int, levels_per_register: int, *, spare: bool) -> Counter:
    """How many bits of either operand wait for so many registers until they are carry-ins."""
    waits, leaves = Counter(), popcount_leaves(bits, spare=spare)
    left_over = popcount_spare(bits, spare=spare)
    rest, level = bits - left_over - min(3 * leaves, bits - left_over), 1
    while leaves > 1:
        carries = min(leaves // 2, rest)
        waits[level // levels_per_register] += carries
        leaves, rest, level = leaves - leaves // 2, rest - carries, level + 1
    if left_over:
        waits[level // levels_per_register] += 1
    return waits


def heap_parts(bits: int, levels_per_register: int, *, spare: bool, parity: int,
               plain: bool) -> Counter:
    """Of a compressor tree: ``heap`` LUTs of six inputs, and ``ff`` with those of a bit left over.

    The arguments are those of :func:`hwgen.plan.stages.chain_timing.popcount_registers`.
    """
    left = popcount_spare(bits, spare=spare, lut_inputs=6, plain=plain)
    rest, nines = bits - left, parity // 9
    plan = compress((rest,) if plain else first_columns(rest, parity=parity), rest.bit_length())
    parts = Counter(heap=sum(3 * sixes + threes for level in plan.levels
                             for sixes, threes in level))
    if not plain:
        parts["heap"] += 5 * nines + 2 * ((rest - 9 * nines) // 3) + rest % 3 + left
    levels = [sum(columns) for columns in plan.columns]
    if plan.adder_from is not None:
        parts["heap"] += len(plan.columns[-1]) - plan.adder_from
        levels.append(rest.bit_length())
    for level, count in enumerate(levels, 1 - plain):
        parts["ff"] += (count + left) * (level > 0 and level % levels_per_register == 0)
    return parts


def _registered(tops, level: int, levels_per_register: int) -> int:
    """Flip-flops of the sums behind a level."""
    if level % levels_per_register:
        return 0
    return sum(max(1, top.bit_length()) for top in tops)
