"""A lane of a sparse engine: its copy of x, its multiplier, the sums of its rows."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines import SpmvSpec
from .chain import load_add
from .multiply_cells import Multiply
from .spmv_feed import job_layout
from .stream import format_shape
from .tree import delay, late

__all__ = ["RowSums", "SpmvLane", "XBanks", "enables_layout", "entry_layout", "sweep_layout",
           "told_layout"]

CHOICE_STEPS = 3
"""Registers of the choice among the banks of x."""

X_CYCLES = 2 + CHOICE_STEPS
"""From a column's number to its element of x: two registers of the memory, those of the choice."""

PRODUCT_CYCLES = X_CYCLES + 2
"""From an entry to its product."""

SLOT_CYCLES = 3
"""From an entry to the slot of the row that ends there: counted, compared, known to be in range."""


def entry_layout(spec: SpmvSpec) -> data.StructLayout:
    """An entry as it comes; ``rest`` fills it up to bytes and must be 0."""
    fields = {"value": format_shape(spec.weights), "column": unsigned(spec.column_bits),
              "step": unsigned(spec.step_bits)}
    return data.StructLayout(fields | {"rest": unsigned(8 * spec.entry_bytes - spec.entry_bits)})


def sweep_layout(spec: SpmvSpec) -> data.StructLayout:
    """What the sweep tells all lanes: the bank ``picked`` is read at ``row``.

    ``swept`` says of each bank whether the sweep reads it.
    """
    return data.StructLayout({"swept": 2, "row": (spec.sum_rows - 1).bit_length(), "picked": 1})


def told_layout(spec: SpmvSpec) -> data.StructLayout:
    """What all lanes are told.

    ``go``, ``first``, ``ends``, ``bank`` and ``job`` are those of :class:`EntryFeed`, for the entry
    that comes with them; ``x``, ``row`` and ``buffer`` those of :class:`VectorFeed`;
    ``sweep`` is that of the sweep. The ``flags`` are 0 after a reset.
    """
    flags = data.StructLayout({"go": 1, "ends": 1})
    return data.StructLayout({
        "flags": flags, **dict.fromkeys(("first", "bank", "buffer"), 1),
        "job": job_layout(spec), "row": spec.x_row_bits + 1, "sweep": sweep_layout(spec),
        "x": data.ArrayLayout(format_shape(spec.x), spec.x_lanes)})


def enables_layout() -> data.StructLayout:
    """What enables writes in a lane.

    ``x``: the elements and the row of x that are told; ``clear``: of each bank of sums whether the
    row that the sweep is at is zeroed, in the next cycle.
    """
    return data.StructLayout({"x": 1, "clear": 2})


class XBanks(wiring.Component):
    """Two tiles of x, ``x_lanes`` elements written a cycle, one read: ``o`` is ``X_CYCLES`` late.

    Element ``c`` is in bank ``c % x_lanes``.

    Members
    -------
    x : ``In(ArrayLayout(x, x_lanes))``; row : ``In``; en : ``In(1)``    written
    column : ``In(column_bits)``; buffer : ``In(1)``                    read
    o : ``Out(x)``
    """

    def __init__(self, spec: SpmvSpec):
        self._spec, self._shape = spec, format_shape(spec.x)
        super().__init__({
            "x": In(data.ArrayLayout(self._shape, spec.x_lanes)), "row": In(spec.x_row_bits + 1),
            "en": In(1), "column": In(spec.column_bits), "buffer": In(1), "o": Out(self._shape),
        })

    def elaborate(self, platform):
        m = Module()
        spec, low = self._spec, self._spec.x_lanes.bit_length() - 1
        attrs = {"no_rw_check": 1} | ({"ram_style": "block"} if spec.x_in_blocks else {})
        row, found = Signal(spec.x_row_bits), []
        m.d.comb += row.eq(self.column[low:])
        for k in range(spec.x_lanes):
            m.submodules[f"bank{k}"] = bank = memory.Memory(
                shape=unsigned(spec.x.bits), depth=spec.x_rows, init=[], attrs=attrs)
            write, read = bank.write_port(), bank.read_port(domain="comb")
            kept, out = (Signal(spec.x.bits, name=f"{name}{k}", reset_less=True)
                         for name in ("kept", "out"))
            m.d.comb += [write.addr.eq(self.row), write.en.eq(self.en),
                         write.data.eq(self.x[k]), read.addr.eq(Cat(row, self.buffer))]
            m.d.sync += [kept.eq(read.data), out.eq(kept)]
            found.append(out)
        m.d.comb += self.o.eq(self._choice(m, found, self.column[:low]))
        return m

    def _choice(self, m, found, column):
        """One of the banks' elements; each step looks at as many of the number's bits."""
        picked, share = late(m, column, 2, name="picked"), -(-len(column) // CHOICE_STEPS)
        for step in range(CHOICE_STEPS):
            bits, before = picked[:share], found
            found = [Signal(self._shape, name=f"chosen{step}_{k}", reset_less=True)
                     for k in range(len(before) >> len(bits))]
            for k, chosen in enumerate(found):
                m.d.sync += chosen.eq(Array(before[k << len(bits):(k + 1) << len(bits)])[bits])
            picked = late(m, picked[share:], 1, name=f"picked{step}")
        return found[0]


class RowSums(wiring.Component):
    """Two banks of sums: adds to one while the other is read and zeroed.

    ``slot``, ``ends`` and ``bank`` come four cycles before ``sum``, which is then added to its
    row. All that goes into a memory comes from a register.

    Members
    -------
    slot : ``In``; ends, bank : ``In(1)``; sum : ``In(accumulator)``
    sweep : ``In(sweep_layout)``; clear : ``In(2)``    one bit a bank: the sweep's row is zeroed,
                                                       a cycle after it is read
    o : ``Out(accumulator)``       the row that the sweep reads, four cycles later
    """

    def __init__(self, spec: SpmvSpec):
        self._spec, self._shape = spec, format_shape(spec.accumulator)
        row = (spec.sum_rows - 1).bit_length()
        super().__init__({
            "slot": In(row), "ends": In(1), "bank": In(1), "sum": In(self._shape),
            "sweep": In(sweep_layout(spec)), "clear": In(2), "o": Out(self._shape),
        })

    def elaborate(self, platform):
        m = Module()
        spec, sweep = self._spec, self.sweep
        attrs = {"no_rw_check": 1} | ({"ram_style": "block"} if spec.sums_in_blocks else {})
        added, result = (Signal(self._shape, name=name, reset_less=True)
                         for name in ("added", "result"))
        following = Signal(self._shape)
        m.d.comb += following.eq(added + self.sum)
        slot, ends = late(m, self.slot, 4, name="slot"), delay(m, self.ends, 4, name="ends")
        bank = late(m, self.bank, 3, name="bank")
        bank_added, sums = late(m, bank, 1, name="bank_added"), []
        old, clear = late(m, sweep.row, 1, name="old"), late(m, self.clear, 1, name="clear")
        for b in range(2):
            m.submodules[f"bank{b}"] = rows = memory.Memory(
                shape=unsigned(self._shape.width), depth=spec.sum_rows, init=[], attrs=attrs)
            write, read = rows.write_port(), rows.read_port(domain="comb")
            kept, before, total = (Signal(self._shape, name=f"{name}{b}", reset_less=True)
                                   for name in ("kept", "before", "total"))
            read_row, write_row = (Signal.like(self.slot, name=f"{name}{b}", reset_less=True)
                                   for name in ("read_row", "write_row"))
            writes = Signal(name=f"writes{b}")
            m.d.comb += [
                read.addr.eq(read_row), write.addr.eq(write_row), write.en.eq(writes),
                write.data.eq(total),
            ]
            m.d.sync += [
                read_row.eq(Mux(sweep.swept[b], sweep.row, self.slot)),
                write_row.eq(Mux(clear[b], old, slot)),
                writes.eq(clear[b] | (ends & (bank_added == b))),
                total.eq(Mux(clear[b], 0, following)),
                kept.eq(read.data), before.eq(kept),
            ]
            sums.append(before)
        picked = late(m, sweep.picked, 3, name="picked")
        m.d.sync += [added.eq(Mux(bank, sums[1], sums[0])),
                     result.eq(Mux(picked, sums[1], sums[0]))]
        m.d.comb += self.o.eq(result)
        return m


class SpmvLane(wiring.Component):
    """Multiplies each entry's value with its element of x, and adds up row by row.

    ``step`` of an entry is 0 while its row goes on; else the row ends with it, and belongs into
    the slot that many behind that of the row before (behind -1, of a job's first row).

    Parameters
    ----------
    spec : SpmvSpec

    Members
    -------
    entry : ``In(entry_layout)``; told : ``In(told_layout)``
    enables : ``In(enables_layout)``
    o : ``Out(accumulator)``      as :class:`RowSums` has it
    error : ``Out(1)``   a column or slot behind the job's last, a row unended at the job's end
    """

    def __init__(self, spec: SpmvSpec):
        self._spec = spec
        super().__init__({
            "entry": In(entry_layout(spec)), "told": In(told_layout(spec)),
            "enables": In(enables_layout()), "o": Out(format_shape(spec.accumulator)),
            "error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        closes = Signal()
        m.d.comb += closes.eq(self.told.flags.go & (self.entry.step != 0))
        m.submodules.sums = sums = RowSums(self._spec)
        total = self._row_sum(m, self._product(m), closes)
        slot, in_range = self._slots(m, closes)
        early = PRODUCT_CYCLES - 3          # `RowSums` wants them four cycles before the sum
        m.d.comb += [
            sums.sum.eq(total), sums.sweep.eq(self.told.sweep), self.o.eq(sums.o),
            sums.clear.eq(self.enables.clear),
            sums.slot.eq(late(m, slot, early - SLOT_CYCLES, name="slot")),
            sums.ends.eq(delay(m, in_range, early - SLOT_CYCLES, name="in_range")),
            sums.bank.eq(late(m, self.told.bank, early, name="bank")),
        ]
        return m

    def _product(self, m):
        """``PRODUCT_CYCLES`` after the entry."""
        spec = self._spec
        shape_x, shape_w = format_shape(spec.x), format_shape(spec.weights)
        m.submodules.x_banks = banks = XBanks(spec)
        m.submodules.multiply = multiply = Multiply(
            shape_x, shape_w, in_block=spec.multipliers == "blocks")
        value = self.entry.value
        for k in range(X_CYCLES):
            step = Signal(shape_w, name=f"value_d{k + 1}", reset_less=True)
            m.d.sync += step.eq(value)
            value = step
        product = Signal.like(multiply.y.as_signed() if shape_x.signed or shape_w.signed
                              else multiply.y, name="product")
        m.d.comb += [
            banks.x.eq(self.told.x), banks.row.eq(self.told.row), banks.en.eq(self.enables.x),
            banks.column.eq(self.entry.column), banks.buffer.eq(self.told.buffer),
            multiply.a.eq(banks.o), multiply.b.eq(value), product.eq(multiply.y),
        ]
        return product

    def _row_sum(self, m, product, closes):
        """Of the row so far, a cycle after each product."""
        ended, fresh = Signal(), Signal()
        m.d.comb += fresh.eq(self.told.first | ended)
        with m.If(self.told.flags.go):
            m.d.sync += ended.eq(closes)
        total = Signal(format_shape(self._spec.accumulator), name="row_sum", reset_less=True)
        following = load_add(m, late(m, fresh, PRODUCT_CYCLES, name="fresh"), 0, total, product,
                             prefix="add")
        with m.If(late(m, self.told.flags.go, PRODUCT_CYCLES, name="go")):
            m.d.sync += total.eq(following)
        return total

    def _slots(self, m, closes):
        """Slot of a row that ends, ``SLOT_CYCLES`` after its last entry, and if there is one."""
        spec, entry, job, flags = self._spec, self.entry, self.told.job, self.told.flags
        # Slots count from 1 here; the first one behind the last is seen, whatever the step.
        number = Signal(range(spec.slots + spec.max_step + 1))
        slot = Signal((spec.sum_rows - 1).bit_length(), reset_less=True)
        ends, in_range, is_open = Signal(), Signal(), Signal()
        compared, beyond, unended, outside = Signal(), Signal(), Signal(), Signal()
        behind, open_now = Signal(len(job.slots) + 1, reset_less=True), Signal()
        m.d.comb += [
            open_now.eq(Mux(flags.go, (entry.step == 0) & ((is_open & ~self.told.first)
                                                             | (entry.value != 0)),
                            is_open & ~self.told.first)),
        ]
        rest = Signal(max(1, 8 * spec.entry_bytes - spec.entry_bits))
        m.d.comb += rest.eq(entry.as_value()[spec.entry_bits:])
        m.d.sync += [
            ends.eq(closes), behind.eq(job.slots + 1), slot.eq(number - 1), compared.eq(ends),
            beyond.eq(number > behind), in_range.eq(compared & ~beyond),
            is_open.eq(open_now & ~flags.ends), unended.eq(flags.ends & open_now),
            outside.eq(flags.go & ((entry.column > job.columns) | (rest != 0))),
            self.error.eq((compared & beyond) | unended | outside),
        ]
        with m.If(flags.go):
            m.d.sync += number.eq(Mux(self.told.first, 0, number) + entry.step)
        return late(m, slot, SLOT_CYCLES - 2, name="slot_in_range"), in_range
