"""Thresholds that follow no matrix: each value is compared with those of its channel."""

from dataclasses import dataclass
from functools import cached_property
from math import lcm
from typing import ClassVar

import numpy as np

from ...ir import Edge, Threshold
from ...numeric import Fixed, SpecError, pack_row
from ..target import Cells
from .codes import levels_as_sent, require_ordered
from .elementwise import ElementwiseStage, narrowest
from .threshold_search import ThresholdSearch

__all__ = ["ThresholdStage", "threshold_of"]

MAX_BITS = 62
"""Of a difference, as of an accumulator."""

LONE_SHARE = 0.8
"""Registers of a step on an iCE40 that find no LUT to share a logic cell with."""


@dataclass(frozen=True, eq=False)
class ThresholdStage(ElementwiseStage):
    """``lanes`` elements a cycle, a binary search of each among the thresholds of its channel.

    As behind a matrix (:class:`ThresholdSearch`), but that the middle threshold is subtracted
    first. Channels are the last axis: a beat need not end where a pixel does, so thresholds are
    stored in turn for each lane until the beats begin anew with channel 0, after :attr:`nf` beats.

    A frame takes ``size / lanes`` cycles; a code leaves ``2 + search.registers`` cycles after its
    element came: the difference, the search, the output queue.

    Parameters
    ----------
    lanes : int     elements side by side, in and out; a divisor of the size

    Raises
    ------
    SpecError    If ``lanes`` does not divide, codes of the input do not order as their values do,
                 its range is too wide, or the output has one level only.
    """

    core: ClassVar[str] = "threshold"
    threshold: Threshold
    x: Edge
    lanes: int

    def __post_init__(self):
        super().__post_init__()
        require_ordered(self.where, self.x.format)
        if len(self.threshold.format.levels) < 2:
            raise SpecError(f"{self.where}: output must have at least 2 levels, not those of"
                            f" {self.threshold.format}")
        if (bits := (self.x.hi - self.x.lo + 1).bit_length() + 1) > MAX_BITS:
            raise SpecError(f"{self.where}: difference from a threshold must have at most"
                            f" {MAX_BITS} bits, not {bits}: the input runs from {self.x.lo} to"
                            f" {self.x.hi}")

    @property
    def nodes(self):
        return (self.threshold,)

    @property
    def pe(self) -> int:
        """Elements side by side, as a matrix calls its outputs."""
        return self.lanes

    @property
    def channels(self) -> int:
        """Elements after which thresholds begin anew, in beats and in pixels."""
        return lcm(self.lanes, self.x.shape[-1])

    @property
    def nf(self) -> int:
        """Beats after which thresholds begin anew."""
        return self.channels // self.lanes

    # -- thresholds ------------------------------------------------------------------------------

    @cached_property
    def _sent(self) -> tuple[np.ndarray, int, int]:
        """Thresholds of what travels, int64 ``(n, T)``; least and largest that travels."""
        table, fmt = self.threshold.table, self.x.format
        if isinstance(fmt, Fixed):
            return table, self.x.lo, self.x.hi
        sent = levels_as_sent(fmt)
        ends = np.append(sent, sent[-1] + 1)
        return ends[np.searchsorted(fmt.levels, table)], int(sent[0]), int(sent[-1])

    @cached_property
    def search(self) -> ThresholdSearch:
        """Among the thresholds of each channel in turn, of what travels less the least of it."""
        table, low, high = self._sent
        most = np.full(len(table), high - low)
        search = ThresholdSearch.of(self.threshold, table - low, most, flips=False)
        return search.repeated(self.channels)

    @cached_property
    def starts(self) -> np.ndarray:
        """What is added to each element before its sign is looked at, int64 ``(channels,)``."""
        return -(self._sent[1] + self.search.first).astype(np.int64)

    @property
    def start_format(self) -> Fixed:
        """In which the starts are stored."""
        return Fixed.covering(min(-1, int(self.starts.min())), max(0, int(self.starts.max())))

    @property
    def difference_format(self) -> Fixed:
        """Holds every element and its start."""
        _, low, high = self._sent
        return Fixed.covering(min(-1, low + int(self.starts.min())),
                              max(0, high + int(self.starts.max())))

    def start_rows(self) -> list[int] | None:
        """Row ``f`` holds the starts of the lanes of beat ``f``; None if all are one."""
        if len(set(self.starts.tolist())) == 1:
            return None
        codes = self.start_format.encode(self.starts).reshape(self.nf, self.lanes)
        return [pack_row(row, self.start_format.bits) for row in codes]

    @property
    def memory_bits(self):
        own = 0 if self.start_rows() is None else self.channels * self.start_format.bits
        stored = own + self.search.memory_bits
        return {"thresholds": stored} if stored else {}

    # -- time and cells --------------------------------------------------------------------------

    @property
    def latency_cycles(self) -> int:
        """From an element's transfer to that of its code."""
        return 2 + self.search.registers

    def estimate(self, target):
        """Subtractions, comparisons, thresholds in LUTs or blocks, and the output queue."""
        each = Cells(lut=self.difference_format.bits, ff=1)     # a lone sign drops the rest
        if self.nf > 1:
            read = self.start_format.bits
            each += Cells(lut=self.nf * read // 8, ff=read)
        for number in range(1, self.search.bits):
            each += self._step_cells(number, target)
        return self.with_queue(each, target)

    def _step_cells(self, number, target):
        bits, width = self.difference_format.bits, self.search.step_format(number).bits
        rows, kept = self.nf << number, 2 * (bits + number)
        blocks = target.brams_for(rows, width)
        stored = 0 if blocks else rows * width // 8
        lone = int(LONE_SHARE * kept) if target.family == "ice40" else 0
        return Cells(max(bits, width) + stored + lone, kept, blocks)


def threshold_of(node: Threshold, x: Edge, interval_cycles: int) -> ThresholdStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest.

    Lanes divide the channels or are a multiple of them, so that memories stay small.
    """
    lanes = narrowest(x.size, interval_cycles, period=x.shape[-1])
    return ThresholdStage(node, x, lanes)
