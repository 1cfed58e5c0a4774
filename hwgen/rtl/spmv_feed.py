"""What goes into the lanes of a sparse engine, and when: commands, entries, tiles of x."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SpmvSpec
from ..plan.engines.spmv import COMMAND_BYTES
from ..plan.engines.spmv_timing import MAX_BEATS, UPDATE_CYCLES
from .axis import unpadded
from .engine_edge import beat_of, tell
from .stream import format_shape

__all__ = ["EntryFeed", "VectorFeed", "job_layout"]

COUNT_BITS = 16
"""Of columns and slots in a command."""


def job_layout(spec: SpmvSpec) -> data.StructLayout:
    """Columns and slots of a job, each less one."""
    return data.StructLayout({"columns": _bits(spec.columns), "slots": _bits(spec.slots)})


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


class VectorFeed(wiring.Component):
    """Takes tiles of x, each a frame, and writes them to two buffers in turn.

    A beat leaves a cycle after it is taken, and is written a cycle later: the last entry of the
    job before in the same buffer, which may go in the cycle before, has read its element then.

    Parameters
    ----------
    spec : SpmvSpec

    Members
    -------
    i : ``In`` stream of ``spec.x_bytes``
    x : ``Out(ArrayLayout(x, x_lanes))``; row : ``Out``; en : ``Out(1)``    to every lane's banks
    buffer : ``Out(1)``      which the lanes read
    is_full : ``Out(1)``     it holds a tile
    beats : ``Out``          of that tile, less one
    release : ``In(1)``      it is read no more
    error : ``Out(1)``       a frame too long, an element out of range
    """

    def __init__(self, spec: SpmvSpec):
        self._spec = spec
        self._row = unsigned(spec.x_row_bits)
        super().__init__({
            "i": In(stream.Signature(beat_of(spec.x_bytes))),
            "x": Out(data.ArrayLayout(format_shape(spec.x), spec.x_lanes)),
            "row": Out(spec.x_row_bits + 1), "en": Out(1), "buffer": Out(1), "is_full": Out(1),
            "beats": Out(self._row), "release": In(1), "error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        rows = spec.columns // spec.x_lanes
        writes, full, over = Signal(), Signal(2), Signal()
        row = Signal(self._row)
        counts = Array(Signal(self._row, name=f"beats{b}") for b in range(2))
        take, last = Signal(), self.i.p.last
        elements, outside = unpadded(m, self.i.p.data, format_shape(spec.x), spec.x_lanes)
        m.d.comb += [
            self.i.ready.eq(~full.bit_select(writes, 1)), take.eq(self.i.valid & self.i.ready),
            self.is_full.eq(full.bit_select(self.buffer, 1)), self.beats.eq(counts[self.buffer]),
        ]
        with m.If(take):
            m.d.sync += [row.eq(Mux(last, 0, row + 1)), over.eq(~last & (over | (row == rows - 1)))]
        with m.If(take & last):
            m.d.sync += [counts[writes].eq(row), writes.eq(~writes)]
        m.d.sync += full.eq((full | ((take & last) << writes)) & ~(self.release << self.buffer))
        with m.If(self.release):
            m.d.sync += self.buffer.eq(~self.buffer)
        self._write(m, elements, Cat(row, writes), take & ~over)
        tell(m, self.error, take=take, outside=outside,
             long=over | (~last & (row == rows - 1)))
        return m

    def _write(self, m, elements, row, en):
        kept = Signal.like(self.x, reset_less=True)
        kept_row = Signal.like(self.row, reset_less=True)
        m.d.sync += [kept.as_value().eq(elements), kept_row.eq(row), self.en.eq(en)]
        m.d.comb += [self.x.eq(kept), self.row.eq(kept_row)]


class EntryFeed(wiring.Component):
    """Takes a command and the beats of its job, each of an entry for every lane.

    A job begins when its tile of x and its bank of sums are there, and ends with its frame, also
    where that is of another length than the command says: so a wrong frame is told, and the next
    one is unharmed.

    Parameters
    ----------
    spec : SpmvSpec

    Members
    -------
    i : ``In`` stream of ``spec.matrix_bytes``
    x_full : ``In(1)``; x_beats : ``In``     a tile of x waits, of so many beats less one
    busy : ``In(2)``         one bit a bank: its sums have not been sent
    entries : ``Out``        a beat; go : ``Out(1)``   it goes to the lanes in this cycle
    first : ``Out(1)``       it is the first of its job
    ends : ``Out(1)``        the job ends in this cycle, with this beat if one goes
    sends : ``Out(1)``       its sums are to be sent
    bank : ``Out(1)``        of its sums
    job : ``Out(job_layout)``
    error : ``Out(1)``       a wrong length, a command out of range
    """

    def __init__(self, spec: SpmvSpec):
        self._spec = spec
        super().__init__({
            "i": In(stream.Signature(beat_of(spec.matrix_bytes))),
            "x_full": In(1), "x_beats": In(spec.x_row_bits), "busy": In(2),
            "entries": Out(8 * spec.matrix_bytes), "job": Out(job_layout(spec)),
            **{name: Out(1) for name in ("go", "first", "ends", "sends", "bank", "error")},
        })

    def elaborate(self, platform):
        m = Module()
        take, closes, empty, waits = Signal(), Signal(), Signal(), Signal()
        left, at_end, asked = Signal(range(MAX_BEATS)), Signal(), Signal()
        last = self.i.p.last
        m.d.comb += [take.eq(self.i.valid & self.i.ready), self.entries.eq(self.i.p.data)]
        kept = Signal(UPDATE_CYCLES - 2)
        m.d.sync += kept.eq(Cat(self.ends & ~self.sends, kept))
        m.d.comb += waits.eq(~self.x_full | self.busy.bit_select(self.bank, 1) | kept.any())
        with m.FSM():
            with m.State("COMMAND"):
                m.d.comb += self.i.ready.eq(1)
                fields, ended = self._command(m, take, left)
                m.d.sync += empty.eq(last)
                m.d.comb += asked.eq(take & (ended | last))
                with m.If(asked):
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += [self.first.eq(1), at_end.eq(left == 0)]
                with m.If(~waits):
                    m.next = "ENTRIES"
                with m.If(~waits & empty):
                    m.d.comb += self.ends.eq(1)
                    m.next = "COMMAND"
            with m.State("ENTRIES"):
                m.d.comb += [self.i.ready.eq(1), self.go.eq(take), closes.eq(at_end),
                             self.ends.eq(take & (at_end | last))]
                with m.If(take):
                    m.d.sync += [self.first.eq(0), left.eq(left - 1), at_end.eq(left == 1)]
                with m.If(self.ends):
                    m.next = "COMMAND"
                with m.If(self.ends & ~last):
                    m.next = "DROP"
            with m.State("DROP"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(take & last):
                    m.next = "COMMAND"
        with m.If(self.ends & self.sends):
            m.d.sync += self.bank.eq(~self.bank)
        self._faults(m, take, closes, self._wide(m, asked, fields, ended))
        return m

    def _wide(self, m, asked, fields, ended):
        """Whether a command was cut, or beyond the engine, two cycles after it."""
        spec = self._spec
        kept, there = Signal.like(fields, reset_less=True), Signal()
        cut, wide = Signal(), Signal()
        m.d.sync += [
            kept.eq(fields), cut.eq(~ended), there.eq(asked),
            wide.eq(there & (cut | (kept.columns >= spec.columns) | (kept.slots >= spec.slots)
                             | (kept.rest != 0))),
        ]
        return wide

    def _faults(self, m, take, closes, wide):
        """Told late: a wrong length of its own frame, or of x; a wrong command."""
        spec = self._spec
        other = Signal()
        x_last = self.job.columns >> (spec.x_lanes.bit_length() - 1)
        m.d.comb += other.eq(self.ends & (self.x_beats != x_last))
        length, short = Signal(), Signal()
        tell(m, length, take=take, wrong=self.i.p.last != closes)
        m.d.sync += short.eq(other)
        m.d.comb += self.error.eq(length | short | wide)

    def _command(self, m, take, left):
        """Takes its beats, the first bytes first; what it says at the last; if it is that."""
        spec = self._spec
        beats, bits = spec.command_beats, 8 * spec.matrix_bytes
        word, count, ended = Signal(beats * bits), Signal(range(max(2, beats))), Signal()
        kept = Signal(max(0, (beats - 1) * bits), name="command", reset_less=True)
        layout = data.StructLayout({"columns": COUNT_BITS, "slots": COUNT_BITS,
                                    "beats": (MAX_BEATS - 1).bit_length(), "sends": 1, "rest": 7})
        fields = data.View(layout, word[:8 * COMMAND_BYTES])
        m.d.comb += [word.eq(Cat(kept, self.i.p.data)), ended.eq(count == beats - 1)]
        with m.If(take):
            m.d.sync += [
                kept.eq(word[bits:]), count.eq(Mux(ended | self.i.p.last, 0, count + 1)),
                left.eq(fields.beats), self.sends.eq(fields.sends),
                self.job.columns.eq(fields.columns), self.job.slots.eq(fields.slots)]
        return fields, ended
