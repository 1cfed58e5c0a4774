"""The depthwise core: sums of each channel over the taps of a window, as they come."""

from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..numeric import Bipolar
from ..plan.stages import DepthwiseStage
from .accumulate import Starts
from .chain import load_add
from .loading import LOAD, LoadedInTurn, link_loads
from .multiply_cells import Multiply
from .output_queue import OutputQueue
from .post import post_core
from .stage_core import StageCore
from .stream import element_shape, format_shape, link_out
from .table import RowsInTurn
from .tree import delay, wrap_add

__all__ = ["ChannelSums", "DepthwiseMatVec"]

PRODUCT_REGISTERS = 3
"""Cycles from a beat's transfer to its products: the operands, and a multiplier's two."""


class ChannelSums(wiring.Component):
    """Adds up ``pe`` products a cycle over the taps of a window, whose folds come in turn.

    Fold ``f`` of the sums so far is read from a memory in the cycle before its products come, and
    written in the cycle in which they do: as folds take turns, two cycles lie between any two
    times that the same is needed. A single fold is in a register.

    Members
    -------
    i_next : ``In(1)``      products come in the next cycle
    i : ``In(ArrayLayout(in_shape, pe))``; i_valid, i_first, i_last : ``In(1)``
        products; they are those of the first tap, of the last
    load : ``In(LOAD)``     of biases, where they are loaded
    o : ``Out(ArrayLayout(acc_shape, pe))``; o_valid : ``Out(1)``  the cycle after ``i_last``
    """

    def __init__(self, stage: DepthwiseStage, in_shape):
        self._stage, self.acc_shape = stage, format_shape(stage.acc_format)
        self._layout = data.ArrayLayout(self.acc_shape, stage.pe)
        super().__init__({
            "i_next": In(1), "i": In(data.ArrayLayout(in_shape, stage.pe)), "i_valid": In(1),
            "i_first": In(1), "i_last": In(1), "o": Out(self._layout), "o_valid": Out(1),
            **({"load": In(LOAD)} if stage.loads_biases else {}),
        })

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        starts = self._starts(m).values(m, stage.pe, self.i_valid & self.i_first)
        before, total = Signal(self._layout), Signal(self._layout, reset_less=True)
        following = Signal(self._layout)
        m.d.comb += before.eq(self._before(m, total, following))
        for k in range(stage.pe):
            m.d.comb += following[k].eq(load_add(
                m, self.i_first, starts[k], before[k], self.i[k], prefix=f"add{k}"))
        with m.If(self.i_valid):
            m.d.sync += total.eq(following)
        m.d.comb += self.o.eq(total)
        m.d.sync += self.o_valid.eq(self.i_valid & self.i_last)
        return m

    def _starts(self, m) -> Starts:
        """The biases, constants or loaded."""
        stage = self._stage
        if stage.mat_vec.bias is None:
            return Starts()
        shape = format_shape(stage.bias_format)
        if not stage.loads_biases:
            return Starts(shape=shape, rows=stage.bias_rows())
        m.submodules.bias = bias = LoadedInTurn(stage.loaded_memory("bias"), ahead=False)
        link_loads(m, self.load, [bias])
        return Starts(shape=shape, table=bias)

    def _before(self, m, total, following):
        """The sums so far of the fold whose products are there."""
        nf = self._stage.nf
        if nf == 1:
            return total
        m.submodules.sums = sums = memory.Memory(shape=self._layout, depth=nf, init=[])
        write, read = sums.write_port(), sums.read_port(domain="sync")
        fold, place = Signal(range(nf)), Signal(range(nf))
        with m.If(self.i_next):
            wrap_add(m, fold, nf)
        m.d.sync += place.eq(fold)
        m.d.comb += [read.addr.eq(fold), write.addr.eq(place), write.en.eq(self.i_valid),
                     write.data.eq(following)]
        return read.data


class DepthwiseMatVec(StageCore):
    """Matrix times vector where each output reads one channel; see :class:`DepthwiseStage`.

    The datapath never waits: beats of the last tap are only taken where the output queue has a
    place for their results. Full rate, any stalls.

    Members
    -------
    i : ``In(beat_signature(in_shape, lanes))``
    o : ``Out(beat_signature(out_shape, pe))``
    load : ``In(LOAD)``     of weights, then biases, where they are loaded
    """

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        m.submodules.queue = queue = OutputQueue(stage)
        awake, take = Signal(), Signal()
        first, last = self._taps(m, take)
        # The memory of the weights shows its first row only from the second cycle after reset, and
        # after that in which a word of it has come.
        m.d.sync += awake.eq(~self.load.valid if stage.loaded else 1)
        m.d.comb += [self.i.ready.eq(awake & (queue.go | ~last)), queue.take.eq(take & last),
                     take.eq(self.i.valid & self.i.ready)]
        products = self._products(m, take)
        m.submodules.sums = sums = ChannelSums(stage, products[0].shape())
        coming = delay(m, take, PRODUCT_REGISTERS - 1, name="coming")
        m.d.comb += [sums.i[k].eq(product) for k, product in enumerate(products)]
        m.d.comb += [
            sums.i_next.eq(coming), sums.i_valid.eq(delay(m, coming, 1, name="valid")),
            sums.i_first.eq(delay(m, first, PRODUCT_REGISTERS, name="first")),
            sums.i_last.eq(delay(m, last, PRODUCT_REGISTERS, name="last")),
        ]
        m.submodules.post = post = post_core(stage, sums.acc_shape)
        m.d.comb += [post.i.eq(sums.o), post.i_valid.eq(sums.o_valid),
                     queue.i.eq(post.o), queue.i_valid.eq(post.o_valid)]
        link_out(m, self.o, queue.o)
        if stage.loaded:
            link_loads(m, self.load, [m.submodules.weights] + [sums] * stage.loads_biases)
        return m

    def _taps(self, m, take):
        """Whether the beat that comes is of a window's first tap, of its last."""
        taps, nf = self._stage.weights.taps, self._stage.nf
        fold, tap = Signal(range(max(2, nf))), Signal(range(max(2, taps)))
        with m.If(take):
            wrap_add(m, fold, nf)
            with m.If(fold == nf - 1):
                wrap_add(m, tap, taps)
        first, last = Signal(), Signal()
        m.d.comb += [first.eq(tap == 0), last.eq(tap == taps - 1)]
        return first, last

    def _products(self, m, take):
        """Of each output, ``PRODUCT_REGISTERS`` cycles after the beat was taken."""
        stage, shape = self._stage, format_shape(self._stage.weight_format)
        m.submodules.weights = weights = self._weights(stage.pe * shape.width)
        m.d.comb += weights.advance.eq(take)
        row = Signal(data.ArrayLayout(shape, stage.pe), name="row", reset_less=True)
        m.d.sync += row.as_value().eq(weights.data)
        values = [self._value(m, lane) for lane in range(stage.lanes)]
        products = []
        for k in range(stage.pe):
            value = values[k // stage.weights.multiplier]
            m.submodules[f"multiply{k}"] = block = Multiply(
                shape, value.shape(), in_block=stage.in_blocks)
            m.d.comb += [block.a.eq(row[k]), block.b.eq(value)]
            products.append(Signal(Shape(len(block.y), shape.signed or value.shape().signed),
                                   name=f"product{k}"))
            m.d.comb += products[k].eq(block.y)
        return products

    def _weights(self, width):
        """The memory of their rows, which are read in turn."""
        if self._stage.loaded:
            return LoadedInTurn(self._stage.loaded_memory("weights"), ahead=False)
        return RowsInTurn(width=width, rows=self._stage.weight_rows())

    def _value(self, m, lane):
        """The channel of ``lane`` a cycle later: a sign that travels as a bit as its value."""
        given, is_signs = self.i.p.data[lane], isinstance(self._stage.x.format, Bipolar)
        shape = signed(2) if is_signs else element_shape(self._stage.in_edge)
        value = Signal(shape, name=f"value{lane}", reset_less=True)
        m.d.sync += value.eq(Mux(given, 1, -1) if is_signs else given)
        return value
