"""One processing element of the sparse core: walks its entries, multiplies and accumulates."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages import SparseStage
from .sparse_front import column_layout, value_layout
from .sparse_product import EntryProduct
from .stream import format_shape
from .table import Rom
from .tree import delay

__all__ = ["ColumnWalker", "Element", "drain_signature"]


def drain_signature(stage: SparseStage) -> wiring.Signature:
    """What the drain tells all elements.

    Members
    -------
    read : 2             one bit a bank: its row ``row`` is read in this cycle
    picked : 1           bank whose row, read the cycle before, is wanted
    refill : 2           one bit a bank: its row ``refill_row`` gets the bias in this cycle
    release : 2          one bit a bank: all its rows have been read
    """
    row = range(max(2, stage.nf))
    return wiring.Signature({
        "read": Out(2), "row": Out(row), "picked": Out(1),
        "refill": Out(2), "refill_row": Out(row), "release": Out(2),
    })


class ColumnWalker(wiring.Component):
    """Shows one entry's address a cycle, with no pause between columns.

    A frame uses one bank of accumulators, the next frame the other. A bank is closed when the
    frame's last entry has been shown, and used again after its release.

    Parameters
    ----------
    stage : SparseStage

    Members
    -------
    i : ``In(stream.Signature(column_layout(stage)))``
    work : ``Out(1)``             there is an entry in this cycle
    first : ``Out(1)``            it is the first of its column
    address : ``Out(start_bits)``, value : ``Out(value_layout(stage))``, bank : ``Out(1)``
    rows : ``Out(left_bits)``     of masks, the bit of its row
    release : ``In(2)``           one bit a bank
    closed : ``Out(2)``           one bit a bank
    """

    def __init__(self, stage: SparseStage):
        self._stage = stage
        super().__init__({
            "i": In(stream.Signature(column_layout(stage))),
            "work": Out(1), "first": Out(1), "address": Out(stage.columns.start_bits),
            "value": Out(value_layout(stage)), "bank": Out(1),
            "rows": Out(stage.columns.left_bits), "release": In(2), "closed": Out(2),
        })

    def elaborate(self, platform):
        m = Module()
        masked = self._stage.columns.masked
        # Entries of the column that are not yet done, and those behind the present one.
        left, rest = Signal(self._stage.columns.left_bits), Signal(self._stage.columns.left_bits)
        last, done, ends = Signal(), Signal(), Signal()
        m.d.comb += [
            self.work.eq(left != 0), ends.eq(done & last), self.rows.eq(left ^ rest),
            done.eq((rest == 0) if masked else (left <= 1)),
            self.i.ready.eq(done & ~self.closed.bit_select(self.bank ^ ends, 1)),
        ]
        with m.If(done):
            m.d.sync += [left.eq(0), last.eq(0)]
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += [left.eq(self.i.p.left), last.eq(self.i.p.last)]
                if masked:      # without the lowest bit
                    m.d.sync += rest.eq(self.i.p.left & (self.i.p.left - 1))
            m.d.sync += [self.address.eq(self.i.p.start), self.value.eq(self.i.p.value),
                         self.first.eq(1)]
        with m.Else():
            m.d.sync += [left.eq(rest if masked else left - 1), self.first.eq(0),
                         self.address.eq(self.address + 1)]
            if masked:
                m.d.sync += rest.eq(rest & (rest - 1))
        m.d.sync += [
            self.closed.eq(self.closed & ~self.release | (ends << self.bank)),
            self.bank.eq(self.bank ^ ends),
        ]
        return m


class Element(wiring.Component):
    """Adds ``weight * value`` to the accumulator of the entry's row, one entry a cycle.

    Of a block, the sums of its rows to the accumulators of these, which are side by side.

    A relative index is added to the row before where others pass a register: storage costs no
    cycle.

    Registers: address, entry, operands, product, of blocks with several columns the levels of their
    sums, accumulator. A bank's row is refilled with its
    bias when it has been read, so that no addition is needed for it. Hits on one row in successive
    cycles see each other through the transparent read ports.

    Parameters
    ----------
    stage : SparseStage
    index : int        which of the ``pe`` elements

    Members
    -------
    i : ``In(stream.Signature(column_layout(stage)))``
    drain : ``In(drain_signature(stage))``
    bias : ``In(ArrayLayout(bias_shape, block_rows))``      goes with ``drain.refill``
    closed : ``Out(2)``            one bit a bank
    o : ``Out(ArrayLayout(acc_shape, block_rows))``         2 cycles after ``drain.read``
    """

    def __init__(self, stage: SparseStage, index: int):
        self._stage, self._index = stage, index
        self._acc_shape = format_shape(stage.acc_format)
        self._sums_layout = data.ArrayLayout(self._acc_shape, stage.block_rows)
        super().__init__({
            "i": In(stream.Signature(column_layout(stage))),
            "drain": In(drain_signature(stage)),
            "bias": In(data.ArrayLayout(format_shape(stage.bias_format), stage.block_rows)),
            "closed": Out(2), "o": Out(self._sums_layout),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = ColumnWalker(self._stage)
        wiring.connect(m, wiring.flipped(self.i), walker.i)
        m.d.comb += [walker.release.eq(self.drain.release), self.closed.eq(walker.closed)]

        entry, wait = self._entry(m, walker), self._stage.product_registers
        row, adds = (delay(m, value, wait, name=name) for name, value in zip(
            ("row_of_sum", "adds"), self._row(m, walker, entry.index), strict=True))
        product, term_row = self._product(m, walker, entry.code), Signal.like(row, reset_less=True)
        m.d.sync += term_row.eq(row)
        reads_bank = delay(m, walker.bank, 2 + wait, name="bank")
        adds_bank = delay(m, reads_bank, 1, name="product_bank")
        sums, total, bias = [], Signal(self._sums_layout), Signal(self._sums_layout)
        m.d.comb += [bias[k].eq(self.bias[k]) for k in range(self._stage.block_rows)]
        for b in range(2):
            m.submodules[f"bank{b}"] = bank = memory.Memory(
                shape=self._sums_layout, depth=self._stage.nf, init=[])
            write = bank.write_port()
            read = bank.read_port(domain="sync", transparent_for=(write,))
            refill = self.drain.refill[b]
            m.d.comb += [
                read.addr.eq(Mux(self.drain.read[b], self.drain.row, row)),
                write.en.eq(refill | (adds & (adds_bank == b))),
                write.addr.eq(Mux(refill, self.drain.refill_row, term_row)),
                write.data.eq(Mux(refill, bias, total)),
            ]
            sums.append(read.data)
        before, result = Signal(self._sums_layout), Signal(self._sums_layout, reset_less=True)
        m.d.comb += before.eq(Mux(adds_bank, sums[1], sums[0]))
        m.d.comb += [total[k].eq(self._total(m, before[k], product.o[k], product.carry))
                     for k in range(self._stage.block_rows)]
        m.d.sync += result.eq(Mux(self.drain.picked, sums[1], sums[0]))
        m.d.comb += self.o.eq(result)
        return m

    def _total(self, m, before, product, carry):
        """The sum with a product, in one adder, which takes a carry in where there is one."""
        if self._stage.values != "signs":
            return before + product
        term = Signal(self._acc_shape, name="term")
        m.d.comb += term.eq(product)
        return (Cat(carry, before) + Cat(carry, term))[1:]

    def _entry(self, m, walker):
        """What the entry memory has at the walker's address, a cycle later."""
        stage = self._stage
        layout = data.StructLayout({
            "code": stage.value_bits, "index": stage.columns.index_bits})
        m.submodules.entries = entries = Rom(
            width=layout.size, rows=stage.entry_rows(self._index))
        m.d.comb += entries.address.eq(walker.address)
        return data.View(layout, entries.data)

    def _product(self, m, walker, code):
        """Its outputs stand ``2 + product_registers`` cycles after ``code``."""
        m.submodules.product = product = EntryProduct(self._stage)
        value = Signal(value_layout(self._stage), reset_less=True)
        m.d.sync += value.eq(walker.value)
        m.d.comb += [product.code.eq(code), product.value.eq(value)]
        return product

    def _row(self, m, walker, index):
        """The row of an entry, the cycle after its index, and whether it adds, 2 cycles after."""
        stage = self._stage
        row = Signal(stage.columns.row_bits, reset_less=True)
        is_entry = delay(m, walker.work, 1, name="is_entry")
        if stage.index != "relative":
            m.d.sync += row.eq(self._row_of_mask(m, walker) if stage.index == "mask" else index)
            return row, delay(m, is_entry, 2, name="work")
        first = delay(m, walker.first, 1, name="first")
        step, is_mark = Signal(len(index)), Signal()
        m.d.comb += step.eq(index)
        if stage.columns.marks:
            # A mark stands for one zero less than an entry with its index, which has bit 0 set.
            m.d.comb += [is_mark.eq(index.all()), step[0].eq(index[0] & ~is_mark)]
        with m.If(is_entry):
            m.d.sync += row.eq(step + Mux(first, 0, row + 1))
        return row, delay(m, is_entry & ~is_mark, 2, name="work")

    def _row_of_mask(self, m, walker):
        """The number of the row that the walker showed a cycle before."""
        rows = Signal.like(walker.rows, reset_less=True, name="rows")
        m.d.sync += rows.eq(walker.rows)
        return Cat(Cat(rows[place] for place in range(len(rows)) if place >> bit & 1).any()
                   for bit in range(self._stage.columns.row_bits))
