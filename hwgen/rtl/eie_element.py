"""One processing element of the EIE engine: walks its entries, multiplies and accumulates."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan import in_block_ram
from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import Kind
from .eie_front import column_layout
from .eie_memory import LOAD, READ_CYCLES, Ram, chosen
from .multiply_cells import Multiply
from .stream import format_shape
from .tree import delay

__all__ = ["Accumulators", "Element", "Walker", "drain_signature"]


def product_shape(spec: EieSpec):
    """Of a weight times what is broadcast."""
    bits = spec.weights.bits + spec.sent.bits
    is_signed = spec.weights.is_signed or spec.sent.is_signed
    return signed(bits) if is_signed else unsigned(bits)


def drain_signature(spec: EieSpec) -> wiring.Signature:
    """What is told to all elements about their accumulators.

    Members
    -------
    reads : 1               the layer's entries have all been added; row ``row`` is read
    clears : 1              with ``reads``: the row becomes 0 thereafter
    """
    return wiring.Signature({"reads": Out(1), "row": Out(spec.row_bits), "clears": Out(1)})


class Walker(wiring.Component):
    """Shows one entry's address a cycle, with no pause between columns.

    Members
    -------
    i : ``In(stream.Signature(column_layout(spec)))``
    work : ``Out(1)``             there is an entry in this cycle
    first : ``Out(1)``            it is the first of its column
    address : ``Out``; value : ``Out``
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        super().__init__({
            "i": In(stream.Signature(column_layout(spec))), "work": Out(1), "first": Out(1),
            "address": Out(spec.address_bits), "value": Out(format_shape(spec.sent))})

    def elaborate(self, platform):
        m = Module()
        left = Signal(self._spec.count_bits)        # entries of the column not yet done
        ends, count = Signal(init=1), self.i.p.count            # at most one
        m.d.comb += self.i.ready.eq(ends)
        with m.If(ends):
            m.d.sync += [
                self.work.eq(self.i.valid), left.eq(count), ends.eq(~self.i.valid | (count <= 1)),
                self.first.eq(1), self.address.eq(self.i.p.start), self.value.eq(self.i.p.value)]
        with m.Else():
            m.d.sync += [left.eq(left - 1), ends.eq(left == 2), self.address.eq(self.address + 1),
                         self.first.eq(0)]
        return m


class Element(wiring.Component):
    """Adds ``codebook[code] * value`` to the accumulator of the entry's row, an entry a cycle.

    The row is the one of the entry before plus the run of zeros plus one. A row beyond those of the
    layer is told, and nothing is added for it.

    Parameters
    ----------
    spec : EieSpec
    index : int        which of the ``pe`` elements

    Members
    -------
    i : ``In(stream.Signature(column_layout(spec)))``
    layer, rows, base : ``In``          number of the layer, its rows - 1, its first accumulator
    drain : ``In(drain_signature(spec))``
    o : ``Out(accumulator)``            3 cycles after ``drain.reads``
    busy : ``Out(1)``                   there is an entry at the walker
    error : ``Out(1)``                  a row was beyond those of the layer
    load : ``In(LOAD)``
    """

    def __init__(self, spec: EieSpec, index: int):
        self._spec, self._index = spec, index
        super().__init__({
            "i": In(stream.Signature(column_layout(spec))),
            "layer": In(range(max(2, spec.layers))), "rows": In(range(max(2, spec.rows))),
            "base": In(spec.row_bits), "drain": In(drain_signature(spec)),
            "o": Out(format_shape(spec.accumulator)), "busy": Out(1), "error": Out(1),
            "load": In(LOAD),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = Walker(self._spec)
        m.submodules.accumulators = accumulators = Accumulators(self._spec)
        wiring.connect(m, wiring.flipped(self.i), walker.i)
        code, index = self._entry(m, walker.address)
        row, adds = self._row(m, walker, index)
        m.d.comb += [
            accumulators.product.eq(self._product(m, code, walker.value)),
            accumulators.row.eq(row), accumulators.adds.eq(adds), self.o.eq(accumulators.o),
            accumulators.clears.eq(delay(m, self.drain.clears, 1, name="clears")),
            self.busy.eq(walker.work),
        ]
        return m

    def _entry(self, m, address):
        """Code and index of the entry, ``READ_CYCLES`` later."""
        spec = self._spec
        m.submodules.entries = entries = Ram(depth=spec.entries, width=spec.entry_bits)
        m.d.comb += [
            entries.write.eq(chosen(m, self.load, Kind.ENTRIES, self._index)),
            entries.write_address.eq(self.load.address), entries.write_data.eq(self.load.data),
            entries.address.eq(address)]
        return entries.data[:spec.code_bits], entries.data[spec.code_bits:]

    def _row(self, m, walker, index):
        """The entry's row and whether something is added to it, 3 cycles after its index.

        When nothing is added any more, the row that is drained takes its place.
        """
        spec = self._spec
        bits = 1 + max(spec.row_bits, spec.index_bits)
        work, first = (delay(m, flag, READ_CYCLES, name=name)
                       for flag, name in ((walker.work, "work"), (walker.first, "first")))
        follows = delay(m, ~first, 2, name="follows")
        row, after, targets = Signal(bits), Signal(bits), [Signal(spec.row_bits) for _ in range(2)]
        is_above, is_wrong, beyond, adds = Signal(), Signal(), Signal(), Signal()
        before = Signal(bits)                               # of the entry, its run not yet added
        m.d.comb += before.eq(Mux(first, 0, after))
        with m.If(work):
            m.d.sync += [row.eq(index + before), after.eq(index + before + 1)]
        m.d.sync += is_above.eq(row > self.rows)
        m.d.comb += is_wrong.eq(is_above | (follows & beyond))
        with m.If(adds):
            m.d.sync += beyond.eq(is_wrong)
        m.d.sync += [self.error.eq(adds & is_wrong), targets[0].eq(row + self.base),
                     targets[1].eq(Mux(self.drain.reads, self.drain.row, targets[0]))]
        m.d.comb += adds.eq(delay(m, work, 2, name="adds"))
        return targets[1], delay(m, adds & ~is_wrong, 1, name="added")

    def _product(self, m, code, value):
        """Weight of the code times value, 5 cycles after the code."""
        spec, of_layer = self._spec, Signal.like(Cat(code, self.layer), reset_less=True)
        m.d.sync += of_layer.eq(Cat(code, self.layer))
        m.submodules.codebook = codebook = Ram(depth=spec.codebook_rows, width=spec.weights.bits)
        m.d.comb += [
            codebook.write.eq(chosen(m, self.load, Kind.CODEBOOK)),
            codebook.write_address.eq(self.load.address),
            codebook.write_data.eq(self.load.data),
            codebook.address.eq(of_layer)]
        for k in range(2 * READ_CYCLES + 1):
            later = Signal.like(value, name=f"value{k}", reset_less=True)
            m.d.sync += later.eq(value)
            value = later
        m.submodules.multiply = multiply = Multiply(
            format_shape(spec.weights), format_shape(spec.sent))
        m.d.comb += [multiply.a.eq(codebook.data), multiply.b.eq(value)]
        return multiply.y


class Accumulators(wiring.Component):
    """A memory of sums, one added to in each cycle, in any order of rows.

    A row is read, added to two cycles later, and written the cycle after that; so a sum that one of
    the three entries before makes of the same row is taken on its way to the memory (accumulator
    bypass). A row whose sum is wanted at ``o`` must not be that of the cycle before.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    row : ``In``; adds : ``In(1)``      a product for this row follows
    product : ``In``                    two cycles later
    clears : ``In(1)``                  in place of ``adds``: this row becomes 0
    o : ``Out(accumulator)``            the row's sum two cycles later, without the product
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        self._shape = format_shape(spec.accumulator)
        super().__init__({
            "row": In(spec.row_bits), "adds": In(1), "product": In(product_shape(spec)),
            "clears": In(1), "o": Out(self._shape),
        })

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        depth = 1 << spec.row_bits
        attrs = {"no_rw_check": 1} | (
            {"ram_style": "block"} if in_block_ram(depth, spec.accumulator_bits) else {})
        m.submodules.sums = sums = memory.Memory(
            shape=self._shape, depth=depth, init=[], attrs=attrs)
        write, read = sums.write_port(), sums.read_port(domain="comb")
        kept, before, total, written = (Signal(self._shape, name=name, reset_less=True)
                                        for name in ("kept", "before", "total", "written"))
        rows, adds = [self.row], [self.adds]
        for k in range(3):
            rows.append(Signal(spec.row_bits, name=f"row{k + 1}", reset_less=True))
            m.d.sync += rows[k + 1].eq(rows[k])
            adds.append(delay(m, adds[-1], 1, name=f"adds{k + 1}"))
        same = [None, *(delay(m, adds[k] & (rows[k] == self.row), 1, name=f"same{k}")
                        for k in range(1, 4))]
        is_next = delay(m, same[1], 1, name="is_next")
        m.d.sync += [
            kept.eq(read.data), before.eq(Mux(same[2], total, Mux(same[3], written, kept))),
            total.eq(Mux(is_next, total, before) + self.product), written.eq(total),
        ]
        clears = delay(m, self.clears, 2, name="clears")
        with m.If(clears):
            m.d.sync += total.eq(0)
        m.d.comb += [
            read.addr.eq(self.row), self.o.eq(before), write.addr.eq(rows[3]),
            write.en.eq(delay(m, adds[2] | clears, 1, name="writes")), write.data.eq(total),
        ]
        return m
