"""The sparse engine: y = A x and y += A x behind AXI4-Streams, the matrix in compressed form."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SpmvSpec
from ..plan.engines.spmv import SWEEP_CYCLES
from ..plan.engines.spmv_timing import SUM_CYCLES
from .engine_edge import ResultQueue, engine_ports, send, take
from .spmv_feed import EntryFeed, VectorFeed, job_layout
from .spmv_lane import SpmvLane, sweep_layout, told_layout
from .stream import format_shape
from .tree import delay, late

__all__ = ["SpmvEngine"]


class SpmvEngine(wiring.Component):
    """Adds up ``value * x[column]`` of each row's entries, job by job, and sends the sums.

    The beats are in ``docs/spmv.md``; ``spec.cycles_of`` says how long jobs take without stalls.
    Correct under any stalls on all three streams. Lanes never stop: entries go in as they come,
    and a sum is read only if it has a place in the queue. Lanes are a cycle apart, group by group,
    and what all are told goes from one group to the next: no signal has to reach all of them. After
    a reset nothing is taken until the sums are zeroed, ``spec.sum_rows`` cycles.

    Parameters
    ----------
    spec : SpmvSpec

    Members
    -------
    s_axis_matrix_tdata, _tvalid, _tlast : In; _tready : Out     commands and entries
    s_axis_tdata, _tvalid, _tlast : In; _tready : Out            tiles of x
    m_axis_tdata, _tvalid, _tlast : Out; _tready : In            sums
    frame_error : ``Out(1)``    a frame was of a wrong length, or held what is out of its range,
                                since reset; that job's sums are undefined
    """

    def __init__(self, spec: SpmvSpec):
        if not isinstance(spec, SpmvSpec):
            raise TypeError(f"spec must be an SpmvSpec, not {spec!r}")
        self._spec = spec
        super().__init__(engine_ports(
            {"s_axis": spec.x_bytes, "s_axis_matrix": spec.matrix_bytes}, spec.result_bytes))

    @property
    def spec(self) -> SpmvSpec:
        return self._spec

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        m.submodules.entries = entries = EntryFeed(spec)
        m.submodules.vectors = vectors = VectorFeed(spec)
        m.submodules.sweep = sweep = Sweep(spec)
        take(m, self, "s_axis_matrix", spec.matrix_bytes, entries.i, closed=sweep.clearing)
        take(m, self, "s_axis", spec.x_bytes, vectors.i, closed=sweep.clearing)
        m.d.comb += [
            entries.x_full.eq(vectors.is_full), entries.x_beats.eq(vectors.beats),
            entries.busy.eq(sweep.busy), vectors.release.eq(entries.ends),
            sweep.ends.eq(entries.ends & entries.sends), sweep.slots.eq(entries.job.slots),
        ]
        lanes = self._lanes(m, entries, vectors, sweep)
        self._results(m, sweep, lanes)
        wrong = Signal(spec.lanes)
        m.d.sync += wrong.eq(Cat(lane.error for lane in lanes))
        with m.If(entries.error | vectors.error | wrong.any()):
            m.d.sync += self.frame_error.eq(1)
        return m

    def _lanes(self, m, entries, vectors, sweep):
        """Each group of lanes behind one more register."""
        spec, size = self._spec, 8 * self._spec.entry_bytes
        told = Signal(told_layout(spec), name="told")
        for name, source in (("go", entries.go), ("first", entries.first), ("ends", entries.ends),
                             ("bank", entries.bank), ("job", entries.job), ("x", vectors.x),
                             ("row", vectors.row), ("en", vectors.en),
                             ("buffer", vectors.buffer), ("sweep", sweep.o)):
            m.d.comb += told[name].eq(source)
        lanes, told_of = [], {}
        for k in range(spec.lanes):
            skew = spec.skew_of(k)
            if skew not in told_of:
                before = told_of.get(skew - 1, told)
                told_of[skew] = Signal.like(before, name=f"told{skew}")
                m.d.sync += told_of[skew].eq(before)
            m.submodules[f"lane{k}"] = lane = SpmvLane(spec)
            entry = late(m, entries.entries[k * size:(k + 1) * size], skew + 1, name=f"entry{k}")
            m.d.comb += [lane.entry.as_value().eq(entry), lane.told.eq(told_of[skew])]
            lanes.append(lane)
        return lanes

    def _results(self, m, sweep, lanes):
        spec, shape = self._spec, format_shape(self._spec.accumulator)
        m.submodules.queue = queue = ResultQueue(shape, lanes=spec.lanes, depth=spec.queue_depth)
        sums = [late(m, lane.o, spec.skew_cycles - spec.skew_of(k), name=f"sum{k}")
                for k, lane in enumerate(lanes)]
        cycles = SWEEP_CYCLES + spec.skew_cycles
        m.d.comb += [
            queue.i.as_value().eq(Cat(sums)), queue.take.eq(sweep.reads),
            queue.i_valid.eq(delay(m, sweep.reads, cycles, name="reads")),
            queue.i_last.eq(delay(m, sweep.last, cycles, name="last")),
            sweep.has_room.eq(queue.has_room),
        ]
        send(m, self, queue.o, shape, spec.lanes)


class Sweep(wiring.Component):
    """Reads the sums of a job that sends, slot by slot, and zeroes each behind its read.

    Parameters
    ----------
    spec : SpmvSpec

    Members
    -------
    ends : ``In(1)``; slots : ``In``      a job that sends ends; its slots, less one
    has_room : ``In(1)``                  one more result may be under way
    busy : ``Out(2)``                     one bit a bank: not free for another job
    o : ``Out(sweep_layout)``
    reads, last : ``Out(1)``              a row is read in this cycle; it is the bank's last
    clearing : ``Out(1)``                 after a reset, until all rows are 0
    """

    def __init__(self, spec: SpmvSpec):
        self._spec = spec
        super().__init__({
            "ends": In(1), "slots": In(job_layout(spec)["slots"].shape), "has_room": In(1),
            "busy": Out(2), "o": Out(sweep_layout(spec)),
            **{name: Out(1) for name in ("reads", "last")}, "clearing": Out(1, init=1),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        bank, ending, ready = Signal(), Signal(), Signal(2)
        row, count = Signal((spec.sum_rows - 1).bit_length()), Signal.like(self.slots)
        slots = Signal(data.ArrayLayout(self.slots.shape(), 2))
        m.d.comb += [
            self.reads.eq(ready.bit_select(bank, 1) & self.has_room), count.eq(slots[bank]),
            self.last.eq(row == count),
        ]
        # The last sum is written SUM_CYCLES after its entry; lanes read a cycle after being told.
        before = SUM_CYCLES - 1
        whole = delay(m, self.ends, before, name="ends")
        done = Signal()
        m.d.comb += done.eq(self.reads & self.last)
        m.d.sync += [
            self.busy.eq((self.busy | (self.ends << ending)) & ~(done << bank)),
            ready.eq((ready | (whole << delay(m, ending, before, name="ending")))
                     & ~(done << bank)),
        ]
        with m.If(self.ends):
            m.d.sync += [slots[ending].eq(self.slots), ending.eq(~ending)]
        with m.If(done):
            m.d.sync += bank.eq(~bank)
        with m.If(self.clearing | self.reads):
            m.d.sync += row.eq(Mux(done, 0, row + 1))
        with m.If(self.clearing & (row == spec.sum_rows - 1)):
            m.d.sync += self.clearing.eq(0)
        old, reads = Signal.like(row), delay(m, self.reads << bank, 1, name="cleared")
        m.d.sync += old.eq(row)
        m.d.comb += [
            self.o.swept.eq(ready), self.o.row.eq(row), self.o.picked.eq(bank),
            self.o.old.eq(Mux(self.clearing, row, old)),
            self.o.clear.eq(Mux(self.clearing, 3, reads)),
        ]
        return m
