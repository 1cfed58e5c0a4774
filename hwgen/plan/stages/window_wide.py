"""Sliding windows, a whole one a cycle, from memories of lines and shift registers."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from ...ir import Edge, SlidingWindow
from ..target import in_block_ram
from .base import Flow, divisors
from .unit_cells import counter_bits, queue_cells, unit_cells
from .window import WindowStage
from .window_ahead import PixelQueue, Pixels
from .window_serial import SerialWindowStage

__all__ = ["WideWindowStage", "window_of"]

@dataclass(frozen=True, eq=False)
class WideWindowStage(WindowStage):
    """A window a cycle: the pixel that arrives moves through memories of lines and shift registers.

    One step takes a pixel in, or passes by a place beyond the map where padding asks for windows
    there. A row takes ``period`` steps, and a frame
    ``max(y * period + x, (h - 1) * period + w - 1) + 1`` with ``y = (oh - 1) * sh - top + (kh - 1)
    * dh`` and ``x = (ow - 1) * sw - left + (kw - 1) * dw``: exactly ``h * w`` without padding.
    Columns beyond the right edge are those of the next row's beginning, at no cost.

    Where that is longer than ``wanted``, the last ``steps_ahead`` steps of a frame, behind its
    ``rows``, are also the first ones of the next, which masks tell apart: a frame takes
    ``rows * period`` steps and a ``pause``. It is so only if all ``ahead`` pixels of these steps
    wait in a queue when they begin. Else they pass without any, so that no window waits for a pixel
    that it does not need: a frame by itself leaves as it would without the queue, but for the two
    cycles that a pixel takes through it. After such a frame the next one is taken
    ``steps_ahead`` later against the pixels that come, so frames soon follow one another steadily.

    Parameters
    ----------
    wanted : int, optional      cycles between frames that suffice; by default those of a frame
                                that is taken by itself
    """

    core: ClassVar[str] = "window_wide"
    wanted: int | None = None

    @property
    def in_lanes(self):
        return self.x.shape[2]

    @property
    def out_lanes(self):
        return self.out_edge.shape[2]

    @property
    def lead(self) -> tuple[int, int]:
        """Row and column of the pixel that completes the first window."""
        top, _, left, _ = self.window.padding
        rows, columns = self.window.extent
        return rows - 1 - top, columns - 1 - left

    @property
    def period(self) -> int:
        """Steps of a row; two at least, as a column is written one step after it was read."""
        width, windows = self.x.shape[1], (self.out_map[1] - 1) * self.window.stride[1] + 1
        return max(width, windows, 2)

    @property
    def alone_cycles(self) -> int:
        """Steps of a frame by itself."""
        h, w, _ = self.x.shape
        (oh, ow), (sh, sw) = self.out_map, self.window.stride
        last = ((oh - 1) * sh + self.lead[0]) * self.period + (ow - 1) * sw + self.lead[1]
        return max(last, (h - 1) * self.period + w - 1) + 1

    @property
    def shortest_cycles(self) -> int:
        """Steps of so many rows as either map has, and as two frames have at most at once."""
        spanned = (self.out_map[0] - 1) * self.window.stride[0] + 1
        rows = max(self.x.shape[0], spanned, -(-self.alone_cycles // (2 * self.period)))
        return rows * self.period

    @property
    def interval_cycles(self):
        wanted = self.alone_cycles if self.wanted is None else self.wanted
        return min(self.alone_cycles, max(wanted, self.shortest_cycles))

    @property
    def rows(self) -> int:
        """From the first row of a frame to that of the next, 0 where each is taken by itself."""
        alone = self.interval_cycles == self.alone_cycles
        return 0 if alone else self.interval_cycles // self.period

    @property
    def pause(self) -> int:
        """Steps behind a frame's last window in which nothing is done."""
        return self.interval_cycles % self.period if self.rows else 0

    @property
    def steps_ahead(self) -> int:
        """Steps of a frame that may be those of the next one too."""
        return self.alone_cycles - self.rows * self.period if self.rows else 0

    @property
    def ahead(self) -> int:
        """Pixels that are taken in these."""
        h, w, _ = self.x.shape
        y, x = divmod(self.steps_ahead, self.period)
        return min(y, h) * w + (min(x, w) if y < h else 0)

    @property
    def queue_depth(self) -> int:
        """Pixels in the queue: one more than it must hold, as one leaves before the next comes."""
        return max(3, self.ahead + 1) if self.rows else 0

    @property
    def memory(self):
        rows = self.window.extent[0] - 1
        return self.x.shape[1], rows * self.x.shape[2] * self.x.format.bits

    @property
    def registers(self) -> int:
        """Bits of the shift registers."""
        kh, (_, columns) = self.window.kernel[0], self.window.extent
        return kh * columns * self.x.shape[2] * self.x.format.bits

    @cached_property
    def emitting(self) -> np.ndarray:
        """Steps of a frame that complete a window, int64 ``(oh * ow,)``."""
        (oh, ow), (sh, sw), (y0, x0) = self.out_map, self.window.stride, self.lead
        rows = (np.arange(oh) * sh + y0) * self.period
        return (rows[:, np.newaxis] + np.arange(ow) * sw + x0).reshape(-1)

    def flow(self, arrivals, gates=None):
        (h, w, _), emitting = self.x.shape, set(self.emitting.tolist())
        rows, period, alone, pause = self.rows, self.period, self.alone_cycles, self.pause
        pixels = PixelQueue(arrivals, self.queue_depth) if rows else Pixels(arrivals)
        departures, cycle, begun = [], -1, 0
        for _ in range(len(arrivals) // (h * w)):
            begin, begun = begun, 0
            for step in range(begin, alone):
                cycle += 1
                if rows and step == rows * period and pixels.holds(self.ahead, cycle):
                    begun = self.steps_ahead
                y, x = divmod(step, period)
                y -= rows if begun else 0
                if y < h and x < w:
                    cycle = pixels.take(cycle)
                if step in emitting:
                    departures.append(cycle + 2)
                    if gates is not None and gates[len(departures) - 1] > cycle + 2:
                        # All of the unit stands still, also where a register is empty.
                        departures[-1] = gates[len(departures) - 1]
                        cycle = departures[-1] - 1
            cycle += pause
        return Flow.at_once(pixels.written, departures)

    def estimate(self, target):
        padded, bits = any(self.window.padding), self.x.shape[2] * self.x.format.bits
        (kh, kw), (oh, _), (sh, sw) = self.window.kernel, self.out_map, self.window.stride
        rows = self.alone_cycles // self.period + 2
        downs = 2 * ((oh + 1) * sh + self.x.shape[0])
        counters = counter_bits(self.period, self.period, rows, downs, sh, sw, self.pause + 1)
        masks = (kh + kw) * padded
        data_ff = bits + self.registers + 6 + 2 * masks + counter_bits(self.x.shape[1])
        queue = queue_cells(target, self.queue_depth, bits)
        return queue + unit_cells(
            target, counters=counters, luts_per_bit=3.1, data_ff=data_ff,
            data_lut=self.out_lanes * self.x.format.bits * padded + 2.5 * masks,
            memory=self.memory, in_blocks=in_block_ram(*self.memory))


def window_of(window: SlidingWindow, x: Edge, interval_cycles: int) -> WindowStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the fastest there is."""
    h, w, c = x.shape
    oh, ow = window.out_map(x)
    most = max(h * w, oh * ow * prod(window.kernel))
    for lanes in divisors(c):
        if most * (c // lanes) <= interval_cycles:
            stage = SerialWindowStage(window, x, lanes)
            if stage.interval_cycles <= interval_cycles:
                return stage
    if prod(window.kernel) == 1:
        return SerialWindowStage(window, x, c)
    return WideWindowStage(window, x, interval_cycles)
