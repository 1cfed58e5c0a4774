"""The systolic engine: matrix times matrix behind three AXI4-Streams."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SystolicSpec
from ..plan.engines.systolic import UPDATE_CYCLES
from .axis import AxisSource
from .chain import load_add
from .fifo import StreamFIFO
from .stream import beat_layout, beat_signature, format_shape, link, link_out
from .systolic_array import SystolicArray
from .systolic_feed import EdgeQueue, VectorFeed, WeightFeed
from .tree import delay

__all__ = ["SystolicEngine"]

READ_CYCLES = UPDATE_CYCLES - 2
"""From the address of an accumulator to its value at the adder: the memory's two registers."""


class SystolicEngine(wiring.Component):
    """``results[m][c] = sum(x[m][k] * w[k][c])`` of each job, tile by tile.

    The beats are in ``docs/systolic.md``; ``spec.cycles_of`` says how long jobs take without
    stalls. Correct under any stalls on all three streams. The array itself never stops: a vector
    goes in only if its result has a place in the queue.

    Parameters
    ----------
    spec : SystolicSpec

    Members
    -------
    s_axis_weights_tdata, _tvalid, _tlast : In; _tready : Out    commands and tiles of weights
    s_axis_tdata, _tvalid, _tlast : In; _tready : Out            vectors
    m_axis_tdata, _tvalid, _tlast : Out; _tready : In            results
    frame_error : ``Out(1)``    a frame was of a wrong length, or a value out of its range, since
                                reset; results are undefined from then on
    """

    def __init__(self, spec: SystolicSpec):
        if not isinstance(spec, SystolicSpec):
            raise TypeError(f"spec must be a SystolicSpec, not {spec!r}")
        self._spec = spec
        slaves = {"s_axis": spec.x_bytes, "s_axis_weights": spec.weight_bytes}
        ports = {f"{name}_{part}": member for name, size in slaves.items() for part, member in (
            ("tdata", In(8 * size)), ("tvalid", In(1)), ("tlast", In(1)), ("tready", Out(1)))}
        super().__init__(ports | {
            "m_axis_tdata": Out(8 * spec.result_bytes), "m_axis_tvalid": Out(1),
            "m_axis_tlast": Out(1), "m_axis_tready": In(1), "frame_error": Out(1)})

    @property
    def spec(self) -> SystolicSpec:
        return self._spec

    def elaborate(self, platform):
        m = Module()
        weights, vectors = self._feeds(m)
        array = self._array(m, weights, vectors)
        m.submodules.sums = sums = SystolicSums(self._spec)
        m.submodules.queue = queue = ResultQueue(self._spec)
        early = self._spec.array_cycles + 1 - READ_CYCLES
        flags = {name: getattr(vectors, name) for name in ("go", "first", "last", "ends")}
        for name, flag in flags.items():
            m.d.comb += getattr(sums, name).eq(delay(m, flag, early, name=name))
        m.d.comb += [
            sums.i.eq(array.o), queue.i.eq(sums.o), queue.i_valid.eq(sums.o_valid),
            queue.i_last.eq(sums.o_last), queue.take.eq(vectors.go & vectors.last),
            vectors.has_room.eq(queue.has_room),
        ]
        self._output(m, queue)
        with m.If(weights.error | vectors.error):
            m.d.sync += self.frame_error.eq(1)
        return m

    def _feeds(self, m):
        spec = self._spec
        m.submodules.weights = weights = WeightFeed(spec)
        m.submodules.vectors = vectors = VectorFeed(spec)
        for name, size, feed in (("s_axis_weights", spec.weight_bytes, weights),
                                 ("s_axis", spec.x_bytes, vectors)):
            m.submodules[f"{name}_edge"] = edge = EdgeQueue(size)
            m.d.comb += [
                edge.tdata.eq(getattr(self, f"{name}_tdata")),
                edge.tvalid.eq(getattr(self, f"{name}_tvalid")),
                edge.tlast.eq(getattr(self, f"{name}_tlast")),
                getattr(self, f"{name}_tready").eq(edge.tready),
            ]
            link(m, edge.o, feed.i)
        m.d.comb += [
            vectors.is_full.eq(weights.is_full), weights.swap.eq(vectors.swap),
            vectors.job.eq(weights.job), vectors.job_valid.eq(weights.job_valid),
            weights.job_taken.eq(vectors.job_taken),
        ]
        return weights, vectors

    def _array(self, m, weights, vectors):
        """The array behind a register: what lets beats in is far from the grid."""
        m.submodules.array = array = SystolicArray(self._spec)
        swap, load = Signal(), Signal(self._spec.rows)
        x = Signal.like(vectors.x, reset_less=True)
        tile_row = Signal.like(weights.weights, reset_less=True)
        m.d.sync += [x.eq(vectors.x), tile_row.eq(weights.weights), swap.eq(vectors.swap),
                     load.eq(weights.load)]
        m.d.comb += [array.x.eq(x), array.weights.eq(tile_row), array.swap.eq(swap),
                     array.load.eq(load)]
        return array

    def _output(self, m, queue):
        spec = self._spec
        m.submodules.source = source = AxisSource(format_shape(spec.accumulator),
                                                  lanes=spec.columns)
        link(m, queue.o, source.i)
        m.d.comb += [
            self.m_axis_tdata.eq(source.tdata), self.m_axis_tvalid.eq(source.tvalid),
            self.m_axis_tlast.eq(source.tlast), source.tready.eq(self.m_axis_tready),
        ]


class SystolicSums(wiring.Component):
    """Adds up the sums of a job's tiles: ``o = i``, plus those of the tiles before.

    The flags come ``READ_CYCLES`` before the sums that they are for; the result is in ``o`` the
    cycle after these. An accumulator may be read ``UPDATE_CYCLES`` after the last time.

    Parameters
    ----------
    spec : SystolicSpec

    Members
    -------
    i : ``In(ArrayLayout(sum, columns))``
    go, first, last, ends : ``In(1)``     of the vector, as :class:`VectorFeed` has them
    o : ``Out(ArrayLayout(accumulator, columns))``
    o_valid, o_last : ``Out(1)``          it is a result, and the job's last
    """

    def __init__(self, spec: SystolicSpec):
        self._spec = spec
        self._shape = format_shape(spec.accumulator)
        super().__init__({
            "i": In(data.ArrayLayout(format_shape(spec.sum_of(spec.rows)), spec.columns)),
            **{name: In(1) for name in ("go", "first", "last", "ends")},
            "o": Out(data.ArrayLayout(self._shape, spec.columns)),
            "o_valid": Out(1), "o_last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        depth, row = max(2, spec.depth), data.ArrayLayout(self._shape, spec.columns)
        attrs = {"no_rw_check": 1} | (
            {"ram_style": "block"} if spec.accumulators_in_blocks else {})
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(row.size), depth=depth, init=[], attrs=attrs)
        write, read = rows.write_port(), rows.read_port(domain="comb")
        index = Signal(range(depth))
        total, kept, before = (Signal(row, name=name, reset_less=True)
                               for name in ("total", "kept", "before"))
        with m.If(self.go):
            m.d.sync += index.eq(index + 1)
            with m.If(self.ends):
                m.d.sync += index.eq(0)
        first = delay(m, self.first, READ_CYCLES, name="first")
        m.d.sync += [kept.as_value().eq(read.data), before.eq(kept)]
        for c in range(spec.columns):
            m.d.sync += total[c].eq(load_add(m, first, 0, before[c], self.i[c], prefix=f"add{c}"))
        done = READ_CYCLES + 1
        m.d.comb += [
            read.addr.eq(index), write.addr.eq(delay(m, index, done, name="index")),
            write.en.eq(delay(m, self.go, done, name="go")), write.data.eq(total.as_value()),
            self.o.eq(total), self.o_valid.eq(delay(m, self.go & self.last, done, name="valid")),
            self.o_last.eq(delay(m, self.ends, done, name="ends")),
        ]
        return m


class ResultQueue(wiring.Component):
    """Results wait here for the edge; ``has_room`` says that one more may be under way.

    Members
    -------
    i : ``In(ArrayLayout(accumulator, columns))``; i_valid, i_last : ``In(1)``
    take : ``In(1)``       a vector goes in whose sums are a result
    has_room : ``Out(1)``
    o : ``Out(beat_signature(accumulator, columns))``
    """

    def __init__(self, spec: SystolicSpec):
        self._spec = spec
        shape = format_shape(spec.accumulator)
        super().__init__({
            "i": In(data.ArrayLayout(shape, spec.columns)), "i_valid": In(1), "i_last": In(1),
            "take": In(1), "has_room": Out(1), "o": Out(beat_signature(shape, spec.columns)),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        m.submodules.fifo = fifo = StreamFIFO(
            beat_layout(format_shape(spec.accumulator), spec.columns), depth=spec.queue_depth)
        room = Signal(range(spec.queue_depth + 1), init=spec.queue_depth)
        m.d.comb += [
            fifo.i.p.data.eq(self.i), fifo.i.p.last.eq(self.i_last),
            fifo.i.valid.eq(self.i_valid), self.has_room.eq(room != 0),
        ]
        m.d.sync += room.eq(room - self.take + (self.o.valid & self.o.ready))
        link_out(m, self.o, fifo.o)
        return m
