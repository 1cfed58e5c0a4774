"""The folded matrix-vector core: one frame, one datapath, two kinds of arithmetic."""

from amaranth.hdl import Module, Mux, Shape, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import BinaryStage, FixedStage, FoldedStage
from ..plan.stages.folded import OPERAND_REGISTERS, tree_registers
from .dot import MultiplyDot, XnorDot
from .fifo import StreamFIFO
from .post import post_core
from .replay import ReplayBuffer
from .stream import beat_layout, beat_signature, element_shape, format_shape, link_out
from .table import Rom, RowsInTurn
from .tree import delay, wrap_add

__all__ = ["Accumulator", "BinaryMatVec", "FixedMatVec", "FoldedMatVec", "OutputQueue"]


class Accumulator(wiring.Component):
    """Adds up ``pe`` sums over the rows of a fold; one register.

    Parameters
    ----------
    in_shape, acc_shape : Shape
    pe : int
    bias_rows : list of int, or None     packed biases of each fold, what the sum starts from

    Members
    -------
    i : ``In(ArrayLayout(in_shape, pe))``; i_valid, i_first, i_last : ``In(1)``
    o : ``Out(ArrayLayout(acc_shape, pe))``; o_valid : ``Out(1)``  the cycle after ``i_last``
    """

    def __init__(self, *, in_shape, acc_shape, pe: int, bias_shape=None, bias_rows=None):
        self._pe, self._acc_shape = pe, acc_shape
        self._bias_shape, self._bias_rows = bias_shape, bias_rows
        super().__init__({
            "i": In(data.ArrayLayout(in_shape, pe)),
            "i_valid": In(1), "i_first": In(1), "i_last": In(1),
            "o": Out(data.ArrayLayout(acc_shape, pe)), "o_valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        start = self._start(m)
        total = Signal(data.ArrayLayout(self._acc_shape, self._pe), reset_less=True)
        for k in range(self._pe):
            with m.If(self.i_valid):
                m.d.sync += total[k].eq(Mux(self.i_first, start[k], total[k]) + self.i[k])
        m.d.comb += self.o.eq(total)
        m.d.sync += self.o_valid.eq(self.i_valid & self.i_last)
        return m

    def _start(self, m):
        if self._bias_rows is None:
            return [0] * self._pe
        layout = data.ArrayLayout(self._bias_shape, self._pe)
        m.submodules.bias = bias = RowsInTurn(width=layout.size, rows=self._bias_rows)
        m.d.comb += bias.advance.eq(self.i_valid & self.i_last)
        return data.View(layout, bias.data)


class OutputQueue(wiring.Component):
    """Output beats wait here; ``go`` says that one more may be started on.

    A credit is taken when a fold is begun and given back when its beat has left, so whatever comes
    out of the datapath finds room: the datapath itself never has to stop.

    Parameters
    ----------
    shape : Shape       of one element
    lanes, beats, depth : int   elements a beat, beats a frame, beats that may be under way

    Members
    -------
    i : ``In(ArrayLayout(shape, lanes))``; i_valid : ``In(1)``
    o : ``Out(beat_signature(shape, lanes))``
    take : ``In(1)``    a fold is begun in this cycle
    go : ``Out(1)``     there is a credit
    """

    def __init__(self, *, shape, lanes: int, beats: int, depth: int):
        self._shape, self._lanes, self._beats, self._depth = shape, lanes, beats, depth
        super().__init__({
            "i": In(data.ArrayLayout(shape, lanes)), "i_valid": In(1),
            "o": Out(beat_signature(shape, lanes)), "take": In(1), "go": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = StreamFIFO(
            beat_layout(self._shape, self._lanes), depth=self._depth)
        beat = Signal(range(max(2, self._beats)))
        credits = Signal(range(self._depth + 1), init=self._depth)
        returned = Signal()
        m.d.comb += [
            fifo.i.p.data.eq(self.i), fifo.i.valid.eq(self.i_valid),
            fifo.i.p.last.eq(beat == self._beats - 1),
            returned.eq(self.o.valid & self.o.ready), self.go.eq(credits != 0),
        ]
        m.d.sync += credits.eq(credits - self.take + returned)
        with m.If(self.i_valid):
            wrap_add(m, beat, self._beats)
        link_out(m, self.o, fifo.o)
        return m


class FoldedMatVec(wiring.Component):
    """Matrix times vector, ``pe`` outputs and ``simd`` inputs side by side.

    One frame every ``(n_out / pe) * (n_in / simd)`` cycles; first output beat
    ``stage.schedule`` after the rows it needs. Correct under any stalls on either side.

    Parameters
    ----------
    stage : FoldedStage

    Members
    -------
    i : ``In(beat_signature(in_shape, simd))``
    o : ``Out(beat_signature(out_shape, pe))``
    """

    def __init__(self, stage: FoldedStage):
        self._stage = stage
        super().__init__({
            "i": In(beat_signature(element_shape(stage.in_edge), stage.simd)),
            "o": Out(beat_signature(element_shape(stage.out_edge), stage.pe)),
        })

    @property
    def stage(self) -> FoldedStage:
        return self._stage

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        m.submodules.queue = queue = OutputQueue(
            shape=element_shape(stage.out_edge), lanes=stage.pe, beats=stage.nf,
            depth=stage.fifo_depth)
        m.submodules.dot = dot = self._dot()
        replay = self._operands(m, dot)
        m.submodules.accumulator = accumulator = self._accumulator(dot)
        m.submodules.post = post = post_core(stage, self._acc_shape())
        tree = tree_registers(stage.tree_levels, stage.levels_per_register)
        wait = OPERAND_REGISTERS - 1 + stage.product_registers + tree
        m.d.comb += [
            accumulator.i.eq(dot.y),
            accumulator.i_valid.eq(delay(m, replay.issue, wait, name="valid")),
            accumulator.i_first.eq(delay(m, replay.first, wait, name="first")),
            accumulator.i_last.eq(delay(m, replay.last, wait, name="last")),
            post.i.eq(accumulator.o), post.i_valid.eq(accumulator.o_valid),
            queue.i.eq(post.o), queue.i_valid.eq(post.o_valid),
            queue.take.eq(replay.issue & replay.first), replay.go.eq(queue.go),
        ]
        link_out(m, self.o, queue.o)
        return m

    def _operands(self, m, dot):
        """Inputs and weights of each issued row, in the operand registers of ``dot``."""
        stage = self._stage
        m.submodules.replay = replay = ReplayBuffer(
            row_bits=dot.x.shape().size, sf=stage.sf, nf=stage.nf)
        m.submodules.weights = weights = Rom(
            width=dot.w.shape().size, rows=stage.weight_rows())
        m.d.comb += [
            replay.i.payload.eq(self.i.p.data.as_value()), replay.i.valid.eq(self.i.valid),
            self.i.ready.eq(replay.i.ready), weights.address.eq(replay.address),
        ]
        x, w = Signal.like(dot.x, reset_less=True), Signal.like(dot.w, reset_less=True)
        m.d.sync += [x.as_value().eq(replay.row), w.as_value().eq(weights.data)]
        m.d.comb += [dot.x.eq(x), dot.w.eq(w)]
        return replay


class BinaryMatVec(FoldedMatVec):
    """The binarised core: counts equal bits; see :class:`hwgen.plan.stages.BinaryStage`."""

    def __init__(self, stage: BinaryStage):
        super().__init__(stage)

    def _dot(self):
        return XnorDot(self._stage)

    def _acc_shape(self) -> Shape:
        return unsigned(self._stage.count_bits)

    def _accumulator(self, dot):
        return Accumulator(in_shape=dot.sum_shape, acc_shape=self._acc_shape(),
                           pe=self._stage.pe)


class FixedMatVec(FoldedMatVec):
    """The fixed-point core: multiplies and adds; see :class:`hwgen.plan.stages.FixedStage`."""

    def __init__(self, stage: FixedStage):
        super().__init__(stage)

    def _dot(self):
        return MultiplyDot(self._stage)

    def _acc_shape(self) -> Shape:
        return format_shape(self._stage.acc_format)

    def _accumulator(self, dot):
        stage = self._stage
        if stage.mat_vec.bias is None:
            return Accumulator(in_shape=dot.sum_shape, acc_shape=self._acc_shape(), pe=stage.pe)
        return Accumulator(in_shape=dot.sum_shape, acc_shape=self._acc_shape(), pe=stage.pe,
                           bias_shape=format_shape(stage.bias_format),
                           bias_rows=stage.bias_rows())
