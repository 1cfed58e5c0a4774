"""A core behind a serial line: what a board runs, from its receive pin to its transmit pin."""

from amaranth import Module
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out

from hwgen.numeric.errors import SpecError
from hwgen.rtl.link_buffer import RequestBuffer
from hwgen.rtl.link_deframer import Deframer
from hwgen.rtl.link_framer import Framer
from hwgen.rtl.link_spec import LinkSpec
from hwgen.rtl.link_weights import AnswerTurns, WeightFeeder
from hwgen.rtl.stream import link
from hwgen.rtl.uart import UartRx, UartTx

__all__ = ["LinkShell", "LinkSpec"]


class LinkShell(wiring.Component):
    """Serves a core with AXI4-Stream edges over a UART.

    A request reaches the core only as a whole and with the right checksum. Up to
    ``spec.buffers`` requests may be unanswered: while one is computed and the one before it is
    sent back, the next arrives. Results come in the order of the requests; identity and errors
    may overtake them. A request beyond the limit is refused as ``BUSY``, so nothing is ever
    half-taken. Every frame carries the number of its request (``hwgen.host.framing`` has the
    format).

    Where the core loads its weights they come in chunks, one unanswered at a time: see
    :class:`~hwgen.rtl.link_weights.WeightFeeder`.

    The core must give exactly one output frame for each input frame.

    Parameters
    ----------
    core : :class:`amaranth.lib.wiring.Component`
        Has the members ``s_axis_tdata/tvalid/tready/tlast`` and ``m_axis_...``, and
        ``s_axis_weights_...`` where it loads its weights.
    spec : :class:`LinkSpec`

    Members
    -------
    rx : ``In(1)``       receive pin, idle high
    tx : ``Out(1)``      transmit pin, idle high

    Raises
    ------
    TypeError
        If ``spec`` is not a :class:`LinkSpec`, or ``core`` lacks a member.
    SpecError
        If a data port is not whole bytes, or a frame not whole beats; or if the core loads weights
        and ``spec.weight_words`` is 0.
    """

    def __init__(self, core: wiring.Component, spec: LinkSpec):
        if not isinstance(spec, LinkSpec):
            raise TypeError(f"spec must be a LinkSpec, not {spec!r}")
        self._core = core
        self._spec = spec
        self._in_beat_bytes = _beat_bytes(core, "s_axis_tdata")
        self._out_beat_bytes = _beat_bytes(core, "m_axis_tdata")
        spec.require_whole_beats("in_bytes", self._in_beat_bytes)
        spec.require_whole_beats("out_bytes", self._out_beat_bytes)
        if spec.weight_words:
            _beat_bytes(core, "s_axis_weights_tdata")
        elif "s_axis_weights_tdata" in core.signature.members:
            raise SpecError("link: weight_words must be at least 1, as the core loads weights, "
                            "not 0")
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1)})

    @property
    def spec(self) -> LinkSpec:
        """Sizes and rates of the link."""
        return self._spec

    def elaborate(self, platform):
        m = Module()
        spec, core = self._spec, self._core
        m.submodules.core = core
        m.submodules.buffer = buffer = RequestBuffer(spec, beat_bytes=self._in_beat_bytes)
        m.submodules.framer = framer = Framer(spec, beat_bytes=self._out_beat_bytes)
        m.submodules.rx = rx = UartRx(divisor=spec.divisor)
        m.submodules.tx = tx = UartTx(divisor=spec.divisor)
        m.submodules.deframer = deframer = Deframer(spec)
        # One entry for each request from its commit to the end of its result; that bounds the
        # requests in the buffer too.
        m.submodules.seqs = seqs = fifo.SyncFIFO(width=8, depth=spec.buffers)

        link(m, rx.o, deframer.i)
        if spec.weight_words:
            self._weights(m, deframer, framer)
        else:
            link(m, deframer.o, framer.i_answer)
        link(m, seqs.r_stream, framer.i_seq)
        link(m, framer.o, tx.i)
        m.d.comb += [
            rx.rx.eq(self.rx),
            self.tx.eq(tx.tx),
            deframer.i_error.eq(rx.error),
            deframer.free.eq(seqs.w_rdy),
            seqs.w_data.eq(deframer.seq),
            seqs.w_en.eq(deframer.commit),
            framer.pending.eq(seqs.level),
            buffer.write.eq(deframer.write),
            buffer.byte.eq(deframer.byte),
            buffer.offset.eq(deframer.offset),
            buffer.commit.eq(deframer.commit),
            core.s_axis_tdata.eq(buffer.o.p.data),
            core.s_axis_tlast.eq(buffer.o.p.last),
            core.s_axis_tvalid.eq(buffer.o.valid),
            buffer.o.ready.eq(core.s_axis_tready),
            framer.i.p.data.eq(core.m_axis_tdata),
            framer.i.p.last.eq(core.m_axis_tlast),
            framer.i.valid.eq(core.m_axis_tvalid),
            core.m_axis_tready.eq(framer.i.ready),
        ]
        return m

    def _weights(self, m, deframer, framer):
        """Chunks to the core's stream of weights, and both kinds of answers to the line."""
        core = self._core
        m.submodules.weights = weights = WeightFeeder(self._spec)
        m.submodules.answers = answers = AnswerTurns()
        link(m, deframer.o, answers.i)
        link(m, weights.o, answers.i_weights)
        link(m, answers.o, framer.i_answer)
        m.d.comb += [
            deframer.load_free.eq(weights.free),
            weights.write.eq(deframer.load_write),
            weights.byte.eq(deframer.byte),
            weights.offset.eq(deframer.offset),
            weights.commit.eq(deframer.load_commit),
            weights.seq.eq(deframer.seq),
            framer.following.eq(weights.following),
            core.s_axis_weights_tdata.eq(weights.tdata),
            core.s_axis_weights_tlast.eq(weights.tlast),
            core.s_axis_weights_tvalid.eq(weights.tvalid),
            weights.tready.eq(core.s_axis_weights_tready),
        ]


def _beat_bytes(core, name: str) -> int:
    """Return the bytes of the data port ``name`` of ``core``."""
    if name not in core.signature.members:
        raise TypeError(f"core must have the member {name!r}, not {core!r}")
    width = len(getattr(core, name))
    if width % 8 or not width:
        raise SpecError(f"core: {name} must be whole bytes, not {width!r} bits")
    return width // 8
