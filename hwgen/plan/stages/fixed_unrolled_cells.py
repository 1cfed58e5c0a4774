"""Cells of the unrolled constant matrix: adders, registers, what narrows and queues."""

from collections import Counter

from ..target import Cells, Target
from .narrowing import narrowing_cells
from .unrolled_cells import CONTROL, _chains, _lengths, _queue

__all__ = ["fixed_unrolled_cells"]

SLOTS = {"ecp5": 2}
"""Family -> bits of one cell of a carry chain, all of which an adder takes; elsewhere 1."""

JOINED = 1.08
"""LUTs where adders follow one another without a register and LUTs have four inputs: yosys turns
some pairs into sums of three operands, which take more."""


def fixed_unrolled_cells(stage, target: Target) -> Cells:
    """Cells of a :class:`FixedUnrolledStage`; on an iCE40 with flip-flops with no LUT beside."""
    step = SLOTS.get(target.family, 1)
    lut = sum(step * -(-value.adder_bits // step) for value in stage.graph.values)
    if stage.levels_per_register > 1 and target.fabric.lut_inputs < 6:
        lut *= JOINED
    lone, fed = _registers(stage.adders)
    lone[1, False] += stage.n_in * stage.x.format.bits
    post = Cells()
    if stage.cut is not None:
        bits, fed_bits = _cut(stage)
        lut, fed = lut + bits, fed + fed_bits
    elif stage.narrowing is not None:
        post = narrowing_cells(stage.narrowing, stage.out_edge.format.bits, target)
    lut, fed = lut + stage.n_out * post.lut, fed + stage.n_out * post.ff
    lut, ff = _chains(lone, lut, fed, target)
    return (Cells(round(lut), ff, dsp=stage.n_out * post.dsp) + CONTROL + _queue(stage, target))


def _cut(stage) -> tuple[int, int]:
    """LUTs that clip sums, and bits of the results: each is one LUT, of up to four inputs."""
    lut = ff = 0
    for k, output in enumerate(stage.graph.outputs):
        value = stage.graph.values[output.value] if output else None
        lo, hi = (value.lo << output.shift, value.hi << output.shift) if output else (0, 0)
        bits, above, sign = stage.cut.bits(k, lo, hi)
        lut += (bits if above or sign else 0) + -(-above // 3)
        ff += bits
    return lut, ff


def _registers(adders) -> tuple[Counter, int]:
    """``{(length, with_own): bits}`` of chains of registers, and bits of those that adders feed.

    ``with_own``: nothing else reads the register of the value that the chain comes from.
    """
    lone, fed = Counter(), 0
    for number, value in enumerate(adders.graph.values):
        if not value.terms and number >= adders.graph.n_in:
            continue
        at, taps = adders.slot(number), adders.taps[number]
        is_fed = bool(value.terms) and adders.is_registered(number)
        first, *later = _lengths(at, taps) or [0]
        if value.terms and first and not is_fed and at not in taps:
            is_fed, first, at = True, first - 1, at + 1
        fed += value.bits * is_fed
        lone[first, is_fed and at not in taps] += value.bits
        for length in later:
            lone[length, False] += value.bits
    return lone, fed
