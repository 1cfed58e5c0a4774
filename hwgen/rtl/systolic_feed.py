"""What goes into a systolic array, and when: commands, tiles of weights, vectors."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SystolicSpec
from ..plan.engines.systolic import COMMAND_BYTES, UPDATE_CYCLES
from .axis import unpadded
from .engine_edge import beat_of, tell
from .stream import format_shape

__all__ = ["VectorFeed", "WeightFeed", "job_layout"]


def job_layout(spec: SystolicSpec) -> data.StructLayout:
    """The least that holds a command: ``vectors`` and ``tiles``, each less one."""
    return data.StructLayout({"vectors": _bits(spec.depth), "tiles": _bits(spec.tiles)})


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


class WeightFeed(wiring.Component):
    """Takes a command and the tiles of its job, each row by row, the last row first.

    Between tiles nothing is taken until the array has begun to use the one that is complete.

    Parameters
    ----------
    spec : SystolicSpec

    Members
    -------
    i : ``In`` stream of ``spec.weight_bytes``
    weights : ``Out(ArrayLayout(weight, columns))``; load : ``Out(rows)``   to the array
    is_full : ``Out(1)``    a whole tile waits
    swap : ``In(1)``        which the array begins to use in this cycle
    job : ``Out(job_layout)``; job_valid : ``Out(1)``; job_taken : ``In(1)``   the next one
    error : ``Out(1)``      a wrong length, a weight or a command out of range
    """

    def __init__(self, spec: SystolicSpec):
        self._spec = spec
        super().__init__({
            "i": In(stream.Signature(beat_of(spec.weight_bytes))),
            "weights": Out(data.ArrayLayout(format_shape(spec.weights), spec.columns)),
            "load": Out(spec.rows), "is_full": Out(1), "swap": In(1),
            "job": Out(job_layout(spec)), "job_valid": Out(1), "job_taken": In(1),
            "error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        take, in_rows, ends, closes = Signal(), Signal(), Signal(), Signal()
        tile, is_last = Signal(_bits(spec.tiles)), Signal()
        reached = Signal(spec.rows, init=1)         # rows of the grid that the next row comes to
        elements, outside = unpadded(m, self.i.p.data, format_shape(spec.weights), spec.columns)
        m.d.comb += [
            self.i.ready.eq(~self.is_full | self.swap), take.eq(self.i.valid & self.i.ready),
            self.weights.eq(elements), self.load.eq(Mux(take & in_rows, reached, 0)),
            ends.eq(reached[-1]), closes.eq(in_rows & ends & is_last),
        ]
        with m.If(self.swap):
            m.d.sync += self.is_full.eq(0)
        with m.If(self.job_taken):
            m.d.sync += self.job_valid.eq(0)
        wide = self._command(m, take & ~in_rows, in_rows, is_last)
        with m.If(take & in_rows):
            m.d.sync += reached.eq(Mux(ends, 1, Cat(1, reached)))
        with m.If(take & in_rows & ends):
            m.d.sync += [self.is_full.eq(1), tile.eq(Mux(is_last, 0, tile + 1)),
                         is_last.eq(tile + 1 == self.job.tiles), in_rows.eq(~is_last)]
        tell(m, self.error, take=take, wrong=self.i.p.last != closes, wide=wide & ~in_rows,
              outside=outside & in_rows)
        return m

    def _command(self, m, take, in_rows, is_last):
        """Takes its beats, the first bytes first; whether it asks for more than there is."""
        spec = self._spec
        beats, bits = spec.command_beats, 8 * spec.weight_bytes
        word, count, at_end = Signal(beats * bits), Signal(range(max(2, beats))), Signal()
        kept = Signal(max(0, (beats - 1) * bits), name="command", reset_less=True)
        vectors, tiles = (word.word_select(k, 4 * COMMAND_BYTES) for k in range(2))
        m.d.comb += [word.eq(Cat(kept, self.i.p.data)), at_end.eq(count == beats - 1)]
        with m.If(take):
            m.d.sync += [kept.eq(word[bits:]), count.eq(Mux(at_end, 0, count + 1))]
        with m.If(take & at_end):
            m.d.sync += [in_rows.eq(1), is_last.eq(tiles == 0), self.job_valid.eq(1),
                         self.job.vectors.eq(vectors), self.job.tiles.eq(tiles)]
        return at_end & ((vectors >= spec.depth) | (tiles >= spec.tiles))


class VectorFeed(wiring.Component):
    """Lets vectors into the array: the first of a tile once its weights are complete.

    Those whose sums are results need a place in the queue. An accumulator must be written before
    the next tile reads it, so that a tile of ``n`` vectors, which is shorter than that takes, is
    followed by others ``UPDATE_CYCLES - n`` cycles later than they could be.

    Parameters
    ----------
    spec : SystolicSpec

    Members
    -------
    i : ``In`` stream of ``spec.x_bytes``
    x : ``Out(ArrayLayout(x, rows))``
    go : ``Out(1)``                 a vector goes in, in this cycle
    swap : ``Out(1)``               as the first of its tile
    first, last : ``Out(1)``        its tile is the job's first, or last
    ends : ``Out(1)``               it is the last of its tile
    is_full : ``In(1)``             a whole tile of weights waits
    has_room : ``In(1)``            one more result may be under way
    job, job_valid : ``In``; job_taken : ``Out(1)``
    error : ``Out(1)``              a wrong length, or an activation out of range
    """

    def __init__(self, spec: SystolicSpec):
        self._spec = spec
        super().__init__({
            "i": In(stream.Signature(beat_of(spec.x_bytes))),
            "x": Out(data.ArrayLayout(format_shape(spec.x), spec.rows)),
            **{name: Out(1) for name in ("go", "swap", "first", "last", "ends", "error")},
            "is_full": In(1), "has_room": In(1),
            "job": In(job_layout(spec)), "job_valid": In(1), "job_taken": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        has_job, finished, may_go, begins = Signal(), Signal(), Signal(), Signal(init=1)
        elements, outside = unpadded(m, self.i.p.data, format_shape(spec.x), spec.rows)
        self._places(m, begins)
        m.d.comb += [
            self.x.eq(elements), self.swap.eq(self.go & begins),
            may_go.eq(has_job & (~begins | (self.is_full & self._pace(m)))
                      & (~self.last | self.has_room)),
            self.i.ready.eq(may_go), self.go.eq(may_go & self.i.valid),
            finished.eq(self.go & self.ends & self.last),
            self.job_taken.eq(self.job_valid & (~has_job | finished)),
        ]
        with m.If(finished):
            m.d.sync += has_job.eq(0)
        with m.If(self.job_taken):
            m.d.sync += has_job.eq(1)
        tell(m, self.error, take=self.go, wrong=self.i.p.last != (self.ends & self.last),
              outside=outside)
        return m

    def _places(self, m, begins):
        """Where in its job the next vector is; comparisons are made a vector ahead."""
        job = Signal(job_layout(self._spec))
        index, tile = Signal.like(job.vectors), Signal.like(job.tiles)
        ends, last, first = Signal(), Signal(), Signal(init=1)
        m.d.comb += [self.ends.eq(ends), self.last.eq(last), self.first.eq(first)]
        with m.If(self.go):
            m.d.sync += [
                index.eq(Mux(ends, 0, index + 1)), begins.eq(ends),
                ends.eq(Mux(ends, job.vectors == 0, index + 1 == job.vectors)),
            ]
        with m.If(self.go & ends):
            m.d.sync += [tile.eq(Mux(last, 0, tile + 1)), first.eq(last),
                         last.eq(tile + 1 == job.tiles)]
        with m.If(self.job_taken):
            m.d.sync += [job.eq(self.job), ends.eq(self.job.vectors == 0),
                         last.eq(self.job.tiles == 0)]

    def _pace(self, m):
        """Whether so many cycles have passed since the last tile ended; stalls included."""
        wait, longest = Signal(range(UPDATE_CYCLES)), Signal(range(UPDATE_CYCLES))
        with m.If(self.job_taken):
            m.d.sync += longest.eq(Mux(self.job.vectors < UPDATE_CYCLES - 1,
                                       UPDATE_CYCLES - 1 - self.job.vectors, 0))
        with m.If(self.go & self.ends):
            m.d.sync += wait.eq(longest)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        return wait == 0
