"""Weights that come by a stream of their own: memories that are filled, and what fills them.

One set is one frame of words for all memories in order, each of which takes the words that fill it
and lets the others pass to the next.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..plan.stages.loaded_memory import WORD_BITS, LoadedMemory
from .table import in_turn
from .tree import wrap_add

__all__ = ["LOAD", "LoadedInTurn", "LoadedRows", "WeightLoader", "link_loads"]

LOAD = wiring.Signature({"word": Out(WORD_BITS), "valid": Out(1), "clear": Out(1), "full": In(1)})
"""Words for a memory or a chain of them; ``clear`` begins anew, ``full`` says that it has all."""

FRAME_COUNT_BITS = 16
"""Of the count of frames under way; no more are let in than it can hold."""


def link_loads(m, load, sinks) -> None:
    """Each of ``sinks`` (components with a ``load``) gets the words that fill those before it."""
    valid = load.valid
    for sink in sinks:
        m.d.comb += [sink.load.word.eq(load.word), sink.load.clear.eq(load.clear),
                     sink.load.valid.eq(valid)]
        valid = valid & sink.load.full
    m.d.comb += load.full.eq(sinks[-1].load.full)


class LoadedRows(wiring.Component):
    """``data`` is row ``address`` of the cycle before, as it was last loaded; zeros before that.

    Every word of a row has a memory of its own, so none need be gathered. A row that is loaded
    in the cycle in which it is read gives anything.

    Parameters
    ----------
    spec : LoadedMemory

    Members
    -------
    address : ``In(range(max(2, rows)))``
    data : ``Out(row_bits)``
    load : ``In(LOAD)``
    """

    def __init__(self, spec: LoadedMemory):
        self._spec = spec
        super().__init__({"address": In(range(spec.depth)), "data": Out(spec.row_bits),
                          "load": In(LOAD)})

    def elaborate(self, platform):
        m = Module()
        spec = self._spec
        part, row = Signal(range(max(2, spec.row_words))), Signal(range(spec.depth))
        full, take = Signal(), Signal()
        m.d.comb += [self.load.full.eq(full), take.eq(self.load.valid & ~full)]
        with m.If(take):
            wrap_add(m, part, spec.row_words)
            with m.If(part == spec.row_words - 1):
                wrap_add(m, row, spec.rows)
                m.d.sync += full.eq(row == spec.rows - 1)
        with m.If(self.load.clear):
            m.d.sync += [part.eq(0), row.eq(0), full.eq(0)]
        # Yosys merges the register into the read port, and heeds `no_rw_check` only there.
        attrs = {"no_rw_check": 1} | ({"ram_style": "block"} if spec.in_blocks else {})
        data = []
        for k, bits in enumerate(spec.slice_bits):
            m.submodules[f"word{k}"] = words = memory.Memory(
                shape=unsigned(bits), depth=spec.depth, init=[], attrs=attrs)
            write, read = words.write_port(), words.read_port(domain="comb")
            data.append(Signal(bits, name=f"data{k}", reset_less=True))
            m.d.comb += [write.addr.eq(row), write.data.eq(self.load.word[:bits]),
                         write.en.eq(take & (part == k)), read.addr.eq(self.address)]
            m.d.sync += data[-1].eq(read.data)
        m.d.comb += self.data.eq(Cat(data))
        return m


class LoadedInTurn(wiring.Component):
    """:class:`hwgen.rtl.table.RowsInTurn` of rows that are loaded.

    Parameters
    ----------
    spec : LoadedMemory
    ahead : bool

    Members
    -------
    advance : ``In(1)``
    data : ``Out(row_bits)``
    load : ``In(LOAD)``
    """

    def __init__(self, spec: LoadedMemory, *, ahead: bool):
        self._spec, self._ahead = spec, ahead
        super().__init__({"advance": In(1), "data": Out(spec.row_bits), "load": In(LOAD)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.rows = rows = LoadedRows(self._spec)
        m.d.comb += self.data.eq(rows.data)
        link_loads(m, self.load, [rows])
        in_turn(m, rows, self.advance, self._spec.rows, ahead=self._ahead)
        return m


class WeightLoader(wiring.Component):
    """From AXI4-Stream: sets of ``words``, each between frames, and none but whole ones.

    From reset on no frame is let in until a set is complete. When the next set shows up, the frame
    that is coming in is let in to its end, then no more; once all frames under way have left, the
    set is taken, a word a cycle, and frames are let in again. A set of a wrong length (``tlast``
    too early, or missing) leaves the core as after reset, with ``error``: rows of it may be in the
    memories, so no frame is let in until a sound set has come.

    Parameters
    ----------
    words : int

    Members
    -------
    tdata : ``In(32)``; tvalid, tlast : ``In(1)``; tready : ``Out(1)``
    load : ``Out(LOAD)``        the words, a cycle later
    admit : ``Out(1)``          whether an input beat may pass
    taken, taken_last : ``In(1)``   an input beat passes in this cycle; it ends its frame
    left : ``In(1)``            the last beat of an output frame passes in this cycle
    loaded : ``Out(1)``         a whole set is there, and no other is being taken
    error : ``Out(1)``          the last set was of a wrong length; until a sound one, or reset
    """

    def __init__(self, words: int):
        self._words = words
        super().__init__({
            "tdata": In(WORD_BITS), "tvalid": In(1), "tready": Out(1), "tlast": In(1),
            "load": Out(LOAD), "admit": Out(1), "taken": In(1), "taken_last": In(1),
            "left": In(1), "loaded": Out(1), "error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        inside, is_empty, has_room = self._frames(m)
        count, at_end, take = Signal(range(max(2, self._words))), Signal(), Signal()
        refuse = Signal()
        m.d.comb += [at_end.eq(count == self._words - 1), take.eq(self.tvalid & self.tready)]
        m.d.sync += [self.load.valid.eq(0), self.load.word.eq(self.tdata), self.load.clear.eq(0)]
        with m.FSM():
            with m.State("LOAD"):
                m.d.comb += self.tready.eq(1)
                with m.If(take):
                    m.d.sync += [self.load.valid.eq(1), count.eq(Mux(at_end, 0, count + 1))]
                with m.If(take & self.tlast & at_end):
                    m.d.sync += self.error.eq(0)
                    m.next = "READY"
                m.d.comb += refuse.eq(take & (self.tlast != at_end))
                with m.If(refuse & ~self.tlast):
                    m.next = "DROP"
            with m.State("DROP"):
                m.d.comb += self.tready.eq(1)
                with m.If(take & self.tlast):
                    m.next = "LOAD"
            with m.State("READY"):
                m.d.comb += [self.loaded.eq(1), self.admit.eq(inside | has_room)]
                with m.If(self.tvalid):
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.comb += [self.loaded.eq(1), self.admit.eq(inside)]
                with m.If(~inside & is_empty):
                    m.d.sync += self.load.clear.eq(1)
                    m.next = "LOAD"
        with m.If(refuse):
            m.d.sync += [self.error.eq(1), self.load.clear.eq(1), count.eq(0)]
        return m

    def _frames(self, m):
        """Whether a frame is coming in, none is under way, and one more can be counted."""
        inside, under_way = Signal(), Signal(FRAME_COUNT_BITS)
        with m.If(self.taken):
            m.d.sync += inside.eq(~self.taken_last)
        m.d.sync += under_way.eq(under_way + (self.taken & ~inside) - self.left)
        return inside, under_way == 0, ~under_way.all()
