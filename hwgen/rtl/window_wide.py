"""The sliding window that shows a whole window a cycle: line memories and shift registers."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..plan import in_block_ram
from ..plan.stages import WideWindowStage
from .stage_core import StageCore

__all__ = ["WideWindow"]


class _Steps(wiring.Component):
    """Where each step stands: in the map, and in the windows that are complete with it.

    Members
    -------
    step : ``In(1)``            go on
    filled : ``In(1)``          all pixels are there that can be taken ahead, where some can
    wants : ``Out(1)``          this step takes a pixel
    x : ``Out(range(period))``  its column
    emit, last : ``Out(1)``     it completes a window, the last one of the frame
    rows, columns : ``Out``     which rows and columns of that window are of the map
    """

    def __init__(self, stage: WideWindowStage):
        self._stage = stage
        kh, kw = stage.window.kernel
        super().__init__({
            "step": In(1), "wants": Out(1), "x": Out(range(stage.period)), "emit": Out(1),
            "last": Out(1), "rows": Out(kh), "columns": Out(kw),
            **({"filled": In(1)} if stage.rows else {}),
        })

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        h, w, _ = stage.x.shape
        y_end, x_end = divmod(stage.alone_cycles - 1, stage.period)
        y, at_end, line_end = Signal(range(y_end + 2)), Signal(), Signal()
        m.d.comb += [
            self.wants.eq((y < h) & (self.x < w)), line_end.eq(self.x == stage.period - 1),
            at_end.eq((y == y_end) & (self.x == x_end)),
        ]
        with m.If(self.step):
            m.d.sync += self.x.eq(self.x + 1)
            with m.If(line_end):
                m.d.sync += [self.x.eq(0), y.eq(y + 1)]
            with m.If(at_end):
                m.d.sync += [self.x.eq(0), y.eq(0)]
        if stage.rows:
            at_end = self._ahead(m, y, at_end)
        down, across = self._windows(m, at_end)
        self._masks(m, down, across)
        return m

    def _ahead(self, m, y, at_end):
        """The step behind a frame's rows is the first of the next one, if its pixels are there.

        Returns whether a frame ends of which the next one has not begun.
        """
        again, ends = Signal(), Signal()
        m.d.comb += [again.eq((y == self._stage.rows) & (self.x == 0) & self.filled),
                     ends.eq(at_end & ~again)]
        with m.If(again):
            m.d.comb += self.wants.eq(1)
            with m.If(self.step):
                m.d.sync += [self.x.eq(1), y.eq(0)]
        return ends

    def _windows(self, m, at_end):
        """The same walk, but counted from the pixel that completes the first window."""
        stage = self._stage
        (oh, ow), (sh, sw), period = stage.out_map, stage.window.stride, stage.period
        first = divmod(-(stage.lead[0] * period + stage.lead[1]), period)
        down = Signal(range(min(first[0], -1), (oh + 1) * sh + stage.x.shape[0]), init=first[0])
        across = Signal(range(period), init=first[1])
        down_phase = Signal(range(max(2, sh)), init=first[0] % sh)
        across_phase = Signal(range(max(2, sw)), init=first[1] % sw)
        m.d.comb += [
            self.emit.eq((down >= 0) & (down <= (oh - 1) * sh) & (across <= (ow - 1) * sw)
                         & (down_phase == 0) & (across_phase == 0)),
            self.last.eq((down == (oh - 1) * sh) & (across == (ow - 1) * sw)),
        ]
        with m.If(self.step):
            m.d.sync += [across.eq(across + 1), across_phase.eq(
                Mux(across_phase == sw - 1, 0, across_phase + 1))]
            with m.If(across == period - 1):
                m.d.sync += [across.eq(0), across_phase.eq(0), down.eq(down + 1), down_phase.eq(
                    Mux(down_phase == sh - 1, 0, down_phase + 1))]
                if stage.rows:
                    with m.If(down == stage.rows - 1):
                        m.d.sync += [down.eq(0), down_phase.eq(0)]
            with m.If(at_end):
                m.d.sync += [down.eq(first[0]), down_phase.eq(first[0] % sh),
                             across.eq(first[1]), across_phase.eq(first[1] % sw)]
        return down, across

    def _masks(self, m, down, across):
        stage = self._stage
        (top, _, left, _), (dh, dw) = stage.window.padding, stage.window.dilation
        for mask, place, before, size, pitch in (
                (self.rows, down, top, stage.x.shape[0], dh),
                (self.columns, across, left, stage.x.shape[1], dw)):
            for k in range(len(mask)):
                at = Signal(signed(len(place) + len(mask).bit_length() + pitch.bit_length() + 2),
                            name=f"at{k}")
                m.d.comb += [at.eq(place + (k * pitch - before)),
                             mask[k].eq((at >= 0) & (at < size))]


class WideWindow(StageCore):
    """Memories of lines and shift registers; a window leaves two cycles after its last pixel.

    A memory row holds a column of the lines above the one that arrives; it is read as a pixel of
    that column comes and written back one line lower in the next step. Where the next frame begins
    while windows over the padding of this one leave, a queue stands in front, and a pixel takes two
    cycles more. Correct under any stalls; see :class:`WideWindowStage`.

    Members
    -------
    i : ``In(beat_signature(x_shape, c))``
    o : ``Out(beat_signature(x_shape, kh * kw * c))``
    """

    def elaborate(self, platform):
        m = Module()
        m.submodules.steps = steps = _Steps(self._stage)
        free, taken = Signal(), Signal()
        incoming, valid, ready = self._incoming(m, steps)
        going = free & ~self._pausing(m, steps, free) if self._stage.pause else free
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready), ready.eq(going & steps.wants),
            steps.step.eq(going & (valid | ~steps.wants)),
        ]
        pixel = Signal(len(incoming), reset_less=True)
        at = {name: Signal.like(getattr(steps, name), name=f"taken_{name}")
              for name in ("emit", "last", "rows", "columns")}
        with m.If(free):
            m.d.sync += [taken.eq(steps.step), pixel.eq(incoming)]
            m.d.sync += [signal.eq(getattr(steps, name)) for name, signal in at.items()]
        go = Signal()
        m.d.comb += go.eq(free & taken)
        column = self._column(m, steps, pixel, go)
        rows, columns = (Signal.like(at[name], name=name) for name in ("rows", "columns"))
        with m.If(free):
            m.d.sync += self.o.valid.eq(taken & at["emit"])
        last = Signal()
        with m.If(go):
            m.d.sync += [last.eq(at["last"]), rows.eq(at["rows"]), columns.eq(at["columns"])]
        # As the data by logic: a payload with parts in registers would be several ports in Verilog.
        m.d.comb += self.o.p.last.eq(last)
        self._show(m, self._history(m, column, go), rows, columns)
        return m

    def _incoming(self, m, steps):
        """The next pixel, whether it is there, and the signal that takes it."""
        data = self.i.p.data.as_value()
        if not self._stage.rows:
            return data, self.i.valid, self.i.ready
        m.submodules.ahead = queue = SyncFIFOBuffered(
            width=len(data), depth=self._stage.queue_depth)
        m.d.comb += [
            queue.w_data.eq(data), queue.w_en.eq(self.i.valid), self.i.ready.eq(queue.w_rdy),
            steps.filled.eq(queue.r_rdy & (queue.level >= self._stage.ahead)),
        ]
        return queue.r_data, queue.r_rdy, queue.r_en

    def _pausing(self, m, steps, free):
        """Whether nothing is done, for some steps behind the last window."""
        left = Signal(range(self._stage.pause + 1), name="pause_left")
        with m.If(free & (left != 0)):
            m.d.sync += left.eq(left - 1)
        with m.If(steps.step & steps.last):
            m.d.sync += left.eq(self._stage.pause)
        return left != 0

    def _column(self, m, steps, pixel, go):
        """The pixel and those above it in its column, newest first."""
        depth, width = self._stage.memory
        bits = len(pixel)
        if width == 0:
            return [pixel]
        m.submodules.lines = lines = memory.Memory(
            shape=unsigned(width), depth=depth, init=[],
            attrs={"ram_style": "block"} if in_block_ram(depth, width) else {})
        write, read = lines.write_port(), lines.read_port(domain="sync")
        place, within = Signal.like(write.addr, name="place"), Signal()
        m.d.comb += [
            read.addr.eq(steps.x), read.en.eq(steps.step & (steps.x < depth)),
            write.addr.eq(place), write.en.eq(go & within),
            write.data.eq(Cat(pixel, read.data[:width - bits])),
        ]
        with m.If(steps.step):
            m.d.sync += [place.eq(steps.x), within.eq(steps.x < depth)]
        return [pixel, *(read.data[k:k + bits] for k in range(0, width, bits))]

    def _history(self, m, column, go):
        """The lines that windows use, of the columns of a window, newest first."""
        kh, dh, extent = self._stage.window.kernel[0], self._stage.window.dilation[0], \
            self._stage.window.extent[1]
        used = Cat(column[(kh - 1 - ky) * dh] for ky in range(kh))
        history = [Signal(len(used), name=f"column{k}", reset_less=True) for k in range(extent)]
        with m.If(go):
            m.d.sync += [old.eq(new) for old, new in zip(history, [used, *history], strict=False)]
        return history

    def _show(self, m, history, rows, columns):
        stage = self._stage
        (kh, kw), dw = stage.window.kernel, stage.window.dilation[1]
        bits = len(history[0]) // kh
        code_bits = bits // stage.in_lanes
        pad = C(sum(stage.pad_code << k * code_bits for k in range(stage.in_lanes)), bits)
        out = self.o.p.data.as_value()
        for ky in range(kh):
            for kx in range(kw):
                tap = history[(kw - 1 - kx) * dw][ky * bits:(ky + 1) * bits]
                if any(stage.window.padding):
                    tap = Mux(rows[ky] & columns[kx], tap, pad)
                place = (ky * kw + kx) * bits
                m.d.comb += out[place:place + bits].eq(tap)
