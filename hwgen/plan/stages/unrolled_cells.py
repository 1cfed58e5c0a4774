"""Cells of the unrolled core: nodes of its graphs, chains of registers, what weighs and queues."""

from collections import Counter, defaultdict

from ...ir import Threshold
from ..target import SHORTEST_SHIFT, Cells, Target
from .narrowing import narrowing_cells
from .unit_cells import LUT_RAM
from .unrolled_graph import slot
from .weighed_sum import Addend, halved

__all__ = ["unrolled_cells"]

CONTROL = Cells(lut=30, ff=25)
"""Credits, counters of the queue, flags along the way."""

CARRIED = {"ice40": 2.0, "gowin": 2.0}
"""Family -> LUTs of a bit of an adder that takes a third operand in; elsewhere one."""

BIT_OF_FLIP_FLOPS = 1.7
"""LUTs for each bit of a queue where LUTs hold no memory."""


def unrolled_cells(stage, target: Target) -> Cells:
    """Cells of an :class:`UnrolledStage`; on an iCE40 with flip-flops that have no LUT beside."""
    lone, fed = _registers(stage)
    lut = _nodes(stage, target.family)
    own = [_weighing(stage, output) for output in range(stage.n_out)]
    fed += sum(cells.ff for cells in own)
    lut += sum(cells.lut for cells in own)
    post = Cells()
    if stage.narrowing is not None:
        post = narrowing_cells(stage.narrowing, stage.out_edge.format.bits, target)
        fed += stage.n_out * stage.acc_format.bits
    lut, fed = lut + stage.n_out * post.lut, fed + stage.n_out * post.ff
    lut, ff = _chains(lone, lut, fed, target)
    return Cells(round(lut), ff, dsp=stage.n_out * post.dsp) + CONTROL + _queue(stage, target)


def _chains(lone: Counter, lut, fed, target):
    """LUTs and flip-flops with the chains of :func:`_registers`."""
    ff = fed + sum(length * bits for (length, _), bits in lone.items())
    if target.fabric.has_shift_luts:
        for (length, with_own), bits in lone.items():
            if length + with_own >= SHORTEST_SHIFT:
                lut, ff = lut + bits, ff - (length + with_own) * bits
    if target.family == "ice40":
        lut += ff - fed
    return lut, ff


def _nodes(stage, family) -> float:
    """LUTs of all nodes."""
    total = 0
    for graph in stage.sums.graphs:
        for number, node in enumerate(graph.nodes):
            share = CARRIED.get(family, 1) if node.operands and node.bits else 1
            total += graph.luts(number) * share
    return total


def _registers(stage) -> tuple[Counter, int]:
    """``{(length, with_own): bits}`` of chains of registers, and bits of those that adders feed.

    ``with_own``: nothing else reads the register of the node that the chain comes from.
    """
    levels, lone, fed = stage.levels_per_register, Counter(), 0
    inputs = defaultdict(set)
    for graph, ends in zip(stage.sums.graphs, _ends(stage), strict=True):
        reads = defaultdict(set)
        for node in graph.nodes:
            at = slot(node.level - 1, levels)
            for operand in node.operands:
                reads[operand].add(at)
            for bit in node.bits:
                inputs[bit.index].add(at)
        for number, node in enumerate(graph.nodes):
            at = slot(node.level, levels)
            taps = reads[number] | ({stage.last_slot} if number in ends else set())
            is_fed = at > slot(node.level - 1, levels)
            fed += node.width * is_fed
            first, *later = _lengths(at, taps) or [0]
            lone[first, is_fed and at not in taps] += node.width
            for length in later:
                lone[length, False] += node.width
    for taps in inputs.values():
        for length in _lengths(-1, taps):
            lone[length, False] += 1
    return lone, fed


def _lengths(at: int, taps) -> list[int]:
    """Registers from slot ``at`` to the first tap, and from each to the next."""
    stops = [at, *sorted(tap for tap in taps if tap > at)]
    return [b - a for a, b in zip(stops, stops[1:], strict=False)]


def _ends(stage) -> list[set[int]]:
    """Nodes of each graph that outputs are made of."""
    found = [set() for _ in stage.sums.graphs]
    for g, output in zip(stage.sums.where, stage.sums.outputs, strict=True):
        found[g].update(node for _, node in output.terms)
    return found


def _weighing(stage, output) -> Cells:
    """Adders of the weighed sum of an output, with their registers, and what follows them."""
    lut = ff = 0
    terms = [addend for addend, *_ in stage.addends(output)]
    for is_due in stage.register_after:
        lut += sum(halved(terms, Addend.adder_bits)[:len(terms) // 2])
        terms = halved(terms, Addend.with_other)
        ff += is_due * sum(addend.bits for addend in terms)
    lo, hi = stage.sum_range(output)
    bits = max(-lo, hi).bit_length() + 1
    if not isinstance(stage.post, Threshold):
        return Cells(lut + bits, ff)
    steps = stage.post.table.shape[1]
    return Cells(lut + steps * (bits // 3), ff + steps * stage.code_registers)


def _queue(stage, target) -> Cells:
    """The output queue, read without a register."""
    depth, width = stage.fifo_depth, stage.n_out * stage.out_edge.format.bits + 1
    if not target.has_lut_ram:
        return Cells(round(BIT_OF_FLIP_FLOPS * depth * width), depth * width)
    rows, bits, luts = LUT_RAM.get(target.family, (16, 4, 6))
    return Cells(-(-depth // rows) * -(-width // bits) * luts)
