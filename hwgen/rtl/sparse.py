"""The sparse matrix-vector core: compressed columns, zero activations skipped."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import SparseStage
from .fifo import StreamFIFO
from .output_queue import OutputQueue
from .post import post_core
from .sparse_element import Element, drain_signature
from .sparse_front import ColumnQueues, Scanner, hit_layout, value_layout
from .stage_core import StageCore
from .stream import format_shape, link, link_out
from .table import Rom
from .tree import adder_tree, delay, wrap_add

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
        fronts = [self._front(m, part, ~drain.sweeping, self._prefix(number))
                  for number, part in enumerate(stage.parts)]
        self._share_out(m, [scanner for scanner, _ in fronts])
        parts = [self._elements(m, part, columns, drain, self._prefix(number))
                 for number, (part, (_, columns)) in enumerate(
                     zip(stage.parts, fronts, strict=True))]
        m.d.comb += [
            drain.closed[b].eq(Cat(element.closed[b] for part in parts for element in part).all())
            for b in range(2)]
        m.d.comb += [post.i[k].eq(value) for k, value in enumerate(
            self._chosen(m, self._summed(m, parts), drain.group))]
        wait = 2 + stage.sum_registers + stage.gather_registers
        m.d.comb += [
            post.i_valid.eq(delay(m, drain.take, wait, name="drained")),
            queue.i.eq(post.o), queue.i_valid.eq(post.o_valid),
            queue.take.eq(drain.take), drain.go.eq(queue.go),
        ]
        link_out(m, self.o, queue.o)
        return m

    def _prefix(self, number) -> str:
        """Of the names of a part, where there are several."""
        return f"part{number}_" if self._stage.column_groups > 1 else ""

    def _summed(self, m, parts):
        """Results of a row of elements, those of all parts added up."""
        shares = [[value for element in part for value in element.o] for part in parts]
        if len(shares) == 1:
            return shares[0]
        shape, sums = format_shape(self._stage.acc_format), []
        for k, values in enumerate(zip(*shares, strict=True)):
            sums.append(Signal(shape, name=f"sum{k}"))
            m.d.comb += sums[k].eq(adder_tree(m, list(values), levels_per_register=1,
                                              prefix=f"sum{k}"))
        return sums

    def _share_out(self, m, scanners):
        """Each part gets its columns of a beat, which is taken when all have done with it."""
        if len(scanners) == 1:
            link_out(m, self.i, scanners[0].i)
            return
        values, width = self.i.p.data.as_value(), value_layout(self._stage).size
        done, now = Signal(len(scanners)), Signal(len(scanners))
        for g, scanner in enumerate(scanners):
            m.d.comb += [
                scanner.i.p.data.as_value().eq(Cat(
                    values.word_select(column, width)
                    for column in range(g, self._stage.simd, len(scanners)))),
                scanner.i.p.last.eq(self.i.p.last), scanner.i.valid.eq(self.i.valid & ~done[g]),
                now[g].eq(done[g] | scanner.i.ready),
            ]
        m.d.comb += self.i.ready.eq(now.all())
        with m.If(self.i.valid):
            m.d.sync += done.eq(Mux(self.i.ready, 0, now))

    def _chosen(self, m, values, group):
        """Results of the group that was read when they were, a cycle later; or all of them."""
        stage = self._stage
        if not stage.gather_registers:
            return values
        group, chosen = delay(m, group, 2 + stage.sum_registers, name="group"), []
        for k in range(stage.out_lanes):
            chosen.append(Signal(values[k].shape(), name=f"chosen{k}", reset_less=True))
            with m.Switch(group):
                for number in range(stage.groups):
                    with m.Case(number):
                        m.d.sync += chosen[k].eq(values[number * stage.out_lanes + k])
        return chosen

    def _front(self, m, part, enable, prefix):
        """What looks at the activations of a part, and what queues its columns."""
        scanner, columns = Scanner(part), ColumnQueues(part)
        hits = StreamFIFO(hit_layout(part), depth=part.queue_depth)
        for name, module in (("scanner", scanner), ("hits", hits), ("columns", columns)):
            m.submodules[prefix + name] = module
        link(m, scanner.o, hits.i)
        link(m, hits.o, columns.i)
        m.d.comb += scanner.enable.eq(enable)
        return scanner, columns

    def _elements(self, m, part, columns, drain, prefix):
        biases = self._biases(m, part, drain)
        elements = []
        for k in range(part.pe):
            m.submodules[f"{prefix}element{k}"] = element = Element(part, k)
            link(m, columns.o[k], element.i)
            wiring.connect(m, drain.drain, element.drain)
            if biases is not None:
                m.d.comb += element.bias.eq(biases[k])
            elements.append(element)
        return elements

    def _biases(self, m, part, drain):
        """Those of the row that is refilled; None of parts behind the first one, which add 0."""
        if part is not self._stage.parts[0]:
            return None
        m.submodules.bias = bias = Rom(
            width=part.row_outputs * part.bias_format.bits, rows=part.bias_rows())
        m.d.comb += bias.address.eq(drain.drain.row)
        return data.View(data.ArrayLayout(data.ArrayLayout(
            format_shape(part.bias_format), part.block_rows), part.pe), bias.data)
