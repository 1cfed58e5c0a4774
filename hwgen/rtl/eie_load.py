"""The stream that fills the memories of the EIE engine: blocks of numbers, checked as they come."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..plan.engines.eie import EieSpec
from ..plan.engines.eie_stream import (
    ADDRESS_BITS,
    COUNT_BITS,
    MAGIC,
    WORD_BITS,
    Kind,
    blocks_of,
)
from .eie_huffman import Decoder
from .eie_memory import LOAD, wire_load

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Takes frames of blocks and writes their numbers; lets vectors in once a frame was sound.

    A block is two words, what it fills, then the first address and the count, and its numbers, as
    many in a word as fit, one a cycle. A frame is taken when no vector is under way, and none is
    let in meanwhile; behind it all accumulators (and references) become 0, which takes at least
    as long as the last number to the last element. An unsound one leaves the engine without
    weights until another.

    Parameters
    ----------
    spec : EieSpec

    Members
    -------
    i : ``In`` stream of words, with ``last``
    load : ``Out(LOAD)``
    idle : ``In(1)``            no vector is under way, or part of one
    admits : ``Out(1)``         a vector may begin
    loaded : ``Out(1)``         the last frame was sound
    begins : ``Out(1)``         a frame begins
    sweeps : ``Out(1)``; sweep_row : ``Out``    this row of all accumulators becomes 0
    error : ``Out(1)``          the frame is unsound: told in one cycle
    """

    def __init__(self, spec: EieSpec):
        self._spec = spec
        beat = data.StructLayout({"data": unsigned(WORD_BITS), "last": 1})
        super().__init__({
            "i": In(stream.Signature(beat)), "load": Out(LOAD), "idle": In(1), "admits": Out(1),
            "loaded": Out(1), "begins": Out(1), "sweeps": Out(1),
            "sweep_row": Out(spec.sweep_bits),
            "error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._take(m)
        self._kind, self._unit = Signal(4), Signal(8)
        self._address, self._count = Signal(ADDRESS_BITS), Signal(COUNT_BITS)   # to come, less 1
        self._left = Signal(range(WORD_BITS + 1))                   # numbers left in the word
        # What is asked of counters all the time is known a cycle before.
        self._steps, self._is_empty = Signal(), Signal(init=1)      # left: some; no more than now
        self._is_coded, self._is_plain = Signal(), Signal()         # left are bits; some, not bits
        self._is_final = Signal()                                   # count: none
        self._numbers(m)
        is_over, outside = self._too_large(m), self._outside(m)
        with m.FSM():
            with m.State("EMPTY"):
                m.d.comb += self.begins.eq(self._i.valid)
                with m.If(self._i.valid):
                    m.next = "KIND"
            self._block(m, outside)
            with m.State("DROP"):
                m.d.comb += self._i.ready.eq(1)
                with m.If(self._i.valid & self._i.p.last):
                    m.next = "EMPTY"
            with m.State("SWEEP"):
                m.d.comb += [self.sweeps.eq(1), self.error.eq(self.sweep_row.all() & is_over)]
                m.d.sync += self.sweep_row.eq(self.sweep_row + 1)
                with m.If(self.sweep_row.all()):
                    m.next = "READY"
                with m.If(self.error):
                    m.next = "EMPTY"
            with m.State("READY"):
                m.d.comb += self.loaded.eq(1)
                m.d.sync += self.admits.eq(~self._i.valid)
                with m.If(self._i.valid & self.idle & ~self.admits):
                    m.next = "EMPTY"
        return m

    def _take(self, m):
        """The words, a cycle later, with what is asked of a block's first one."""
        self._i = word = self.i.signature.flip().create(path=("word",))
        self._is_magic, self._is_nothing = Signal(), Signal()
        with m.If(word.ready | ~word.valid):
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += [word.valid.eq(self.i.valid), word.p.eq(self.i.p),
                         self._is_magic.eq(self.i.p.data[16:] == MAGIC),
                         self._is_nothing.eq(self.i.p.data[:4] == Kind.NOTHING)]

    def _block(self, m, outside):
        """States of a block: its two words, three cycles to check them, its numbers."""
        word, is_nothing = self._i.p, self._is_nothing
        with m.State("KIND"):
            m.d.sync += [self._kind.eq(word.data[:4]), self._unit.eq(word.data[8:16]),
                         self._address[COUNT_BITS:].eq(word.data[4:8])]
            self._header(m, ~self._is_magic | (word.last & ~is_nothing), "RANGE")
            with m.If(self._i.valid & self._is_magic & is_nothing):
                m.next = "KIND"
                with m.If(word.last):
                    m.next = "SWEEP"
        with m.State("RANGE"):
            self._header(m, word.last, "SUM")
            m.d.sync += [self._address[:COUNT_BITS].eq(word.data[:COUNT_BITS]),
                         self._count.eq(word.data[COUNT_BITS:]),
                         self._is_final.eq(word.data[COUNT_BITS:] == 0)]
        with m.State("SUM"):
            m.next = "COMPARE"
        with m.State("COMPARE"):
            m.next = "CHECK"
        with m.State("CHECK"):
            m.d.comb += self.error.eq(outside)
            m.next = "NUMBERS"
            with m.If(outside):
                m.next = "DROP"
        with m.State("NUMBERS"):
            self._follow(m)

    def _header(self, m, wrong, following):
        """Takes a word of a block's header; the rest of a frame with a wrong one is dropped."""
        m.d.comb += [self._i.ready.eq(1), self.error.eq(self._i.valid & wrong)]
        with m.If(self._i.valid):
            m.next = following
        with m.If(self.error):
            m.next = "DROP"
            with m.If(self._i.p.last):
                m.next = "EMPTY"

    def _too_large(self, m):
        """Whether a parameter of a layer was larger than there can be, in this frame."""
        limit, found, seen = Signal(WORD_BITS), Signal(), Signal()
        limits = self._spec.parameter_limits
        with m.Switch(self._unit):          # which is there long before the first number
            for unit, what in enumerate(self._spec.parameters):
                with m.Case(unit):
                    m.d.sync += limit.eq(limits.get(what, (1 << WORD_BITS) - 1))
        m.d.sync += found.eq(self.load.valid & (self.load.kind == Kind.LAYERS)
                             & (self.load.data > limit))
        with m.If(found):
            m.d.sync += seen.eq(1)
        with m.If(self.begins):
            m.d.sync += seen.eq(0)
        return seen | found

    def _outside(self, m):
        """Whether the block at hand is of no memory, or reaches beyond its end: 3 cycles late."""
        outside, last = Signal(), Signal(ADDRESS_BITS + 1)
        m.d.sync += last.eq(self._address + self._count)
        m.d.sync += outside.eq(1)
        with m.Switch(self._kind):
            for kind, block in blocks_of(self._spec).items():
                with m.Case(kind):
                    m.d.sync += outside.eq((self._unit >= block.units) | (last >= block.depth))
        return outside

    def _numbers(self, m):
        """A number a cycle out of the words; of a coded block a bit, and sometimes a number."""
        spec, load = self._spec, self.load
        self._emits, self._broken = Signal(), Signal()
        # The block's last number, a word is wanted: of meaning only while its numbers come.
        self._in_numbers, self._finishes, self._wants = Signal(), Signal(), Signal()
        self._word, self._fit = Signal(WORD_BITS), Signal.like(self._left)
        address, cut = self._address, Signal(WORD_BITS)
        with m.Switch(self._kind):
            for kind, block in blocks_of(spec).items():
                with m.Case(kind):
                    m.d.comb += [cut.eq(self._word >> block.width),
                                 self._fit.eq(WORD_BITS // block.width)]
        m.d.comb += self._emits.eq(self._is_plain)
        m.d.sync += [load.valid.eq(self._emits), load.kind.eq(self._kind),
                     load.unit.eq(self._unit), load.address.eq(address),
                     load.data.eq(self._word)]
        if spec.huffman:
            self._coded(m, address)
        m.d.comb += [self._finishes.eq(self._emits & self._is_final),
                     self._wants.eq(self._is_empty & ~self._finishes & ~self._broken)]
        with m.If(self._steps):
            m.d.sync += [self._word.eq(cut), self._left.eq(self._left - 1),
                         self._steps.eq(self._left != 1),
                         self._is_plain.eq((self._left != 1) & ~self._is_coded),
                         self._is_empty.eq(self._left <= Mux(self._is_coded, 1, 2))]
        with m.If(self._emits):
            m.d.sync += [address.eq(address + 1), self._count.eq(self._count - 1),
                         self._is_final.eq(self._count == 1)]
        with m.If(self._i.valid & self._i.ready):
            m.d.sync += self._word.eq(self._i.p.data)

    def _coded(self, m, address):
        """Numbers of a coded block come from its bits, each the cycle after its last bit.

        So a bit more may be taken behind the last number, and forgotten; a word is taken when the
        one before it is empty and it is known whether a number ended with it.
        """
        load, is_coded, came = self.load, self._is_coded, Signal()
        m.submodules.decoder = decoder = Decoder(self._spec)
        wire_load(m, load, decoder.load)
        m.d.sync += [is_coded.eq(self._kind == Kind.CODED), came.eq(decoder.done),
                     self._broken.eq(decoder.error)]
        m.d.comb += [
            decoder.bit.eq(self._word[0]), decoder.valid.eq(self._steps & is_coded),
            decoder.clear.eq(~self._in_numbers), self._emits.eq(self._is_plain | came),
        ]
        with m.If(is_coded):
            m.d.sync += [load.kind.eq(Kind.ENTRIES), load.data.eq(decoder.o)]

    def _follow(self, m):
        """The next word when the one at hand is used up, the next block when all numbers are."""
        finishes, wants, ended = self._finishes, self._wants, Signal()
        m.d.comb += [
            self._in_numbers.eq(1), self._i.ready.eq(wants & ~ended),
            self.error.eq(self._broken | (wants & ended)),
        ]
        with m.If(self._i.valid & self._i.ready):
            m.d.sync += [ended.eq(self._i.p.last), self._left.eq(self._fit), self._steps.eq(1),
                         self._is_plain.eq(~self._is_coded), self._is_empty.eq(self._fit == 1)]
        with m.If(finishes | self.error):
            m.d.sync += [ended.eq(0), self._left.eq(0), self._steps.eq(0),
                         self._is_plain.eq(0), self._is_empty.eq(1)]
        with m.If(finishes):
            m.next = "KIND"
            with m.If(ended):
                m.next = "SWEEP"
        with m.If(self.error):
            m.next = "DROP"
            with m.If(ended):
                m.next = "EMPTY"
