"""Board link, receiving half: bytes of the line to checked requests."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from hwgen.rtl.link_spec import SYNC, ErrorCode, Kind, LinkSpec

__all__ = ["CRC", "Deframer", "answer_layout"]

CRC = catalog.CRC16_X25


def answer_layout() -> data.StructLayout:
    """Return the layout of an answer that needs no core: its kind, number and error code."""
    return data.StructLayout({"kind": 8, "seq": 8, "code": 8})


class State(enum.Enum, shape=4):
    """The byte that a frame goes on with."""

    HUNT = 0
    SEQ = 1
    KIND = 2
    LENGTH_LOW = 3
    LENGTH_HIGH = 4
    PAYLOAD = 5
    CRC_LOW = 6
    CRC_HIGH = 7
    CHECK = 8


class _Grammar(wiring.Component):
    """Says, without any state of its own, whether a frame goes on well and with what.

    Members
    -------
    state, byte, synced : In
        Where the frame is, the byte that is next, whether it completes a pair of sync bytes.
    infer, load, last, match, take : In
        Whether the frame is an ``INFER``, a ``LOAD``, this is its last byte of payload, its
        checksum is right, and there is room for it.
    ok, code, following : Out
        Whether all is well there, the error if not, the state after it if so.
    """

    def __init__(self, spec: LinkSpec):
        self._spec = spec
        super().__init__({
            "state": In(State), "byte": In(8), "synced": In(1),
            "infer": In(1), "load": In(1), "last": In(1), "match": In(1), "take": In(1),
            "ok": Out(1), "code": Out(8), "following": Out(State),
        })

    def elaborate(self, platform):
        m = Module()
        spec, held = self._spec, self.infer         # frames with a payload, which is to be kept
        low, high = spec.in_bytes.to_bytes(2, "little")
        low, high = Mux(self.infer, low, 0), Mux(self.infer, high, 0)
        known = (self.byte == Kind.INFER) | (self.byte == Kind.IDENTIFY)
        if spec.weight_words:
            bytes_of_load = spec.load_bytes.to_bytes(2, "little")
            low, high = (Mux(self.load, byte, other)
                         for byte, other in zip(bytes_of_load, (low, high), strict=True))
            held, known = held | self.load, known | (self.byte == Kind.LOAD)

        def rule(state, following, ok=1, code=0):
            with m.Case(state):
                m.d.comb += [self.following.eq(following), self.ok.eq(ok), self.code.eq(code)]

        with m.Switch(self.state):
            rule(State.HUNT, State.SEQ, self.synced)
            rule(State.SEQ, State.KIND)
            rule(State.KIND, State.LENGTH_LOW, known, ErrorCode.BAD_KIND)
            rule(State.LENGTH_LOW, State.LENGTH_HIGH, self.byte == low, ErrorCode.BAD_LENGTH)
            rule(State.LENGTH_HIGH, Mux(held, State.PAYLOAD, State.CRC_LOW), self.byte == high,
                 ErrorCode.BAD_LENGTH)
            rule(State.PAYLOAD, Mux(self.last, State.CRC_LOW, State.PAYLOAD))
            rule(State.CRC_LOW, State.CRC_HIGH)
            rule(State.CRC_HIGH, State.CHECK)
            rule(State.CHECK, State.HUNT, self.match & (self.take | ~held),
                 Mux(self.match, ErrorCode.BUSY, ErrorCode.BAD_CRC))
        return m


class Deframer(wiring.Component):
    """Finds request frames in a stream of bytes.

    The last two bytes are compared with the sync bytes all the time, so a header that turns out
    wrong gives its bytes back to the search. Payload bytes are handed out as they come, and
    ``commit`` follows only if the checksum was right; without it they count for nothing. A frame
    is given up after ``gap_cycles`` of silence or a byte that the receiver dropped.

    One answer can wait; whatever would cause another meanwhile goes unanswered, so that garbage
    does not fill the line with errors.

    Parameters
    ----------
    spec : :class:`LinkSpec`

    Members
    -------
    i : ``In(stream.Signature(8))``      bytes of the line
    i_error : ``In(1)``                  a byte was dropped just now
    free : ``In(1)``                     one more request can be taken
    write : ``Out(1)``                   ``byte`` is byte ``offset`` of a request's payload
    byte : ``Out(8)``
    offset : ``Out(range(in_bytes))``    of the longer of both payloads, where weights are loaded
    load_free, load_write, load_commit   the same of chunks of weights
    commit : ``Out(1)``                  the payload written is request ``seq``, and whole
    seq : ``Out(8)``
    o : ``Out(stream.Signature(answer_layout()))``  answers: identity and errors

    Raises
    ------
    TypeError
        If ``spec`` is not a :class:`LinkSpec`.
    """

    def __init__(self, spec: LinkSpec):
        if not isinstance(spec, LinkSpec):
            raise TypeError(f"spec must be a LinkSpec, not {spec!r}")
        self._spec = spec
        super().__init__({
            "i": In(stream.Signature(8)),
            "i_error": In(1),
            "free": In(1),
            "write": Out(1),
            "byte": Out(8),
            "offset": Out(range(max(2, spec.in_bytes, spec.load_bytes * bool(spec.weight_words)))),
            "commit": Out(1),
            **({"load_free": In(1), "load_write": Out(1), "load_commit": Out(1)}
               if spec.weight_words else {}),
            "seq": Out(8),
            "o": Out(stream.Signature(answer_layout())),
        })

    @property
    def spec(self) -> LinkSpec:
        """Sizes and rates of the link."""
        return self._spec

    def elaborate(self, platform):
        m = Module()
        state = Signal(State)
        step = Signal()
        check = Signal()
        cut = Signal()
        infer = Signal()                  # the frame is a request to the core, else to identify
        load = Signal()                   # or it is a chunk of weights
        take = Signal()                   # there was room for it when it began

        m.submodules.grammar = grammar = _Grammar(self._spec)
        m.submodules.crc = crc = CRC().create()
        synced = self._watch_line(m, cut)
        m.d.comb += [
            check.eq(state == State.CHECK),
            step.eq((self.i.valid & self.i.ready) | check),
            self.i.ready.eq(~check),
            grammar.state.eq(state),
            grammar.byte.eq(self.i.payload),
            grammar.synced.eq(synced),
            grammar.infer.eq(infer),
            grammar.load.eq(load),
            grammar.take.eq(take),
            grammar.last.eq(self.offset == self._last(load)),
            grammar.match.eq(crc.match_detected),
            crc.data.eq(self.i.payload),
            crc.valid.eq(self.i.valid & self.i.ready),
            crc.start.eq(state == State.SEQ),
            self.byte.eq(self.i.payload),
            self.write.eq(step & (state == State.PAYLOAD) & take & ~load),
        ]
        m.d.sync += self.commit.eq(check & grammar.ok & infer)
        free = self.free
        if self._spec.weight_words:
            free = Mux(load, self.load_free, self.free)
            m.d.comb += self.load_write.eq(step & (state == State.PAYLOAD) & take & load)
            m.d.sync += self.load_commit.eq(check & grammar.ok & load)
        with m.If(step):
            m.d.sync += state.eq(Mux(grammar.ok, grammar.following,
                                     Mux(synced, State.SEQ, State.HUNT)))
            with m.Switch(state):
                with m.Case(State.SEQ):
                    m.d.sync += self.seq.eq(self.i.payload)
                with m.Case(State.KIND):
                    m.d.sync += infer.eq(self.i.payload == Kind.INFER)
                    if self._spec.weight_words:
                        m.d.sync += load.eq(self.i.payload == Kind.LOAD)
                with m.Case(State.LENGTH_HIGH):
                    m.d.sync += [take.eq(free), self.offset.eq(0)]
                with m.Case(State.PAYLOAD):
                    m.d.sync += self.offset.eq(self.offset + 1)
        with m.Elif(cut):
            m.d.sync += state.eq(State.HUNT)

        identified = check & grammar.ok & ~infer & ~load
        refused = (step & ~grammar.ok | ~step & cut) & (state != State.HUNT)
        self._answer(m, identified | refused,
                     kind=Mux(identified, Kind.IDENTITY, Kind.ERROR),
                     code=Mux(step, grammar.code, ErrorCode.CUT))
        return m

    def _last(self, load):
        """Offset of the last byte of the payload."""
        spec = self._spec
        if not spec.weight_words:
            return spec.in_bytes - 1
        return Mux(load, spec.load_bytes - 1, spec.in_bytes - 1)

    def _watch_line(self, m, cut):
        """Drive ``cut``; return the signal that says that the byte on ``i`` ends a sync pair."""
        previous = Signal(8)
        synced = Signal()
        silent_cycles = Signal(range(self._spec.gap_cycles + 1))
        m.d.comb += [
            synced.eq(self.i.valid & (previous == SYNC[0]) & (self.i.payload == SYNC[1])),
            cut.eq(self.i_error | (silent_cycles == self._spec.gap_cycles)),
        ]
        m.d.sync += silent_cycles.eq(silent_cycles + 1)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [previous.eq(self.i.payload), silent_cycles.eq(0)]
        with m.If(cut):
            m.d.sync += previous.eq(0)
        return synced

    def _answer(self, m, fire, *, kind, code):
        """Put an answer on ``o`` when ``fire`` was high, unless one waits there.

        A register in between keeps the grammar off the path to ``o``, the longest of the shell;
        ``seq`` cannot have changed a cycle later.
        """
        fired = Signal()
        answer = Signal(answer_layout())
        m.d.sync += [fired.eq(fire), answer.kind.eq(kind), answer.code.eq(code)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(fired & (~self.o.valid | self.o.ready)):
            m.d.sync += [self.o.valid.eq(1), self.o.p.kind.eq(answer.kind),
                         self.o.p.code.eq(answer.code), self.o.p.seq.eq(self.seq)]
