"""The sparse matrix-vector core: compressed columns, zero activations skipped."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import SparseStage
from .fifo import StreamFIFO
from .output_queue import OutputQueue
from .post import post_core
from .sparse_element import Element, drain_signature
from .sparse_front import ColumnQueues, Scanner, hit_layout
from .stage_core import StageCore
from .stream import format_shape, link, link_out
from .table import Rom
from .tree import delay, wrap_add

__all__ = ["DrainControl", "SparseMatVec"]


class DrainControl(wiring.Component):
    """Reads the rows of a bank that every element has closed, and has them refilled.

    One group of ``stage.out_lanes`` results a cycle while there is a credit; the first one
    ``2 + stage.product_registers`` cycles after ``closed``, when the last product has been added. A
    row is refilled the cycle after its last group was read. After reset all rows of both banks are
    refilled once, in ``nf`` cycles.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    closed : ``In(2)``                     one bit a bank: closed in every element
    go : ``In(1)``                         there is a credit
    take : ``Out(1)``                      a row is read in this cycle
    group : ``Out(range(stage.groups))``   which of its results are sent
    drain : ``Out(drain_signature(stage))``
    sweeping : ``Out(1)``                  the refill after reset is under way
    """

    def __init__(self, stage: SparseStage):
        self._stage = stage
        super().__init__({
            "closed": In(2), "go": In(1), "take": Out(1),
            "group": Out(range(max(2, stage.groups))),
            "drain": Out(drain_signature(stage)), "sweeping": Out(1, init=1),
        })

    def elaborate(self, platform):
        m = Module()
        stage, drain, bank = self._stage, self.drain, Signal()
        settled, last_row, last, ends = Signal(2), Signal(), Signal(), Signal()
        closed = self.closed
        for number in range(1 + stage.product_registers):
            seen = Signal(2, name=f"seen{number}")
            m.d.sync += seen.eq(closed)
            closed = self.closed & seen
        m.d.sync += settled.eq(closed)
        # The last row may have fewer groups.
        spare = stage.groups - 1 - (stage.beats - 1) % stage.groups
        m.d.comb += [
            drain.read.eq(settled & (1 << bank)),
            self.take.eq(drain.read.any() & self.go),
            last_row.eq(drain.row == stage.nf - 1),
            last.eq(self.group == Mux(last_row, stage.groups - 1 - spare, stage.groups - 1)),
            ends.eq(self.take & last & last_row),
            drain.release.eq(Mux(ends, drain.read, 0)),
        ]
        m.d.sync += [
            bank.eq(bank ^ ends), drain.picked.eq(bank),
            drain.refill.eq(Mux(self.sweeping, 0b11, Mux(self.take & last, drain.read, 0))),
            drain.refill_row.eq(drain.row),
        ]
        if stage.groups > 1:
            with m.If(self.take):
                m.d.sync += self.group.eq(Mux(last, 0, self.group + 1))
        with m.If((self.take & last) | self.sweeping):
            wrap_add(m, drain.row, stage.nf)
        with m.If(last_row):
            m.d.sync += self.sweeping.eq(0)
        return m


class SparseMatVec(StageCore):
    """Matrix times vector, entries in compressed columns over ``pe`` elements.

    One frame every ``max(n_in / simd, activations that are not zero, n_out / lanes, most entries
    any element has in the columns of those)`` cycles, plus what full queues and unequal elements
    cost: ``stage.timing`` gives every output beat's cycle. Correct under any stalls on either side.
    Nothing is taken in the ``nf`` cycles after reset.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    i : ``In(beat_signature(in_shape, stage.in_lanes))``
    o : ``Out(beat_signature(out_shape, stage.out_lanes))``
    """

    def elaborate(self, platform):
        m = Module()
        stage = self._stage
        m.submodules.drain = drain = DrainControl(stage)
        m.submodules.queue = queue = OutputQueue(stage)
        acc_shape = format_shape(stage.acc_format)
        m.submodules.post = post = post_core(stage.results, acc_shape)
        elements = self._elements(m, self._columns(m, ~drain.sweeping), drain)
        m.d.comb += [
            drain.closed[b].eq(Cat(element.closed[b] for element in elements).all())
            for b in range(2)]
        m.d.comb += [post.i[k].eq(value) for k, value in enumerate(
            self._chosen(m, [value for element in elements for value in element.o], drain.group))]
        m.d.comb += [
            post.i_valid.eq(delay(m, drain.take, 2 + stage.gather_registers, name="drained")),
            queue.i.eq(post.o), queue.i_valid.eq(post.o_valid),
            queue.take.eq(drain.take), drain.go.eq(queue.go),
        ]
        link_out(m, self.o, queue.o)
        return m

    def _chosen(self, m, values, group):
        """Results of the group that was read 2 cycles before, a cycle later; or all of them."""
        stage = self._stage
        if not stage.gather_registers:
            return values
        group, chosen = delay(m, group, 2, name="group"), []
        for k in range(stage.out_lanes):
            chosen.append(Signal(values[k].shape(), name=f"chosen{k}", reset_less=True))
            with m.Switch(group):
                for number in range(stage.groups):
                    with m.Case(number):
                        m.d.sync += chosen[k].eq(values[number * stage.out_lanes + k])
        return chosen

    def _columns(self, m, enable):
        m.submodules.scanner = scanner = Scanner(self._stage)
        m.submodules.hits = hits = StreamFIFO(
            hit_layout(self._stage), depth=self._stage.queue_depth)
        m.submodules.columns = columns = ColumnQueues(self._stage)
        link_out(m, self.i, scanner.i)
        link(m, scanner.o, hits.i)
        link(m, hits.o, columns.i)
        m.d.comb += scanner.enable.eq(enable)
        return columns

    def _elements(self, m, columns, drain):
        stage = self._stage
        m.submodules.bias = bias = Rom(
            width=stage.row_outputs * stage.bias_format.bits, rows=stage.bias_rows())
        m.d.comb += bias.address.eq(drain.drain.row)
        biases = data.View(data.ArrayLayout(data.ArrayLayout(
            format_shape(stage.bias_format), stage.block_rows), stage.pe), bias.data)
        elements = []
        for k in range(stage.pe):
            m.submodules[f"element{k}"] = element = Element(stage, k)
            link(m, columns.o[k], element.i)
            wiring.connect(m, drain.drain, element.drain)
            m.d.comb += element.bias.eq(biases[k])
            elements.append(element)
        return elements
