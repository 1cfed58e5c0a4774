"""The EIE engine up to its elements: zeros left out, columns looked up, queues filled."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import Kind
from ..plan.engines.eie_timing import HIT_CYCLES
from .eie_memory import LOAD, Ram, chosen
from .fifo import StreamFIFO
from .stream import format_shape, link_out
from .tree import adder_tree, delay

__all__ = ["Lookup", "Scanner", "column_layout", "hit_layout"]


def hit_layout(spec: EieSpec) -> data.StructLayout:
    """What is broadcast: a value, and its column as that of its beat and a lane."""
    return data.StructLayout({"value": format_shape(spec.sent), "column": spec.column_bits,
                              "lane": range(max(2, spec.lanes))})


def column_layout(spec: EieSpec) -> data.StructLayout:
    """An element's share of a column: its entries, at least one, and what to multiply with."""
    return data.StructLayout({"start": spec.address_bits, "count": spec.count_bits,
                              "value": format_shape(spec.sent)})


class Scanner(wiring.Component):
    """Reads a vector beat by beat and lets pass what is not zero, one a cycle.

    A beat takes as many cycles as it has such elements, at least one. While ``room`` is 0 nothing
    passes. A hit that is chosen in one cycle is at ``hit`` two cycles later. With ``delta`` what
    passes is by how much an element moved, where that is more than ``threshold``.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    start : ``In(1)``               a vector of ``in_beats`` + 1 beats is read from now on
    in_beats, column : ``In``       of the layer: its beats - 1, its first column
    address, enable : ``Out``       of the memory of activations
    values, is_sent : ``In``        of the beat whose address was shown 2 enabled cycles before
                                    (3 with ``delta``)
    fetches : ``Out(1)``            a beat's address is shown
    shown : ``Out(1)``              there is such a beat; it is taken if ``enable``
    room : ``In(1)``
    hit : ``Out(hit_layout)``; hit_valid : ``Out(1)``
    busy : ``Out(1)``               not all hits have come out
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        self._values = data.ArrayLayout(format_shape(spec.sent), spec.lanes)
        super().__init__({
            "start": In(1), "in_beats": In(range(max(2, spec.beats))),
            "column": In(spec.column_bits),
            "address": Out(range(max(2, spec.beats))), "enable": Out(1),
            "fetches": Out(1), "shown": Out(1), "values": In(self._values),
            "is_sent": In(spec.lanes),
            "room": In(1), "hit": Out(hit_layout(spec)), "hit_valid": Out(1), "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        spec, lanes = self._spec, self._spec.lanes
        values, mask = Signal(self._values, reset_less=True), Signal(lanes)
        lowest, column = Signal(lanes), Signal(spec.column_bits)
        goes, following = Signal(), Signal(spec.column_bits)
        after, flags, ready, waiting = self._fetch(m)
        none, few = self._left(m, flags, goes)
        below = Signal(lanes)               # all up to the lowest one but itself, by a carry chain
        m.d.comb += [below.eq(mask - 1), lowest.eq(mask & ~below), goes.eq(~none & self.room),
                     self.enable.eq(few & (self.room | none))]
        with m.If(self.enable):
            m.d.sync += [values.eq(after), mask.eq(flags)]
        with m.Elif(goes):
            m.d.sync += mask.eq(mask & below)
        with m.If(self.enable & ready):
            m.d.sync += [column.eq(following), following.eq(following + lanes)]
        with m.If(self.start):
            m.d.sync += following.eq(self.column)
        chosen_before = self._choose(m, goes, lowest, values, column)
        m.d.comb += self.busy.eq(waiting | ~none | chosen_before)
        return m

    def _left(self, m, flags, goes):
        """Whether none of the beat's elements are left to be sent, and whether at most one is.

        Counted, so that neither waits for the search of the lowest one.
        """
        lanes = self._spec.lanes
        left, more = Signal(range(lanes + 1)), Signal(range(lanes + 1))
        none, few = Signal(init=1), Signal(init=1)
        counts = []
        for k in range(0, lanes, 4):        # of four flags by a table of four inputs
            part = flags[k:k + 4]
            counts.append(Signal(range(len(part) + 1), name=f"count{k}"))
            with m.Switch(part):
                for code in range(1 << len(part)):
                    with m.Case(code):
                        m.d.comb += counts[-1].eq(code.bit_count())
        m.d.comb += more.eq(adder_tree(m, counts, levels_per_register=lanes + 1, prefix="flags"))
        with m.If(self.enable):
            m.d.sync += [left.eq(more), none.eq(~flags.any()), few.eq(~_several(m, flags))]
        with m.Elif(goes):
            m.d.sync += [left.eq(left - 1), few.eq(left == 2)]
        return none, few

    def _fetch(self, m):
        """The next beat, which of it are sent, whether it is one, and whether one is on its way."""
        fetches = self.fetches
        steps = [fetches]
        for k in range(3 + self._spec.delta):
            steps.append(Signal(name=f"fetched{k}"))
            with m.If(self.enable):
                m.d.sync += steps[-1].eq(steps[-2])
        with m.If(self.enable & fetches):
            m.d.sync += self.address.eq(self.address + 1)
            with m.If(self.address == self.in_beats):
                m.d.sync += fetches.eq(0)
        with m.If(self.start):
            m.d.sync += [fetches.eq(1), self.address.eq(0)]
        values = Signal(self._values, name="values_after", reset_less=True)
        flags = Signal(self._spec.lanes)
        m.d.comb += self.shown.eq(steps[-2])
        with m.If(self.enable):
            m.d.sync += [values.eq(self.values), flags.eq(Mux(self.shown, self.is_sent, 0))]
        return values, flags, steps[-1], Cat(steps).any()

    def _choose(self, m, goes, lowest, values, column):
        """The lowest one's value and lane, in two cycles: first which it is, then what."""
        lanes, hit = self._spec.lanes, self.hit
        one, of_beat = Signal(lanes), Signal.like(values, reset_less=True)
        first = Signal.like(column, reset_less=True)
        m.d.sync += [one.eq(lowest), of_beat.eq(values), first.eq(column)]
        went = delay(m, goes, 1, name="goes")
        m.d.comb += self.hit_valid.eq(delay(m, went, 1, name="went"))
        picked = Signal(hit.value.shape())
        masked = [Signal(len(picked), name=f"masked{k}") for k in range(lanes)]
        m.d.comb += [masked[k].eq(Mux(one[k], of_beat[k], 0)) for k in range(lanes)]
        m.d.comb += picked.eq(_any_of(masked))
        m.d.sync += [hit.value.eq(picked), hit.column.eq(first)]
        for bit in range(len(hit.lane)):
            m.d.sync += hit.lane[bit].eq(
                Cat(one[k] for k in range(lanes) if k >> bit & 1).any())
        return went


def _several(m, flags):
    """Whether two of ``flags`` are set, as a tree of whether one is and whether two are."""
    terms = [(flag, Const(0)) for flag in flags]
    while len(terms) > 1:
        pairs = []
        for (a, a_two), (b, b_two) in zip(terms[::2], terms[1::2], strict=False):
            pairs.append((Signal(name="some_set"), Signal(name="two_set")))
            m.d.comb += [pairs[-1][0].eq(a | b), pairs[-1][1].eq(a_two | b_two | (a & b))]
        terms = pairs + terms[len(terms) & ~1:]
    return terms[0][1]


def _any_of(terms):
    """OR of ``terms``, as a tree."""
    while len(terms) > 1:
        terms = [terms[k] | terms[k + 1] if k + 1 < len(terms) else terms[k]
                 for k in range(0, len(terms), 2)]
    return terms[0]


class Lookup(wiring.Component):
    """Looks up each hit's column and queues every element's share of it.

    Of each element the pointers stand in two memories, those of even columns and of odd ones, so
    that a column's start and its end, which is the next one's start, are read in one cycle. What
    cannot be is told and counts as no entries: an end before the start or beyond the memory, more
    entries than an element has rows. So a queue never gets more than an element can walk.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    hit, hit_valid : ``In``             as of :class:`Scanner`
    o : ``Out(stream.Signature(column_layout(spec)))``, an array of ``pe``
    room : ``Out(1)``                   one hit more may be chosen
    busy : ``Out(1)``                   something is on its way to a queue, or in one
    error : ``Out(1)``
    load : ``In(LOAD)``, an array of ``pe``
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        super().__init__({
            "hit": In(hit_layout(spec)), "hit_valid": In(1),
            "o": Out(stream.Signature(column_layout(spec))).array(spec.pe),
            "room": Out(1, init=1), "busy": Out(1), "error": Out(1),
            "load": In(LOAD).array(spec.pe),
        })

    def elaborate(self, platform):
        m = Module()
        spec, hit = self._spec, self.hit
        here, following = (Signal(spec.column_bits, name=name, reset_less=True)
                           for name in ("here", "following"))
        m.d.sync += [here.eq(hit.column + hit.lane), following.eq(hit.column + hit.lane + 1)]
        way = [self.hit_valid]
        value = hit.value
        for k in range(HIT_CYCLES - 2):
            way.append(delay(m, way[-1], 1, name=f"way{k}"))
            later = Signal.like(value, name=f"value{k}", reset_less=True)
            m.d.sync += later.eq(value)
            value = later
        faults, busy, full = [], [Cat(way).any()], []
        for k in range(spec.pe):
            start, end = self._pointers(m, k, here, following)
            share, wrong = self._share(m, k, start, end, way[-2])
            queue = self._queue(m, k, share, value)
            faults.append(wrong)
            busy.append(queue.o.valid)
            full.append(self._level(m, k, queue) >= spec.queue_depth)
        m.d.sync += [self.room.eq(~Cat(full).any()), self.error.eq(Cat(faults).any())]
        m.d.comb += self.busy.eq(Cat(busy).any())
        return m

    def _pointers(self, m, k, here, following):
        """Where the column starts and ends in element ``k``, registered."""
        spec = self._spec
        is_odd, load = delay(m, here[0], 2, name=f"is_odd{k}"), self.load[k]
        writes = chosen(m, load, Kind.POINTERS, k)
        rows, ends = [], [Signal(spec.pointer_bits, name=f"{name}{k}") for name in ("start", "end")]
        for parity in range(2):
            bank = Ram(depth=-(-(1 << spec.column_bits) // 2), width=spec.pointer_bits)
            m.submodules[f"pointers{k}_{parity}"] = bank
            is_even_here = ~here[0] if parity == 0 else here[0]
            m.d.comb += [
                bank.address.eq(Mux(is_even_here, here[1:], following[1:])),
                bank.write.eq(writes & (load.address[0] == parity)),
                bank.write_address.eq(load.address[1:]), bank.write_data.eq(load.data)]
            rows.append(bank.data)
        m.d.comb += [ends[0].eq(Mux(is_odd, rows[1], rows[0])),
                     ends[1].eq(Mux(is_odd, rows[0], rows[1]))]
        return ends

    def _share(self, m, k, start, end, valid):
        """Where the column's entries are, if there are some, in two cycles; if they cannot be."""
        spec = self._spec
        count = Signal(spec.pointer_bits, name=f"count{k}", reset_less=True)
        begin = Signal(spec.address_bits, name=f"begin{k}", reset_less=True)
        some, below, beyond, refused = (Signal(name=f"{name}{k}") for name in (
            "some", "below", "beyond", "refused"))
        share = Signal(data.StructLayout({"start": begin.shape(), "count": spec.count_bits,
                                          "some": 1}), name=f"share{k}")
        m.d.sync += [count.eq(end - start), some.eq(start != end), begin.eq(start),
                     below.eq(end < start), beyond.eq(end > spec.entries)]
        too_many = Signal(name=f"too_many{k}")
        m.d.comb += too_many.eq(below | beyond | (count > spec.rows))
        m.d.sync += [share.start.eq(begin), share.count.eq(count),
                     share.some.eq(valid & some & ~too_many), refused.eq(valid & too_many)]
        return share, refused

    def _queue(self, m, k, share, value):
        spec = self._spec
        m.submodules[f"queue{k}"] = queue = StreamFIFO(column_layout(spec), depth=spec.queue_rows)
        m.d.comb += [queue.i.p.start.eq(share.start), queue.i.p.count.eq(share.count),
                     queue.i.p.value.eq(value), queue.i.valid.eq(share.some)]
        link_out(m, self.o[k], queue.o)
        return queue

    def _level(self, m, k, queue):
        level = Signal(range(self._spec.queue_rows + 1), name=f"level{k}")
        m.d.sync += level.eq(level + queue.i.valid - (queue.o.valid & queue.o.ready))
        return level
