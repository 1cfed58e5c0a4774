"""The sparse core up to its elements: zeros left out, columns looked up, queues filled."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import SparseStage
from .fifo import StreamFIFO
from .stream import beat_signature, element_shape, link_out
from .table import Rom, RowsInTurn

__all__ = ["ColumnQueues", "Scanner", "column_layout", "hit_layout", "value_layout"]


def value_layout(stage: SparseStage) -> data.ArrayLayout:
    """What meets a column: an activation, or as many as a block has columns."""
    return data.ArrayLayout(element_shape(stage.in_edge), stage.block_columns)


def hit_layout(stage: SparseStage) -> data.StructLayout:
    """What goes on: its column and value; ``last`` ends the frame."""
    return data.StructLayout({
        "column": range(max(2, stage.column_count)), "value": value_layout(stage), "last": 1})


def share_layout(stage: SparseStage) -> data.StructLayout:
    """Where an element's share of a column begins among its entries, and which there are.

    ``left`` is their count; or, where columns have masks, a bit for each row.
    """
    return data.StructLayout({
        "start": stage.columns.start_bits, "left": stage.columns.left_bits})


def column_layout(stage: SparseStage) -> data.StructLayout:
    """An element's share of a column: its entries, and what to multiply them with.

    ``last`` ends the frame; only there ``left`` can be 0.
    """
    return data.StructLayout({
        "start": stage.columns.start_bits, "left": stage.columns.left_bits,
        "value": value_layout(stage), "last": 1})


class Scanner(wiring.Component):
    """Lets pass what is not zero, and the last activation of each frame; one a cycle.

    What meets a column without entries counts as zero.
    Of the ``simd`` activations of a beat those that are not zero go on one after another, from the
    lowest: a beat takes as many cycles, at least one. Of blocks with several columns, as many
    activations go together, unless all are zero. Combinational: ``o`` shows what ``i`` shows.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    i : ``In(beat_signature(in_shape, stage.in_lanes))``
    o : ``Out(stream.Signature(hit_layout(stage)))``
    enable : ``In(1)``    nothing is taken without it
    """

    def __init__(self, stage: SparseStage):
        self._stage = stage
        super().__init__({
            "i": In(beat_signature(element_shape(stage.in_edge), stage.in_lanes)),
            "o": Out(stream.Signature(hit_layout(stage))),
            "enable": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        stage, lanes = self._stage, self._stage.simd
        base, rest = Signal(range(max(2, stage.column_count))), Signal()
        values, width = self.i.p.data.as_value(), value_layout(stage).size
        busy, sent, chosen = Signal(lanes), Signal(lanes), Signal(lanes)
        used = self._used(m)
        m.d.comb += [busy[k].eq(values.word_select(k, width).any() & used[k] & ~sent[k])
                     for k in range(lanes)]
        # The lowest one; the highest lane where there is none.
        m.d.comb += [chosen[k].eq(busy[k] & ~busy[:k].any()) for k in range(lanes - 1)]
        m.d.comb += [
            chosen[-1].eq(~busy[:-1].any()), rest.eq((busy & ~chosen).any()),
            self.o.p.last.eq(self.i.p.last & ~rest),
            self.o.valid.eq(self.i.valid & self.enable & (busy.any() | self.i.p.last)),
            self.i.ready.eq(self.o.ready & self.enable & ~rest),
        ]
        for k in range(lanes):
            with m.If(chosen[k]):
                m.d.comb += [self.o.p.column.eq(base + k),
                             self.o.p.value.as_value().eq(values.word_select(k, width))]
        if lanes > 1:
            with m.If(self.o.valid & self.o.ready):
                m.d.sync += sent.eq(sent | chosen)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [sent.eq(0), base.eq(base + lanes)]
            with m.If(base == stage.column_count - lanes):
                m.d.sync += base.eq(0)
        return m

    def _used(self, m):
        """Whether the beat's columns have entries; nothing is taken before the first row is there.

        It takes a cycle, and refilling the accumulators after reset at least one.
        """
        if not self._stage.skips:
            return [1] * self._stage.simd
        m.submodules.used = used = RowsInTurn(
            width=self._stage.simd, rows=self._stage.used_rows())
        m.d.comb += used.advance.eq(self.i.valid & self.i.ready)
        return used.data


class ColumnQueues(wiring.Component):
    """Looks up each activation's column and queues every element's share of it.

    One activation a cycle while no queue is full; its column can leave the queues 3 cycles after
    the activation was taken: memory, register, queue. An element without entries in the column gets
    nothing, but for the last column of a frame, whose end every element must see.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    i : ``In(stream.Signature(hit_layout(stage)))``
    o : ``Out(stream.Signature(column_layout(stage)))``, an array of ``pe``
    """

    def __init__(self, stage: SparseStage):
        self._stage = stage
        super().__init__({
            "i": In(stream.Signature(hit_layout(stage))),
            "o": Out(stream.Signature(column_layout(stage))).array(stage.pe),
        })

    def elaborate(self, platform):
        m = Module()
        queues = self._queues(m)
        # What is looked up; behind it what waits for the queues, since a block RAM is slow.
        looks, waits = Signal(hit_layout(self._stage)), Signal(hit_layout(self._stage))
        looking, waiting, room, moves, advance = (
            Signal(name=name) for name in ("looking", "waiting", "room", "moves", "advance"))
        pointers = self._pointers(m, advance)
        shares = Signal.like(pointers, reset_less=True)
        m.d.comb += [
            room.eq(Cat(queue.i.ready for queue in queues).all()),
            moves.eq(~waiting | room), advance.eq(~looking | moves), self.i.ready.eq(advance),
        ]
        with m.If(advance):
            m.d.sync += [looking.eq(self.i.valid), looks.eq(self.i.p)]
        with m.If(moves):
            m.d.sync += [waiting.eq(looking), waits.eq(looks), shares.eq(pointers)]
        for k, queue in enumerate(queues):
            column = queue.i.p
            m.d.comb += [
                column.start.eq(shares[k].start), column.value.eq(waits.value),
                column.left.eq(Mux(waits.value.as_value().any(), shares[k].left, 0)),
                column.last.eq(waits.last),
                queue.i.valid.eq(waiting & room & (waits.last | (shares[k].left != 0))),
            ]
        return m

    def _queues(self, m):
        queues = []
        for k in range(self._stage.pe):
            queue = StreamFIFO(column_layout(self._stage), depth=self._stage.queue_depth)
            m.submodules[f"queue{k}"] = queue
            link_out(m, self.o[k], queue.o)
            queues.append(queue)
        return queues

    def _pointers(self, m, advance):
        """The column's share in every element, the cycle after ``advance``.

        Layout ``ArrayLayout(share_layout(stage), pe)``.
        """
        stage, columns = self._stage, self._stage.columns
        if stage.pointers == "banks":
            return self._of_banks(m, advance)
        layout = data.ArrayLayout(share_layout(stage), stage.pe)
        m.submodules.pointers = pointers = Rom(width=layout.size, rows=columns.pointer_rows())
        m.d.comb += [pointers.address.eq(self.i.p.column), pointers.enable.eq(advance)]
        return data.View(layout, pointers.data)

    def _of_banks(self, m, advance):
        """The same of two memories: an even column's end stands in the one of odd columns."""
        stage, columns = self._stage, self._stage.columns
        column, is_odd, rows = self.i.p.column, Signal(), columns.bank_rows()
        layout = data.ArrayLayout(columns.end_bits, stage.pe)
        even, odd = (Rom(width=layout.size, rows=each) for each in rows)
        m.submodules.even, m.submodules.odd = even, odd
        m.d.comb += [even.address.eq((column + 1) >> 1), odd.address.eq(column >> 1),
                     even.enable.eq(advance), odd.enable.eq(advance)]
        with m.If(advance):
            m.d.sync += is_odd.eq(column[0])
        evens, odds = (data.View(layout, bank.data) for bank in (even, odd))
        shares = Signal(data.ArrayLayout(share_layout(stage), stage.pe))
        for k in range(stage.pe):
            m.d.comb += [
                shares[k].start.eq(Mux(is_odd, odds[k], evens[k])),
                shares[k].left.eq(Mux(is_odd, evens[k] - odds[k], odds[k] - evens[k]))]
        return shares
