"""Sliding windows, one element group after another from a ring of lines."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from ..target import in_block_ram
from .base import Flow, Lanes, require_divisor
from .unit_cells import counter_bits, unit_cells
from .window import WindowStage

__all__ = ["SerialWindowStage"]


@dataclass(frozen=True, eq=False)
class SerialWindowStage(Lanes, WindowStage):
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
            _, issued = self._followed([0] * (self.beats[0] * frames))
            ends = [issued[k * self.beats[1] - 1] for k in range(1, frames + 1)]
        return int(ends[-1] - ends[-2])

    def flow(self, arrivals, gates=None):
        taken, issued = self._followed(arrivals, gates)
        return Flow.at_once(taken, [cycle + 1 for cycle in issued])

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

    def _followed(self, arrivals, gates=None) -> tuple[list[int], list[int]]:
        """Cycle in which each beat is written, and in which each of the windows is read."""
        firsts, needs = self._reads
        steps, written, issued = np.arange(needs.shape[1]), [], []
        cycle, frames = -1, range(len(arrivals) // self.beats[0])
        limits = [min(len(arrivals), frame * self.beats[0] + first + self.depth)
                  for frame in frames for first in firsts.tolist()]
        for number, (frame, index) in enumerate(product(frames, range(len(firsts)))):
            origin = frame * self.beats[0]
            for beat in range(len(written), limits[number]):
                before = written[-1] + 1 if written else 0
                written.append(max(arrivals[beat], before, cycle + 1))
            ready = np.array([written[origin + need] + 1 for need in needs[index].tolist()])
            if gates is not None:
                ready = np.maximum(ready, np.array(gates[len(issued):len(issued) + len(ready)]) - 1)
            times = np.maximum.accumulate(np.maximum(ready, cycle + 1) - steps) + steps
            issued += times.tolist()
            cycle = issued[-1]
            # Of padding above the map nothing is in the ring, but its place is kept.
            for limit in limits[number + 1:number + 2]:
                while len(written) > limit and written[-1] > cycle:
                    written.pop()
        return written, issued

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
