"""What a popcount is made of, level by level, as the generator builds it."""

from collections import Counter

from .chain_timing import popcount_leaves, popcount_registers, popcount_spare
from .compressor import compress, first_columns

__all__ = ["heap_luts", "heap_waits", "popcount_parts", "slots", "waiting_bits"]


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


def heap_luts(bits: int, *, spare: bool, parity: int, plain: bool) -> int:
    """LUTs of six inputs of a compressor tree.

    The arguments are those of :func:`hwgen.plan.stages.chain_timing.popcount_registers`.
    """
    left, plan = _compression(bits, spare, parity, plain)
    rest, nines = bits - left, parity // 9
    luts = sum(3 * sixes + threes for level in plan.levels for sixes, threes in level)
    if plan.adder_from is not None:
        luts += len(plan.columns[-1]) - plan.adder_from
    if plain:
        return luts
    return luts + 5 * nines + 2 * ((rest - 9 * nines) // 3) + rest % 3 + left


def heap_waits(bits: int, levels_per_register: int, *, spare: bool, parity: int,
               plain: bool) -> Counter:
    """Registers in a row -> bits of a compressor tree that pass so many until they are counted.

    As :class:`hwgen.rtl.chain_heap.HeapPopcount` takes them: what was counted last comes first.
    """
    left, plan = _compression(bits, spare, parity, plain)
    columns = [[0] * count for count in plan.columns[0]]
    level, waits = 1 - plain, Counter()
    columns = _aged(columns, level, levels_per_register)
    for counters in plan.levels:
        columns, level = _counted(columns, counters, waits), level + 1
        columns = _aged(columns, level, levels_per_register)
    if plan.adder_from is not None:
        level += 1
        for column in columns[plan.adder_from:]:
            waits.update(column)
        width = (bits - left).bit_length() - plan.adder_from
        columns = _aged([*columns[:plan.adder_from], [0] * width], level, levels_per_register)
    for column in columns:
        waits.update(column)
    waits.update([level // levels_per_register] * left)
    del waits[0]
    return waits


def _compression(bits, spare, parity, plain):
    """Whether a bit is left over, and what is done with the others."""
    left = popcount_spare(bits, spare=spare, lut_inputs=6, plain=plain)
    rest = bits - left
    first = (rest,) if plain else first_columns(rest, parity=parity)
    return left, compress(first, rest.bit_length())


def _aged(columns, level, levels_per_register):
    """Columns of bits, each as the registers it has passed, behind a level."""
    is_due = level > 0 and level % levels_per_register == 0
    return [[age + is_due for age in column] for column in columns]


def _counted(columns, counters, waits):
    """Columns behind counters of six and of three bits, whose operands wait no longer."""
    following = [[] for _ in range(len(columns) + 2)]
    for size, position in ((6, 0), (3, 1)):
        for k, column in enumerate(columns):
            for _ in range(counters[k][position] if k < len(counters) else 0):
                waits.update(column[:size])
                del column[:size]
                for bit in range(size.bit_length()):
                    following[k + bit].append(0)
    for k, column in enumerate(columns):
        following[k] += column
    return following


def _registered(tops, level: int, levels_per_register: int) -> int:
    """Flip-flops of the sums behind a level."""
    if level % levels_per_register:
        return 0
    return sum(max(1, top.bit_length()) for top in tops)
