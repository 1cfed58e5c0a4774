"""Sliding windows: one element group after another from a ring of lines, or a window a cycle."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from ...ir import Edge, SlidingWindow
from ..target import in_block_ram
from .base import Stage, divisors, require_divisor
from .unit_cells import counter_bits, unit_cells

__all__ = ["SerialWindowStage", "WideWindowStage", "WindowStage", "window_of"]


@dataclass(frozen=True, eq=False)
class WindowStage(Stage):
    """The windows of ``x`` (h, w, c), row by row; elements of a window in the order kh, kw, c."""

    window: SlidingWindow
    x: Edge

    @property
    def where(self) -> str:
        return f"{self.core} core '{self.window.name}'"

    @property
    def nodes(self):
        return (self.window,)

    @property
    def in_edge(self):
        return self.x

    @property
    def out_edge(self):
        return self.window.infer(self.x)

    @property
    def out_map(self) -> tuple[int, int]:
        """``(oh, ow)``."""
        return self.window.out_map(self.x)

    @property
    def pad_code(self) -> int:
        """Code of the value that stands beyond the map; 0 where nothing is padded."""
        if not any(self.window.padding):
            return 0
        return int(self.x.format.encode(np.array([self.window.pad_value]))[0])

    @property
    @abstractmethod
    def memory(self) -> tuple[int, int]:
        """Rows and bits of a row of its memory."""


@dataclass(frozen=True, eq=False)
class SerialWindowStage(WindowStage):
    """Writes the map into a ring of beats and reads each window from it, one beat a cycle.

    A beat is given up when the last window that could need it has been read. The ring holds what a
    window spans, the lines but the last and what it needs of that, together with all of the next
    window, be it the first of the next frame, rounded up to a power of two: so however slowly
    windows leave, the next one is there when it is asked for. Reading takes
    ``out = oh * ow * kh * kw * (c / lanes)`` cycles a frame, writing ``in = h * w * (c / lanes)``,
    both at once: the interval is ``max(in, out)`` where windows overlap or touch. Else the one may
    now and then wait for the other; :attr:`interval_cycles` follows both pointers and is exact.

    Parameters
    ----------
    lanes : int     channels side by side, in and out; a divisor of c
    """

    core: ClassVar[str] = "window"
    lanes: int

    def __post_init__(self):
        require_divisor(self.where, "lanes", self.lanes, "c", self.x.shape[2])

    @property
    def in_lanes(self):
        return self.lanes

    @property
    def out_lanes(self):
        return self.lanes

    @property
    def blocks(self) -> int:
        """Beats of a pixel."""
        return self.x.shape[2] // self.lanes

    @property
    def counts(self) -> tuple[int, ...]:
        """Turns of the five nested loops: beats of a pixel, kx, ky, ox, oy."""
        kh, kw = self.window.kernel
        oh, ow = self.out_map
        return self.blocks, kw, kh, ow, oh

    @property
    def strides(self) -> tuple[tuple[int, int, int], ...]:
        """Of each loop, innermost first, what a turn adds to the beat's number, to y and to x."""
        line = self.x.shape[1] * self.blocks
        (sh, sw), (dh, dw) = self.window.stride, self.window.dilation
        return ((1, 0, 0), (dw * self.blocks, 0, dw), (dh * line, dh, 0), (sw * self.blocks, 0, sw),
                (sh * line, sh, 0))

    @property
    def deltas(self) -> tuple[tuple[int, int, int], ...]:
        """What (number, y, x) change by when loop k turns and those inside begin anew.

        The last entry is for the next frame.
        """
        h, w, _ = self.x.shape
        whole = np.array([*self.strides, (h * w * self.blocks, 0, 0)])
        spans = (np.array(self.counts) - 1)[:, np.newaxis] * whole[:-1]
        inner = np.concatenate([np.zeros((1, 3), int), np.cumsum(spans, axis=0)])
        return tuple(map(tuple, (whole - inner).tolist()))

    @property
    def start(self) -> tuple[int, int, int]:
        """Number, y and x of the first element of a frame; below 0 it is padding."""
        top, _, left, _ = self.window.padding
        return -(top * self.x.shape[1] + left) * self.blocks, -top, -left

    @property
    def span(self) -> int:
        """Beats from the first of a window to its last, both counted."""
        rows, columns = self.window.extent
        return ((rows - 1) * self.x.shape[1] + columns) * self.blocks

    @cached_property
    def depth(self) -> int:
        """Beats in the ring, a power of two."""
        firsts, needs = self._reads
        lasts = needs.max(axis=1)
        both = [self.span, self.beats[0] + lasts[0] - firsts[-1], *(lasts[1:] - firsts[:-1])]
        return 1 << int(max(both)).bit_length()

    @property
    def number_bits(self) -> int:
        """Of the beats' numbers: their differences must not wrap."""
        farthest = max(abs(number) for number, _, _ in self.deltas)
        return (2 * self.depth + self.span + farthest).bit_length() + 1

    @property
    def memory(self):
        return self.depth, self.lanes * self.x.format.bits

    @property
    def beats(self) -> tuple[int, int]:
        """Of a frame, in and out."""
        return self.x.size // self.lanes, prod(self.counts)

    @cached_property
    def interval_cycles(self):
        ends, frames = [], 1
        while len(ends) < 4 or ends[-1] - ends[-2] != ends[-2] - ends[-3]:
            frames += 3
            issued = self._issued([0] * (self.beats[0] * frames), frames)
            ends = [issued[k * self.beats[1] - 1] for k in range(1, frames + 1)]
        return int(ends[-1] - ends[-2])

    def schedule(self, arrivals):
        return [cycle + 1 for cycle in self._issued(arrivals, 1)]

    @cached_property
    def _reads(self):
        """Number of the first beat of each window, and of the beat each of its beats waits for.

        int64 ``(windows,)`` and ``(windows, beats a window)``, relative to the frame. Padding waits
        for the frame's first beat, so that no frame leaves before it has come.
        """
        grids = np.meshgrid(*(np.arange(n) for n in reversed(self.counts)), indexing="ij")
        turns = np.stack([grid.reshape(-1) for grid in reversed(grids)], axis=1)
        number, y, x = (turns @ np.array(self.strides) + self.start).T
        h, w, _ = self.x.shape
        inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
        each = prod(self.counts[:3])
        return number[::each], np.where(inside, number, 0).reshape(-1, each)

    def _issued(self, arrivals, frames) -> list[int]:
        """Cycle in which each beat is read, given when the input could come at the earliest."""
        firsts, needs = self._reads
        steps, written, issued = np.arange(needs.shape[1]), [], []
        cycle = -1
        for frame, index in product(range(frames), range(len(firsts))):
            origin = frame * self.beats[0]
            limit = min(len(arrivals), origin + int(firsts[index]) + self.depth)
            for beat in range(len(written), limit):
                before = written[-1] + 1 if written else 0
                written.append(max(arrivals[beat], before, cycle + 1))
            ready = np.array([written[origin + need] + 1 for need in needs[index].tolist()])
            times = np.maximum.accumulate(np.maximum(ready, cycle + 1) - steps) + steps
            issued += times.tolist()
            cycle = issued[-1]
        return issued

    def estimate(self, target):
        padded, width = any(self.window.padding), self.memory[1]
        h, w, _ = self.x.shape
        top, bottom, left, right = self.window.padding
        places = 2 + (h + top + bottom + 1).bit_length() + (w + left + right + 1).bit_length()
        # Where a frame begins is a multiple of its beats, which keeps low bits 0.
        origin = self.number_bits - (self.beats[0] & -self.beats[0]).bit_length() + 1
        counters = counter_bits(*self.counts) + 3 * self.number_bits + padded * (places + origin)
        return unit_cells(target, counters=counters, luts_per_bit=3.9, data_ff=2 + padded,
                          data_lut=width * padded, memory=self.memory,
                          in_blocks=in_block_ram(*self.memory))

    @property
    def folding(self):
        return {"lanes": self.lanes}


@dataclass(frozen=True, eq=False)
class WideWindowStage(WindowStage):
    """A window a cycle: the pixel that arrives moves through memories of lines and shift registers.

    One step takes a pixel in, or passes by a place beyond the map where padding asks for windows
    there. A row takes ``period`` steps, and a frame
    ``max(y * period + x, (h - 1) * period + w - 1) + 1`` with ``y = (oh - 1) * sh - top + (kh - 1)
    * dh`` and ``x = (ow - 1) * sw - left + (kw - 1) * dw``: exactly ``h * w`` without padding.
    Columns beyond the right edge are those of the next row's beginning, at no cost.

    It shows no windows while it takes in the first lines of a frame: in front of a core that needs
    more than a cycle for a window the whole design may take up to so many steps longer a frame.
    """

    core: ClassVar[str] = "window_wide"

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
    def interval_cycles(self):
        h, w, _ = self.x.shape
        (oh, ow), (sh, sw) = self.out_map, self.window.stride
        last = ((oh - 1) * sh + self.lead[0]) * self.period + (ow - 1) * sw + self.lead[1]
        return max(last, (h - 1) * self.period + w - 1) + 1

    @property
    def memory(self):
        rows = self.window.extent[0] - 1
        return self.x.shape[1], rows * self.x.shape[2] * self.x.format.bits

    @property
    def registers(self) -> int:
        """Bits of the shift registers."""
        kh, (_, columns) = self.window.kernel[0], self.window.extent
        return kh * columns * self.x.shape[2] * self.x.format.bits

    def schedule(self, arrivals):
        h, w, _ = self.x.shape
        (oh, ow), (sh, sw), (y0, x0) = self.out_map, self.window.stride, self.lead
        emitting = {((oy * sh) + y0) * self.period + ox * sw + x0
                    for oy, ox in product(range(oh), range(ow))}
        departures, cycle, pixels = [], -1, iter(arrivals)
        for step in range(self.interval_cycles):
            y, x = divmod(step, self.period)
            cycle += 1
            if y < h and x < w:
                cycle = max(cycle, next(pixels))
            if step in emitting:
                departures.append(cycle + 2)
        return departures

    def estimate(self, target):
        padded, bits = any(self.window.padding), self.x.shape[2] * self.x.format.bits
        (kh, kw), (oh, _), (sh, sw) = self.window.kernel, self.out_map, self.window.stride
        rows = self.interval_cycles // self.period + 2
        downs = 2 * ((oh + 1) * sh + self.x.shape[0])
        counters = counter_bits(self.period, self.period, rows, downs, sh, sw)
        masks = (kh + kw) * padded
        data_ff = bits + self.registers + 6 + 2 * masks + counter_bits(self.x.shape[1])
        return unit_cells(target, counters=counters, luts_per_bit=3.1, data_ff=data_ff,
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
    return WideWindowStage(window, x)
