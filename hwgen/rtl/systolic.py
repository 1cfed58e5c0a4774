"""The systolic engine: matrix times matrix behind three AXI4-Streams."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SystolicSpec
from ..plan.engines.systolic import UPDATE_CYCLES
from .chain import load_add
from .engine_edge import ResultQueue, engine_ports, send, take
from .stream import format_shape
from .systolic_array import SystolicArray
from .systolic_feed import VectorFeed, WeightFeed
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
        super().__init__(engine_ports(
            {"s_axis": spec.x_bytes, "s_axis_weights": spec.weight_bytes}, spec.result_bytes))

    @property
    def spec(self) -> SystolicSpec:
        return self._spec

    def elaborate(self, platform):
        m = Module()
        weights, vectors = self._feeds(m)
        array = self._array(m, weights, vectors)
        m.submodules.sums = sums = SystolicSums(self._spec)
        shape = format_shape(self._spec.accumulator)
        m.submodules.queue = queue = ResultQueue(shape, lanes=self._spec.columns,
                                                 depth=self._spec.queue_depth)
        early = self._spec.array_cycles + 1 - READ_CYCLES
        flags = {name: getattr(vectors, name) for name in ("go", "first", "last", "ends")}
        for name, flag in flags.items():
            m.d.comb += getattr(sums, name).eq(delay(m, flag, early, name=name))
        m.d.comb += [
            sums.i.eq(array.o), queue.i.eq(sums.o), queue.i_valid.eq(sums.o_valid),
            queue.i_last.eq(sums.o_last), queue.take.eq(vectors.go & vectors.last),
            vectors.has_room.eq(queue.has_room),
        ]
        send(m, self, queue.o, shape, self._spec.columns)
        with m.If(weights.error | vectors.error):
            m.d.sync += self.frame_error.eq(1)
        return m

    def _feeds(self, m):
        spec = self._spec
        m.submodules.weights = weights = WeightFeed(spec)
        m.submodules.vectors = vectors = VectorFeed(spec)
        take(m, self, "s_axis_weights", spec.weight_bytes, weights.i)
        take(m, self, "s_axis", spec.x_bytes, vectors.i)
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
