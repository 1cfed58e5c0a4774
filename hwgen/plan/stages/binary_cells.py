"""Cells of the folded binarised core: its parts as the generator makes them, at what they cost.

The parts are counted exactly; what one of each costs on a family (:data:`COSTS`) is fitted to what
yosys makes of it, by the sweep of ``hwgen bench cost``.
"""

import math
from collections import Counter

from ..target import SHORTEST_SHIFT, SMALLEST_BLOCK_BITS, Cells, Target, in_block_ram
from .narrowing import narrowing_cells
from .popcount_cells import heap_luts, heap_waits, popcount_parts, slots, waiting_bits

__all__ = ["COSTS", "PARTS", "binary_cells", "binary_parts",
           "different_columns", "input_parts", "ram_parts", "rom_parts", "tree_parts"]

PARTS = ("chain", "heap", "count3", "add", "inject", "accumulate", "wide_add", "mask", "rom", "ram",
         "search", "counter", "mux", "invert", "shift", "stage")
"""LUTs are a sum over these.

====================  =============================================================================
chain                 LUTs of popcounts and accumulators in chains that take XORs in
heap                  LUTs of six inputs of compressor trees
count3, add, inject   elsewhere: counts of three bits, bits of adders, carry-ins
accumulate            bits of accumulators, start value included (elsewhere)
wide_add              bits of the adders that add up weighed counts
mask                  products that are masked before they are counted
rom                   LUTs of constant memories that are not in block RAM
ram                   LUTs' worth of memories read without a register: 16 rows of 4 bits are 6
search                bits of comparisons, and lookups of codes
counter               bits of the counters that walk through folds, rows and planes
mux                   bits that choose between planes
invert                input bits that are complemented
shift                 shift registers in LUTs
stage                 1
====================  =============================================================================
"""

WITH_CHAIN_CELLS = ("ecp5", "xc7")
"""Families whose popcounts are cells of the device, which constant weights do not make smaller."""

SET_OR_RESET = 0.4
"""Share of the columns of at most four rows that take a LUT; others set or reset their register."""

MOST_READERS = 16
"""Outputs that read an input whose register is that of its block RAM, where blocks have some."""

_LUT4 = {"count3": 4.8, "add": 2.6, "inject": 2.9, "accumulate": 2.1, "wide_add": 0.45,
         "mask": 0.7, "rom": 0.9, "ram": 1.7, "search": 2.8, "counter": 3.0, "mux": 1.0,
         "invert": 1, "stage": 64}

COSTS = {
    "ecp5": {"chain": 1, "ram": 1, "wide_add": 0.8, "mask": 0.5, "rom": 0.95, "search": 1.1,
             "counter": 2.8, "mux": 0.6, "invert": 1},
    "ice40": _LUT4,
    "gowin": {"count3": 4.0, "add": 1.3, "inject": 2.2, "accumulate": 2.4, "wide_add": 1.25,
              "mask": 0.85, "rom": 0.8, "ram": 1.15, "search": 1.2, "counter": 2.4, "invert": 2},
    "xc7": {"heap": 0.9, "accumulate": 0.75, "count3": 3.45, "add": 0.9, "wide_add": 0.85,
            "mask": 0.8, "rom": 1.5, "ram": 0.44, "search": 1, "mux": 0.05, "invert": 1.4,
            "shift": 1.4, "stage": 90},
}
"""Family -> LUTs that one of each part takes."""


def binary_cells(stage, target: Target) -> Cells:
    """Cells of a :class:`BinaryStage`: ``lut`` is LUT equivalents (logic cells on an iCE40)."""
    parts = binary_parts(stage, target)
    costs = COSTS[target.family]
    lut, post = sum(costs.get(part, 0) * parts[part] for part in PARTS), Cells()
    if stage.narrowing is not None:
        post = narrowing_cells(stage.narrowing, stage.out_edge.format.bits, target)
    return Cells(round(lut) + stage.pe * post.lut, round(parts["ff"]) + stage.pe * post.ff,
                 parts["bram"], stage.pe * post.dsp)


def binary_parts(stage, target: Target) -> Counter:
    """How many of each of :data:`PARTS`, and ``ff`` and ``bram``; a requantise apart."""
    parts = Counter(stage=1)
    for count in (_memories, _operands, _popcounts, _sums, _search, _narrowing, _control):
        parts.update(count(stage, target))
    return parts


def rom_parts(depth: int, width: int, target: Target, in_blocks: bool | None = None) -> Counter:
    """Constant rows read through a register: of few rows many columns are the same."""
    if depth <= 1:
        return Counter()
    if in_block_ram(depth, width) if in_blocks is None else in_blocks:
        return Counter(bram=target.blocks_of(depth, width))
    columns = different_columns(depth, width)
    tables = -(-depth // 2 ** target.fabric.lut_inputs)
    luts = columns * (tables + math.ceil((tables - 1) * 2 / 3))
    return Counter(rom=luts * (SET_OR_RESET if depth <= 4 else 1), ff=round(columns))


def different_columns(depth: int, width: int) -> float:
    """Columns that differ, of so many random ones."""
    different = 2.0 ** min(depth, 64)
    return different * -math.expm1(-width / different)


def ram_parts(depth: int, width: int, target: Target) -> Counter:
    """Rows that are written, and read without a register."""
    if target.has_lut_ram:
        return Counter(ram=-(-depth // 16) * -(-width // 4) * 6)
    return Counter(ram=depth * width, ff=depth * width)


def _memories(stage, target):
    """Weights, inputs, output queue."""
    rows, words = stage.weight_row_count, stage.weight_row_bits
    in_blocks = stage.weights_in_block_ram(rows, words)
    parts = Counter() if stage.loaded else rom_parts(rows, words, target, in_blocks)
    if rows > 1 or stage.loaded:    # operand registers; those of equal columns are one
        waits = words if stage.loaded else round(different_columns(rows, words))
        parts["ff"] += words * (not target.blocks_hold_registers) if in_blocks else waits
    out_bits = stage.pe * stage.out_edge.format.bits + 1
    parts.update(input_parts(stage, 2 * stage.sf, target))
    parts.update(ram_parts(stage.fifo_depth, out_bits, target))
    return parts


def input_parts(stage, depth, target):
    """The two vectors; yosys takes blocks by itself where LUTs are dearer, or hold no memories."""
    width = stage.row_bits
    if target.has_lut_ram:
        chosen = target.family == "ecp5" and _is_dearer(depth, width, target)
    else:
        chosen = depth * min(width, target.bram_width) > SMALLEST_BLOCK_BITS
    if stage.inputs_in_block_ram or chosen:
        return Counter(bram=target.blocks_of(depth, width))
    return ram_parts(depth, width, target) + Counter(ff=width)


def _is_dearer(depth, width, target) -> bool:
    """Whether an ECP5's LUT RAM is dearer than blocks, as yosys' ``memory_libmap`` counts costs.

    4 for 16 rows of 4 bits, and a half for each bit that then chooses between banks, for reading
    and for writing; 128 for a block (its ``lutrams_trellis.txt`` and ``brams_16kd.txt``).
    """
    banks = -(-depth // 16)
    choose = ((banks - 1) * width + banks) / 2
    return 4 * banks * -(-width // 4) + choose > 128 * target.blocks_of(depth, width)


def _operands(stage, target):
    """Operand registers of the inputs; serial, the planes are chosen from before."""
    planes = stage.plane_sum.input_planes
    inverted = 0 if stage.is_serial else sum(planes[k].inverted != inverts
                                             for k, inverts in stage.operands)
    parts = Counter(ff=stage.simd * len(stage.operands), invert=stage.simd * inverted)
    if stage.inputs_in_block_ram and target.blocks_hold_registers and not inverted and (
            len(planes) == 1 or not stage.is_serial) and stage.pe <= MOST_READERS:
        parts["ff"] = 0
    if stage.is_serial and len(planes) > 1:
        parts["mux"] = stage.simd * (len(planes) - 1)
    return parts


def _popcounts(stage, target):
    """Those of all outputs, and registers in which operands wait."""
    parts, masked = Counter(), stage.plane_sum.op == "masked"
    parts["heap"] += stage.parity_bits // 3 * len(stage.plane_sum.input_planes)
    for gain in stage.gain_groups:
        how = stage.popcount_of(gain)
        bits, levels = how["bits"], how["levels_per_register"]
        if how.pop("lut_inputs") >= 6:
            parts.update(_waiting(heap_waits(**how), stage.pe, 0, target))
            del how["levels_per_register"]
            group = Counter(heap=heap_luts(**how))
        else:
            parts.update(_waiting_operands(stage, gain, target))
            group = popcount_parts(bits, levels, spare=how["spare"])
            is_constant = stage.weight_row_count == 1 and not stage.loaded
            if is_constant and target.family not in WITH_CHAIN_CELLS:
                group = Counter({part: count / 2 for part, count in group.items()})
        group["mask"] = bits * masked
        group["ff"] += (stage.popcount_registers - stage.group_registers(gain)) * (
            bits.bit_length())
        parts.update({part: count * stage.pe for part, count in group.items()})
    return parts


def _waiting_operands(stage, gain, target) -> Counter:
    """Those bits of both operands, or of masked products, that are carry-ins of later levels."""
    how = stage.popcount_of(gain)
    waits = waiting_bits(how["bits"], how["levels_per_register"], spare=how["spare"])
    if stage.plane_sum.op == "masked":
        return _waiting(waits, stage.pe, 0, target)
    rows, words = stage.weight_row_count, stage.weight_row_bits
    before = 1 if stage.weights_in_block_ram(rows, words) else 2
    parts = _waiting(waits, stage.pe, before, target) if rows > 1 or stage.loaded else Counter()
    parts.update(_waiting(waits, 1, 1 if stage.inputs_in_block_ram else 2, target))
    return parts


def _waiting(waits, copies: int, before: int, target) -> Counter:
    """Flip-flops, or shift registers in LUTs that take in the ``before`` flip-flops before them."""
    parts = Counter()
    for registers, bits in waits.items():
        if target.fabric.has_shift_luts and before + registers >= SHORTEST_SHIFT and registers:
            parts.update(shift=copies * bits, ff=-copies * bits * before)
        else:
            parts["ff"] += copies * bits * registers
    return parts


def _sums(stage, target):
    """The tree of weighed counts, the accumulators and their starts, what weighs the planes."""
    pe, acc_bits = stage.pe, stage.acc_format.bits
    count_bits = stage.most_count.bit_length()
    parts = Counter()
    if stage.sum_terms > 1:
        terms = []
        for gain, pairs in stage.gain_groups.items():
            bits = (len(pairs) * stage.simd).bit_length()
            terms += [(low, low + bits) for low in _ones(gain)]
            parts["ff"] += bits
        parts.update(tree_parts(terms, stage.levels_per_register))
    bits = [count_bits if stage.combines else acc_bits]
    for number, combine in enumerate(stage.combines):
        is_last = number == len(stage.combines) - 1
        bits.append(acc_bits if is_last else count_bits + sum(combine.gains).bit_length())
        if combine.shifts is None:
            parts.update(tree_parts([(low, low + bits[-2]) for low in combine.terms],
                               combine.levels_per_register))
            parts["mux"] += len(combine.terms) * bits[-2]
    for width in bits:
        parts.update(chain=slots(width + 1), accumulate=width, ff=width)
    parts = Counter({part: count * pe for part, count in parts.items()})
    if not (stage.has_one_start or stage.loaded):
        parts.update(rom_parts(stage.nf, pe * stage.start_format.bits, target))
    if not (stage.has_one_low or stage.loaded):
        parts.update(rom_parts(stage.nf, pe * stage.low_bits, target))
    return parts


def _ones(number: int) -> list[int]:
    return [bit for bit in range(number.bit_length()) if number >> bit & 1]


def tree_parts(terms, levels_per_register):
    """A balanced tree of adders; a term has bits from its first number up to its second.

    Of two terms, the bits below where the higher one begins need no adder.
    """
    parts, level = Counter(), 0
    while len(terms) > 1:
        level += 1
        pairs = [terms[k:k + 2] for k in range(0, len(terms) & ~1, 2)]
        sums = [(min(a[0], b[0]), max(a[1], b[1]) + 1) for a, b in pairs]
        parts["wide_add"] += sum(high - max(a[0], b[0])
                                 for (_, high), (a, b) in zip(sums, pairs, strict=True))
        terms = sums + terms[len(terms) & ~1:]
        if level % levels_per_register == 0:
            parts["ff"] += sum(high - low for low, high in terms)
    return parts


def _search(stage, target):
    """Comparisons of the binary search, their thresholds and codes."""
    search = stage.search
    if search is None:
        return Counter()
    parts, acc_bits = Counter(), stage.acc_format.bits
    for number in range(1, search.bits):
        bits = search.step_format(number).bits
        memory = Counter() if stage.loaded else rom_parts(stage.nf << number, bits, target)
        parts.update({part: count * stage.pe for part, count in memory.items()})
        # Value and bits so far, two cycles each, and the bits with the new one.
        parts.update(search=stage.pe * max(bits, acc_bits),
                     ff=stage.pe * (2 * acc_bits + 2 * number + 1 - acc_bits * (
                         number == search.bits - 1)))
    if search.has_inverts and not stage.loaded:
        parts.update(rom_parts(stage.nf, stage.pe, target))
    parts["search"] += stage.pe * stage.out_edge.format.bits * (search.bits > 1 or
                                                                search.has_inverts)
    return parts


def _narrowing(stage, target):
    """What a requantise stores, and its flags."""
    if stage.narrowing is None:
        return Counter()
    parts = Counter(ff=stage.post_registers)
    for bits in stage.narrowing.memory_bits.values():
        parts.update(rom_parts(stage.nf, bits // stage.nf, target))
    return parts


def _control(stage, target):
    """Counters, credits, and flags that go along with the data."""
    depth = 2 * stage.sf
    counters = [2 * (depth.bit_length()), 3 * _bits(depth), _bits(stage.sf), _bits(stage.nf),
                _bits(stage.weight_row_count) * (2 if stage.is_serial else 1),
                4 * _bits(stage.fifo_depth), _bits(stage.nf)]
    waits = 3 * (stage.dot_registers + 2) + 4 * len(stage.combines)
    if stage.search is not None:
        waits += stage.search.registers
    return Counter(counter=sum(counters), ff=sum(counters) + waits)


def _bits(count: int) -> int:
    return max(0, count - 1).bit_length()
