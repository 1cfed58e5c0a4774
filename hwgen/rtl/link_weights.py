"""Board link, weights: checked chunks of a set, from the line to the core."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.link_deframer import answer_layout
from hwgen.rtl.link_spec import Kind, LinkSpec

__all__ = ["AnswerTurns", "WeightFeeder"]


class WeightFeeder(wiring.Component):
    """Sends each chunk on to the core, if it is the one that is next, and answers in any case.

    A set is ``spec.chunks`` chunks, numbered from 0, each as ``spec.chunk_words`` words behind a
    word that is its number; what fills the last one up is left out. A chunk of another number
    changes nothing: one that is repeated because its answer was lost is not taken twice. So every
    set that reaches the core is whole. The answer says which chunk is next, and is given once the
    core has taken the words.

    Parameters
    ----------
    spec : :class:`LinkSpec`

    Members
    -------
    write, byte, offset : In     ``byte`` is byte ``offset`` of a chunk; only while ``free``
    commit : ``In(1)``           the chunk is complete, and its frame has the number ``seq``
    seq : ``In(8)``
    free : ``Out(1)``            a chunk can be taken
    tdata : ``Out(32)``; tvalid, tlast : ``Out(1)``; tready : ``In(1)``   the set, to the core
    following : ``Out(32)``      number of the chunk that is next; stays while ``o`` is valid
    o : ``Out(stream.Signature(answer_layout()))``
    """

    def __init__(self, spec: LinkSpec):
        self._spec = spec
        super().__init__({
            "write": In(1), "byte": In(8), "offset": In(range(spec.load_bytes)), "commit": In(1),
            "seq": In(8), "free": Out(1), "tdata": Out(32), "tvalid": Out(1), "tlast": Out(1),
            "tready": In(1), "following": Out(32), "o": Out(stream.Signature(answer_layout())),
        })

    def elaborate(self, platform):
        m = Module()
        spec, place = self._spec, Signal(range(self._spec.chunk_words + 2))
        read, number = self._words(m, place), Signal(range(max(2, spec.chunks)))
        sent, last, ends = Signal(range(max(2, spec.weight_words))), Signal(), Signal()
        m.d.comb += [
            self.tdata.eq(read), self.tlast.eq(last), self.following.eq(number),
            last.eq(sent == spec.weight_words - 1), ends.eq(last | (place == spec.chunk_words)),
            self.o.p.kind.eq(Kind.LOADED),
        ]
        with m.FSM(name="weights_state"):
            with m.State("IDLE"):
                m.d.comb += self.free.eq(1)
                with m.If(self.commit):
                    m.d.sync += self.o.p.seq.eq(self.seq)
                    m.next = "NUMBER"
            with m.State("NUMBER"):
                m.d.sync += place.eq(1)
                m.next = "ANSWER"
                with m.If(read == number):
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += self.tvalid.eq(1)
                with m.If(self.tready):
                    m.d.sync += [place.eq(place + 1), sent.eq(Mux(last, 0, sent + 1))]
                    m.next = "FETCH"
                    with m.If(ends):
                        m.d.sync += number.eq(Mux(last, 0, number + 1))
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += place.eq(0)
                    m.next = "IDLE"
        return m

    def _words(self, m, place):
        """The word at ``place`` of the cycle before; that at 0 is the number of the chunk."""
        m.submodules.ram = ram = memory.Memory(shape=32, depth=self._spec.chunk_words + 1, init=[])
        writer, reader = ram.write_port(), ram.read_port()
        before = Signal(24)
        with m.If(self.write):
            m.d.sync += before.eq(Cat(before, self.byte)[8:])
        m.d.comb += [
            writer.addr.eq(self.offset[2:]), writer.data.eq(Cat(before, self.byte)),
            writer.en.eq(self.write & self.offset[:2].all()), reader.addr.eq(place),
        ]
        return reader.data


class AnswerTurns(wiring.Component):
    """Two streams of answers as one, that of the weights first; one that is begun is kept.

    Members
    -------
    i, i_weights : ``In(stream.Signature(answer_layout()))``
    o : ``Out(stream.Signature(answer_layout()))``
    """

    def __init__(self):
        signature = stream.Signature(answer_layout())
        super().__init__({"i": In(signature), "i_weights": In(signature), "o": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        kept, last, choice = Signal(), Signal(), Signal()
        m.d.comb += choice.eq(Mux(kept, last, self.i_weights.valid))
        m.d.sync += [kept.eq(self.o.valid & ~self.o.ready), last.eq(choice)]
        for chosen, source in ((~choice, self.i), (choice, self.i_weights)):
            with m.If(chosen):
                m.d.comb += [self.o.payload.eq(source.payload), self.o.valid.eq(source.valid),
                             source.ready.eq(self.o.ready)]
        return m
