"""The sparse engine: y = A x and y += A x behind AXI4-Streams, the matrix in compressed form."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SpmvSpec
from ..plan.engines.spmv import GROUP_LANES, SWEEP_CYCLES
from ..plan.engines.spmv_timing import ASK_CYCLES
from .engine_edge import ResultQueue, engine_ports, show, take
from .fifo import FreeFIFO
from .spmv_feed import EntryFeed, VectorFeed, job_layout
from .spmv_lane import SpmvLane, enables_layout, sweep_layout, told_layout
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
        take(m, self, "s_axis_matrix", spec.matrix_bytes, entries.i, closed=sweep.clearing,
             queue=FreeFIFO)
        take(m, self, "s_axis", spec.x_bytes, vectors.i, closed=sweep.clearing, queue=FreeFIFO)
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
        """Each group of lanes behind one more register; the first of all reaches no lane."""
        spec, size = self._spec, 8 * self._spec.entry_bytes
        told = Signal(told_layout(spec), name="told")
        for name, source in (("first", entries.first), ("bank", entries.bank),
                             ("job", entries.job), ("x", vectors.x), ("row", vectors.row),
                             ("buffer", vectors.buffer), ("sweep", sweep.o)):
            m.d.comb += told[name].eq(source)
        m.d.comb += [told.flags.go.eq(entries.go), told.flags.ends.eq(entries.ends)]
        lanes, steps, enables = [], [told], self._enables(m, vectors.en, sweep.clear)
        for k in range(spec.lanes):
            cycles = spec.skew_of(k) + 2
            while len(steps) <= cycles:
                steps.append(_later(m, steps[-1], f"told{len(steps)}"))
            m.submodules[f"lane{k}"] = lane = SpmvLane(spec)
            entry = late(m, entries.entries[k * size:(k + 1) * size], cycles, name=f"entry{k}")
            m.d.comb += [lane.entry.as_value().eq(entry), lane.told.eq(steps[cycles]),
                         lane.enables.eq(enables[k % GROUP_LANES][cycles])]
            lanes.append(lane)
        return lanes

    def _enables(self, m, x, clear):
        """Both after each number of cycles, for each lane of a group from registers of its own.

        They differ in what they begin with, as synthesis makes one of registers that are alike. A 1
        there does no harm, nor one from before a reset: rows of x are written again before they are
        read, those of sums are zeroed then in any case.
        """
        first, chains = Signal(enables_layout(), name="enables"), []
        m.d.comb += [first.x.eq(x), first.clear.eq(clear)]
        for lane in range(GROUP_LANES):
            steps, ones = [first], (1 << len(first.as_value())) - 1
            for k in range(self._spec.skew_cycles + 2):
                step = Signal(len(first.as_value()), init=ones * (lane % 2), reset_less=True,
                              name=f"enables{lane}_d{k + 1}")
                m.d.sync += step.eq(steps[-1])
                steps.append(data.View(enables_layout(), step))
            chains.append(steps)
        return chains

    def _results(self, m, sweep, lanes):
        spec, shape = self._spec, format_shape(self._spec.accumulator)
        m.submodules.queue = queue = ResultQueue(shape, lanes=spec.lanes, depth=spec.queue_depth,
                                                 queue=FreeFIFO)
        sums = [late(m, lane.o, spec.skew_cycles - spec.skew_of(k), name=f"sum{k}")
                for k, lane in enumerate(lanes)]
        cycles = SWEEP_CYCLES + spec.skew_cycles
        m.d.comb += [
            queue.i.as_value().eq(Cat(sums)), queue.take.eq(sweep.reads),
            queue.i_valid.eq(delay(m, sweep.reads, cycles, name="reads")),
            queue.i_last.eq(delay(m, sweep.last, cycles, name="last")),
            sweep.has_room.eq(queue.has_room),
        ]
        show(m, self, queue.o, shape, spec.lanes)


def _later(m, told, name):
    """A cycle later; of all that only the flags are reset."""
    later = Signal.like(told, name=name)
    m.d.comb += later.eq(late(m, told.as_value(), 1, name=name))
    m.d.comb += later.flags.eq(delay(m, told.flags.as_value(), 1, name=f"{name}_flags"))
    return later


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
    clear : ``Out(2)``                    one bit a bank: the row is zeroed behind its read
    reads, last : ``Out(1)``              a row is read in this cycle; it is the bank's last
    clearing : ``Out(1)``                 after a reset, until all rows are 0
    """

    def __init__(self, spec: SpmvSpec):
        self._spec = spec
        super().__init__({
            "ends": In(1), "slots": In(job_layout(spec)["slots"].shape), "has_room": In(1),
            "busy": Out(2), "o": Out(sweep_layout(spec)), "clear": Out(2),
            **{name: Out(1) for name in ("reads", "last")}, "clearing": Out(1, init=1),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        bank, ending, ready = Signal(), Signal(), Signal(2)
        row, count = Signal((spec.sum_rows - 1).bit_length()), Signal.like(self.slots)
        slots = Signal(data.ArrayLayout(self.slots.shape(), 2))
        ended, done, before = delay(m, self.ends, 1, name="ended"), Signal(), ASK_CYCLES - 2
        whole = delay(m, ended, before, name="ends")
        m.d.comb += [
            self.reads.eq(ready.bit_select(bank, 1) & self.has_room), count.eq(slots[bank]),
            done.eq(self.reads & self.last),
        ]
        m.d.sync += [
            self.busy.eq((self.busy | (ended << ending)) & ~(done << bank)),
            ready.eq((ready | (whole << delay(m, ending, before, name="ending")))
                     & ~(done << bank)),
            self.last.eq(Mux(done, slots[~bank] == 0,
                             Mux(self.reads, row + 1 == count, row == count))),
        ]
        with m.If(ended):
            m.d.sync += [slots[ending].eq(self.slots), ending.eq(~ending)]
        with m.If(done):
            m.d.sync += bank.eq(~bank)
        with m.If(self.clearing | self.reads):
            m.d.sync += row.eq(Mux(done, 0, row + 1))
        with m.If(self.clearing & (row == spec.sum_rows - 1)):
            m.d.sync += self.clearing.eq(0)
        m.d.comb += [
            self.o.swept.eq(ready), self.o.row.eq(row), self.o.picked.eq(bank),
            self.clear.eq(Mux(self.clearing, 3, self.reads << bank)),
        ]
        return m
