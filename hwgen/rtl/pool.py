"""Pools over windows that come one after another: a line of maxima, or of sums, so far."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory

from .stage_core import StageCore
from .tree import wrap_add

__all__ = ["MaxPoolCore", "SumPoolCore"]


class _PoolCore(StageCore):
    """One value of each channel in each window; see :class:`PoolStage`. Full rate, any stalls.

    A beat comes, the value so far of its window and channels is read, and a cycle later what both
    make (``_both``) is written back or, if the window is complete, sent.

    Members
    -------
    i : ``In(beat_signature(x_shape, lanes))``
    o : ``Out(beat_signature(out_shape, lanes))``
    """

    def elaborate(self, platform):
        m = Module()
        free, took, taken = Signal(), Signal(), Signal()
        m.d.comb += [free.eq(~self.o.valid | self.o.ready), self.i.ready.eq(free),
                     took.eq(free & self.i.valid)]
        cell, *marks = self._place(m, took)
        beat = Signal.like(self.i.p.data, reset_less=True)
        registers = [Signal.like(signal, name=f"taken_{signal.name}")
                     for signal in (cell, *marks)]
        with m.If(took):
            m.d.sync += beat.eq(self.i.p.data)
            m.d.sync += [register.eq(signal) for register, signal in
                         zip(registers, (cell, *marks), strict=True)]
        with m.If(free):
            m.d.sync += taken.eq(took)
        self._combined(m, beat, registers, cell, took, free, taken)
        return m

    def _place(self, m, took):
        """Cell of the line; is the beat of a window, its first, its last, the frame's last."""
        stage = self._stage
        (h, w), (oh, ow), (ph, pw), (sh, sw) = stage.grid
        blocks = stage.blocks
        block, cell = Signal(range(max(2, blocks))), Signal(range(max(2, stage.depth + blocks)))
        x, x_phase = Signal(range(max(2, w))), Signal(range(max(2, sw)))
        y, y_phase = Signal(range(max(2, h))), Signal(range(max(2, sh)))
        first, final, last = Signal(name="first"), Signal(name="final"), Signal(name="last")
        inside = Signal(name="inside")
        m.d.comb += [
            inside.eq((x < ow * sw) & (y < oh * sh) & (x_phase < pw) & (y_phase < ph)),
            first.eq((x_phase == 0) & (y_phase == 0)),
            final.eq(inside & (x_phase == pw - 1) & (y_phase == ph - 1)),
            last.eq((x == (ow - 1) * sw + pw - 1) & (y == (oh - 1) * sh + ph - 1)
                    & (block == blocks - 1)),
        ]
        with m.If(took):
            wrap_add(m, block, blocks)
            m.d.sync += cell.eq(cell + 1)
            with m.If(block == blocks - 1):
                wrap_add(m, x, w)
                wrap_add(m, x_phase, sw)
                with m.If(x_phase != sw - 1):
                    m.d.sync += cell.eq(cell - (blocks - 1))
                with m.If(x == w - 1):
                    wrap_add(m, y, h)
                    wrap_add(m, y_phase, sh)
                    m.d.sync += [x_phase.eq(0), cell.eq(0)]
                    with m.If(y == h - 1):
                        m.d.sync += y_phase.eq(0)
        return cell, inside, first, final, last

    def _combined(self, m, beat, registers, cell, took, free, taken):
        stage = self._stage
        place, inside, first, final, last = registers
        layout = self.o.p.data.shape()
        m.submodules.line = line = memory.Memory(
            shape=layout.size, depth=max(2, stage.depth + stage.blocks), init=[])
        write, read = line.write_port(), line.read_port(domain="sync")
        newest, newest_place = Signal(layout, reset_less=True), Signal.like(place)
        known, following = Signal(layout), Signal(layout)
        m.d.comb += [
            # What was written a cycle ago is not yet in what was read.
            known.as_value().eq(Mux(newest_place == place, newest.as_value(), read.data)),
            read.addr.eq(cell), read.en.eq(took), write.addr.eq(place),
            write.data.eq(following.as_value()), write.en.eq(free & taken & inside),
        ]
        for k in range(stage.lanes):
            m.d.comb += following[k].eq(Mux(first, beat[k], self._both(known[k], beat[k])))
        with m.If(write.en):
            m.d.sync += [newest.eq(following), newest_place.eq(place)]
        with m.If(free):
            m.d.sync += [self.o.valid.eq(taken & final), self.o.p.last.eq(last),
                         self.o.p.data.eq(following)]


class MaxPoolCore(_PoolCore):
    """The larger of both."""

    def _both(self, known, element):
        return Mux(known > element, known, element)


class SumPoolCore(_PoolCore):
    """The sum of both."""

    def _both(self, known, element):
        return known + element
