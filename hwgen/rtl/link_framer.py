"""Board link, sending half: results and answers to bytes of the line."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.link_deframer import CRC, answer_layout
from hwgen.rtl.link_spec import IDENTITY_BYTES, SYNC, Kind, LinkSpec

__all__ = ["Framer"]

_HEADER_BYTES = 6


class Framer(wiring.Component):
    """Sends one frame after another: waiting answers first, else the core's next result.

    The number of the oldest unanswered request is on ``i_seq`` and is taken with the last byte
    of its result.

    Parameters
    ----------
    spec : :class:`LinkSpec`
    beat_bytes : int
        Bytes of a beat of the core's output; must divide ``spec.out_bytes``.

    Members
    -------
    i : ``In(stream.Signature({"data": 8 * beat_bytes, "last": 1}))``  results of the core
    i_seq : ``In(stream.Signature(8))``                      numbers of the requests, in order
    i_answer : ``In(stream.Signature(answer_layout()))``     answers that need no core
    pending : ``In(8)``                                      requests without result, to report
    following : ``In(32)``       where weights are loaded: the chunk that is next, to report
    o : ``Out(stream.Signature(8))``                         bytes of the line

    Raises
    ------
    SpecError
        If ``beat_bytes`` does not divide ``spec.out_bytes``.
    """

    def __init__(self, spec: LinkSpec, *, beat_bytes: int):
        spec.require_whole_beats("out_bytes", beat_bytes)
        self._spec = spec
        self._beat_bytes = beat_bytes
        layout = data.StructLayout({"data": 8 * beat_bytes, "last": 1})
        super().__init__({
            "i": In(stream.Signature(layout)),
            "i_seq": In(stream.Signature(8)),
            "i_answer": In(stream.Signature(answer_layout())),
            "pending": In(8),
            **({"following": In(32)} if spec.weight_words else {}),
            "o": Out(stream.Signature(8)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC().create()
        answering = Signal()              # an answer is being sent, else a result
        index = Signal(range(max(_HEADER_BYTES, IDENTITY_BYTES, self._spec.out_bytes)))
        in_beat = Signal(range(self._beat_bytes))
        beat_ends = in_beat == self._beat_bytes - 1
        sent = Signal()
        m.d.comb += [sent.eq(self.o.valid & self.o.ready), crc.data.eq(self.o.payload)]
        with m.If(sent):
            m.d.sync += [index.eq(index + 1), in_beat.eq(Mux(beat_ends, 0, in_beat + 1))]

        size = self._size(m, answering)
        header = self._header(m, answering, index, size)
        payload = self._payload(m, answering, index, in_beat)
        with m.FSM(name="framer_state"):
            with m.State("IDLE"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += [index.eq(0), answering.eq(self.i_answer.valid)]
                with m.If(self.i_answer.valid | (self.i.valid & self.i_seq.valid)):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(header)]
                m.d.comb += crc.valid.eq(sent & (index >= len(SYNC)))
                with m.If(sent & (index == _HEADER_BYTES - 1)):
                    m.d.sync += [index.eq(0), in_beat.eq(0)]
                    m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                m.d.comb += [self.o.valid.eq(answering | self.i.valid), self.o.payload.eq(payload)]
                m.d.comb += [
                    crc.valid.eq(sent),
                    self.i.ready.eq(self.o.ready & ~answering & beat_ends),
                ]
                with m.If(sent & (index == size - 1)):
                    m.next = "CRC_LOW"
            with m.State("CRC_LOW"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(crc.crc[:8])]
                with m.If(sent):
                    m.next = "CRC_HIGH"
            with m.State("CRC_HIGH"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(crc.crc[8:])]
                m.d.comb += [
                    self.i_answer.ready.eq(self.o.ready & answering),
                    self.i_seq.ready.eq(self.o.ready & ~answering),
                ]
                with m.If(sent):
                    m.next = "IDLE"
        return m

    def _size(self, m, answering):
        """Return the bytes of the payload."""
        size = Signal(16)
        with m.If(~answering):
            m.d.comb += size.eq(self._spec.out_bytes)
        with m.Elif(self.i_answer.p.kind == Kind.IDENTITY):
            m.d.comb += size.eq(IDENTITY_BYTES)
        with m.Else():
            m.d.comb += size.eq(1)
        if self._spec.weight_words:
            with m.If(answering & (self.i_answer.p.kind == Kind.LOADED)):
                m.d.comb += size.eq(len(self.following) // 8)
        return size

    def _header(self, m, answering, index, size):
        """Return byte ``index`` of the header."""
        seq = Mux(answering, self.i_answer.p.seq, self.i_seq.payload)
        kind = Mux(answering, self.i_answer.p.kind, Kind.RESULT)
        return _pick(m, index, [*SYNC, seq, kind, size[:8], size[8:]])

    def _payload(self, m, answering, index, in_beat):
        """Return byte ``index`` of the payload, which is byte ``in_beat`` of a beat."""
        identity = _pick(m, index, self._spec.identity(self.pending))
        payload = Signal(8)
        with m.If(~answering):
            m.d.comb += payload.eq(self.i.p.data.word_select(in_beat, 8))
        with m.Elif(self.i_answer.p.kind == Kind.IDENTITY):
            m.d.comb += payload.eq(identity)
        with m.Else():
            m.d.comb += payload.eq(self.i_answer.p.code)
        if self._spec.weight_words:
            with m.If(answering & (self.i_answer.p.kind == Kind.LOADED)):
                m.d.comb += payload.eq(self.following.word_select(index[:2], 8))
        return payload


def _pick(m, index, values):
    """Return a new signal that is byte ``index`` of ``values``."""
    picked = Signal(8)
    with m.Switch(index):
        for at, value in enumerate(values):
            with m.Case(at):
                m.d.comb += picked.eq(value)
    return picked
