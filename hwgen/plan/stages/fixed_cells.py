"""Cells of the folded fixed-point core: its parts as the generator makes them, at what they cost.

As in :mod:`.binary_cells` the parts are counted exactly, and what one of each costs on a family
(:data:`COSTS`) is fitted to what yosys makes of it, by the sweep of ``hwgen bench cost``.
"""

from collections import Counter

from ...numeric import Fixed
from ..target import SHORTEST_SHIFT, Cells, Target
from .binary_cells import different_columns, input_parts, ram_parts, rom_parts
from .block_adders import Room, Term, in_one_block, level_parts
from .narrowing import NARROWING_COSTS, narrowing_parts
from .product_blocks import asked_blocks, lut_product

__all__ = ["COSTS", "PARTS", "costed", "fixed_cells", "fixed_parts", "frame_parts",
           "product_parts"]

PARTS = ("product", "edge", "constant", "wide_add", "joined", "compare", "accumulate", "masks",
         "slices", "narrow", "clip", "rom", "ram", "counter", "wrap", "lone", "shift", "stage")
"""LUTs are a sum over these.

============  =====================================================================================
product       of products in LUTs, bits of one operand but its first times those of the other
edge          bits of both operands of these
constant      bits of one operand times those of the other where one is a constant
wide_add      bits of the adders of the trees
joined        of these, bits of adders that follow one another without a register
compare       bits by which packed products are told apart from their borrow
accumulate    bits of accumulators, start value included
masks         bits of the rows of a requantise's product in LUTs: the value, for a bit that is set
slices        bits of the adders of a requantise's product, of its parts or rows
narrow, clip  bits of what shifts and rounds, and of what clips, in a requantise
rom           LUTs of constant memories that are not in block RAM
ram           LUTs' worth of memories read without a register: 16 rows of 4 bits are 6
counter       bits of the counters that walk through folds and rows
wrap          of these, bits of counters whose limit is no power of two
lone          flip-flops that only pass something on
shift         shift registers in LUTs, of which each takes three of these
stage         1
============  =====================================================================================
"""

OTHER_FF = 14
"""Flip-flops that are in none of these: of credits, the queue, the first row of tables."""

_OWN = {
    "ecp5": {"constant": 1.15, "wide_add": 0.95, "joined": 0.55, "compare": 0.1,
             "accumulate": 1, "rom": 1.1, "ram": 1, "counter": 2.7, "wrap": 0.35},
    "ice40": {"constant": 0.95, "wide_add": 0.9, "compare": 1, "accumulate": 1.5,
              "rom": 1.1, "ram": 2.05, "counter": 2.6, "lone": 1},
    "xc7": {"constant": 0.9, "wide_add": 1, "compare": 1, "accumulate": 1,
            "rom": 1.5, "ram": 0.35, "counter": 0.7, "wrap": 0.9, "shift": 1, "stage": 50},
}

COSTS = {family: costs | NARROWING_COSTS[family] for family, costs in _OWN.items()}
"""Family -> LUTs that one of each part takes; Gowin's are those of an ECP5."""


def fixed_cells(stage, target: Target) -> Cells:
    """Cells of a :class:`FixedStage`: ``lut`` is LUT equivalents (logic cells on an iCE40)."""
    return costed(fixed_parts(stage, target), target)


def costed(parts: Counter, target: Target) -> Cells:
    """Cells of parts."""
    costs = COSTS.get(target.family, COSTS["ecp5"])
    lut = sum(costs.get(part, 0) * parts[part] for part in PARTS)
    return Cells(round(lut), round(parts["ff"]), parts["bram"], parts["dsp"])


def fixed_parts(stage, target: Target) -> Counter:
    """How many of each of :data:`PARTS`, and ``ff``, ``bram`` and ``dsp``."""
    parts, products = frame_parts(stage, target, accumulators=stage.pe), _products(stage, target)
    parts.update(products)
    parts.update(_trees(stage, target))
    if target.fabric.has_shift_luts and products["edge"]:
        bits = _passed_on(stage)
        parts.update(shift=bits, ff=-SHORTEST_SHIFT * bits)
    return parts


def _passed_on(stage) -> int:
    """Bits of operands that pass three registers on their way to a product in LUTs.

    They are read through one, and wait in one, in front of that of the product.
    """
    rows, width = stage.nf * stage.sf, stage.weight_row_bits
    bits = 0 if stage.inputs_in_block_ram else stage.row_bits
    if stage.weights_in_block_ram(rows, width):
        return bits
    return bits + round(different_columns(rows, width))


def frame_parts(stage, target: Target, *, accumulators: int) -> Counter:
    """The same of a folded stage, without what is between its operands and ``accumulators``."""
    parts, bits = Counter(stage=1), accumulators * stage.acc_format.bits
    parts.update(accumulate=bits, ff=bits)
    if stage.mat_vec.bias is not None and not stage.loaded:
        parts.update(rom_parts(stage.nf, stage.pe * stage.bias_format.bits, target))
    for count in (_memories, _narrowing, _control):
        parts.update(count(stage, target))
    return parts


def _memories(stage, target):
    """Weights, inputs, output queue; the operand registers behind them."""
    rows, width = stage.nf * stage.sf, stage.weight_row_bits
    in_blocks = stage.weights_in_block_ram(rows, width)
    parts = Counter() if stage.loaded else rom_parts(rows, width, target, in_blocks)
    if rows > 1 and not (in_blocks and target.blocks_hold_registers):
        waits = width if in_blocks else round(different_columns(rows, width))
        parts.update(ff=waits, lone=waits)
    parts.update(input_parts(stage, 2 * stage.sf, target))
    if not (stage.inputs_in_block_ram and target.blocks_hold_registers):
        parts.update(ff=stage.row_bits, lone=stage.row_bits)
    parts.update(ram_parts(stage.fifo_depth, stage.pe * stage.out_edge.format.bits + 1, target))
    return parts


def _products(stage, target):
    """Those of outputs that stand alone, of pairs, of halves of a block."""
    w, x = stage.weight_format, stage.x.format
    if stage.has_halves and target.dsps:
        pairs, single = divmod(stage.pe * stage.simd, 2)
        return Counter(dsp=pairs) + product_parts(stage, w, x, single, target)
    parts = product_parts(stage, w, x, (stage.pe - 2 * stage.pairs) * stage.simd, target)
    if stage.pairs:
        both = Fixed(stage.packed.low_bits + stage.pair_format.bits - w.bits, 0,
                     stage.pair_format.is_signed)
        parts.update(product_parts(stage, both, x, stage.pairs * stage.simd, target))
    return parts


def product_parts(stage, w, x, count, target):
    """``count`` products, with registers at operands and product where LUTs make them."""
    blocks = asked_blocks(w, x, target) if stage.in_blocks else 0
    if blocks or not count:
        return Counter(dsp=blocks * count)
    if stage.nf * stage.sf == 1:
        return Counter(constant=count * w.bits * x.bits, ff=count * (w.bits + x.bits)
                       + stage.simd * x.bits)
    operands = count * w.bits + stage.simd * x.bits
    return _times(lut_product(w.bits, x.bits), count) + Counter(
        ff=operands + count * (w.bits + x.bits), lone=operands)


def _trees(stage, target):
    """Adder trees, and what takes packed sums apart."""
    w, x = stage.weight_format, stage.x.format
    is_in_block = stage.in_blocks and in_one_block(w, x, target)
    term = Term(w.bits + x.bits, Room.ADDER if is_in_block else Room.NONE)
    parts = _times(_single(stage, term), stage.pe - 2 * stage.pairs)
    if stage.pairs:
        parts.update(_times(_pair(stage, term), stage.pairs))
    if stage.levels_per_register > 1:
        parts["joined"] = parts["wide_add"]
    return parts


def _single(stage, term):
    """The tree of an output that stands alone, behind registers where others are split."""
    waits, terms = Counter(), [term] * stage.simd
    if stage.split_registers:
        bits = stage.simd * term.outside
        waits, terms = Counter(ff=bits, lone=bits), [Term(term.bits)] * stage.simd
    parts, _ = _tree(terms, range(1, stage.tree_levels + 1), stage.levels_per_register)
    return parts + waits


def _tree(terms, levels, per_register):
    """Adders and registers of some levels, and their sums."""
    parts = Counter()
    for level in levels:
        found, terms = level_parts(terms, level % per_register == 0)
        parts.update(found)
    return parts, terms


def _pair(stage, term):
    """The trees of two outputs whose products, of which ``term`` is one, share blocks."""
    packed, per_register = stage.packed, stage.levels_per_register
    total = term.bits + packed.low_bits + stage.pair_format.bits - 2 * stage.weight_format.bits
    parts, sums = _tree([Term(total, term.room)] * stage.simd, range(1, packed.levels + 1),
                        per_register)
    terms, low, high = len(sums), term.bits + packed.levels, (
        total + packed.levels - packed.low_bits)
    if packed.compares:
        parts.update(compare=terms * packed.low_bits, ff=terms * (packed.low_bits + 1 + high))
    for level in range(packed.levels + 1, stage.tree_levels + 1):
        low, high = low + 1, high + 1
        parts["wide_add"] += terms // 2 * (low + high)
        terms = -(-terms // 2)
        parts["ff"] += terms * (low + high + 1) * (level % per_register == 0)
    return parts


def _narrowing(stage, target):
    if stage.narrowing is None:
        return Counter()
    lane = narrowing_parts(stage.narrowing, stage.out_edge.format.bits, target)
    parts = _times(lane, stage.pe)
    if stage.nf > 1:
        for bits in stage.narrowing.memory_bits.values():
            parts.update(rom_parts(stage.nf, bits // stage.nf, target))
    return parts


def _times(parts, count) -> Counter:
    return Counter({part: number * count for part, number in parts.items()})


def _control(stage, target):
    """Counters, credits, and flags that go along with the data."""
    depth, rows = 2 * stage.sf, stage.nf * stage.sf
    limits = 3 * [depth] + [stage.sf, stage.nf, stage.nf, rows]
    counters = 2 * depth.bit_length() + sum(map(_bits, limits)) + 4 * _bits(stage.fifo_depth)
    wraps = sum(_bits(limit) for limit in limits if limit.bit_count() > 1)
    flags = 3 * (stage.dot_registers + 2) + stage.post_registers
    return Counter(counter=counters, wrap=wraps, ff=counters + flags + OTHER_FF, lone=flags)


def _bits(count: int) -> int:
    return max(0, count - 1).bit_length()
