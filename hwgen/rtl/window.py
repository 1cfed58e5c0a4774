"""The sliding window that reads its elements one beat after another from a ring of lines."""

from amaranth.hdl import C, Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan import in_block_ram
from ..plan.stages import SerialWindowStage
from .stage_core import StageCore

__all__ = ["SerialWindow", "WindowWalk"]


class WindowWalk(wiring.Component):
    """Number and place of every beat of every window, in order: five nested loops.

    A turn adds one of six constants to each of three registers, so nothing is multiplied.

    Members
    -------
    step : ``In(1)``            go on to the next beat
    number : ``Out(signed)``    of the beat, counted on from frame to frame; it wraps
    following : ``Out(signed)`` what ``number`` will be after a step
    inside : ``Out(1)``         the beat is of the map, not of the padding around it
    waits : ``Out(1)``          it needs a beat that may not have come; padding does so only before
                                anything of the frame was read
    waits_for : ``Out(signed)`` which: itself, but for padding the first beat of the frame
    window_end, frame_end : ``Out(1)``   it is the last one of its window, of the frame
    """

    def __init__(self, stage: SerialWindowStage):
        self._stage = stage
        super().__init__({
            "step": In(1), "number": Out(signed(stage.number_bits), init=stage.start[0]),
            "following": Out(signed(stage.number_bits)), "inside": Out(1),
            "waits": Out(1), "waits_for": Out(signed(stage.number_bits)),
            "window_end": Out(1), "frame_end": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        turns = [Signal(range(max(2, n)), name=f"turn{k}") for k, n in enumerate(stage.counts)]
        ends = Signal(len(turns))
        m.d.comb += [ends[k].eq(turn == n - 1)
                     for k, (turn, n) in enumerate(zip(turns, stage.counts, strict=True))]
        places = self._places(m)
        for level, delta in enumerate(stage.deltas):
            chosen = ends[:level].all() if level else C(1)
            if level < len(turns):
                chosen = chosen & ~ends[level]
            with m.If(chosen):
                m.d.comb += self.following.eq(self.number + delta[0])
                with m.If(self.step):
                    m.d.sync += [turn.eq(0) for turn in turns[:level]]
                    m.d.sync += [turn.eq(turn + 1) for turn in turns[level:level + 1]]
                    for place, change in zip(places, delta[1:], strict=True):
                        m.d.sync += place.eq(place + change)
        with m.If(self.step):
            m.d.sync += self.number.eq(self.following)
        # Only near the origin is it compared with: further on the difference would wrap.
        origin, begun = Signal.like(self.waits_for), Signal()
        with m.If(self.step):
            m.d.sync += begun.eq(~ends.all())
            with m.If(ends.all()):
                m.d.sync += origin.eq(origin + stage.beats[0])
        m.d.comb += [self.window_end.eq(ends[:3].all()), self.frame_end.eq(ends.all()),
                     self.waits.eq(self.inside | ~begun),
                     self.waits_for.eq(Mux(self.inside, self.number, origin))]
        return m

    def _places(self, m):
        """Registers of y and x; and whether both are inside, which needs asking only if padded."""
        stage, inside, places = self._stage, [], []
        top, bottom, left, right = stage.window.padding
        for name, first, size, before, behind in (
                ("y", stage.start[1], stage.x.shape[0], top, bottom),
                ("x", stage.start[2], stage.x.shape[1], left, right)):
            place = Signal(range(-before - 1, size + behind + 1), init=first, name=name)
            places.append(place)
            if before:
                inside.append(place >= 0)
            if behind:
                inside.append(place < size)
        m.d.comb += self.inside.eq(1)
        for k, condition in enumerate(inside):
            within = Signal(name=f"within{k}")
            m.d.comb += within.eq(condition)
            with m.If(~within):
                m.d.comb += self.inside.eq(0)
        return places


class SerialWindow(StageCore):
    """Writes beats into a ring and reads the windows from it; see :class:`SerialWindowStage`.

    A beat can be read the cycle after it came, and leaves in the one after that. Correct under any
    stalls on either side; ``last`` marks the last beat of a frame's last window.

    Members
    -------
    i : ``In(beat_signature(x_shape, lanes))``
    o : ``Out(beat_signature(x_shape, lanes))``
    """

    def elaborate(self, platform):
        m = Module()
        stage, (depth, width) = self._stage, self._stage.memory
        m.submodules.walk = walk = WindowWalk(stage)
        m.submodules.ring = ring = memory.Memory(
            shape=unsigned(width), depth=depth, init=[],
            attrs={"ram_style": "block"} if in_block_ram(depth, width) else {})
        write, read = ring.write_port(), ring.read_port(domain="sync")
        numbers = signed(stage.number_bits)
        written = Signal(numbers)                       # the next beat to come
        oldest = Signal(numbers, init=stage.start[0])   # the first that is still needed
        filled, ahead = Signal(numbers), Signal(numbers)
        free, ready = Signal(), Signal()
        m.d.comb += [
            filled.eq(written - oldest), self.i.ready.eq(filled < depth),
            write.addr.eq(written), write.data.eq(self.i.p.data.as_value()),
            write.en.eq(self.i.valid & self.i.ready),
            ahead.eq(written - walk.waits_for), ready.eq((ahead > 0) | ~walk.waits),
            free.eq(~self.o.valid | self.o.ready), walk.step.eq(free & ready),
            read.addr.eq(walk.number), read.en.eq(walk.step),
        ]
        with m.If(write.en):
            m.d.sync += written.eq(written + 1)
        with m.If(walk.step & walk.window_end):
            m.d.sync += oldest.eq(walk.following)
        is_map, last = Signal(), Signal()
        with m.If(free):
            m.d.sync += [self.o.valid.eq(ready), last.eq(walk.frame_end), is_map.eq(walk.inside)]
        pad = sum(stage.pad_code << k * width // stage.lanes for k in range(stage.lanes))
        # Both by logic: a payload with parts in registers would be several ports in Verilog.
        m.d.comb += [self.o.p.data.as_value().eq(Mux(is_map, read.data, C(pad, width))),
                     self.o.p.last.eq(last)]
        return m
