"""A small core with the edges of a real one, and its golden model."""

import numpy as np
from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.link import LinkSpec

DIGEST = bytes(range(0x10, 0x18))
OUT_BYTES = 6


class StandIn(wiring.Component):
    """Gives the sum of a frame's bytes, the sum of its running sums after each beat, and a bit.

    Both sums are modulo 2**16; the last element, bit 0 of the first, stands for a class.
    ``work_cycles`` pass before the first output beat, and no input is taken until the last one is
    gone. With ``weights``, none is taken either before a set is whole, whose sum is added to the
    first one; a word is taken every third cycle.
    """

    def __init__(self, *, lanes=1, work_cycles=3, weights=False):
        self._lanes, self._work_cycles, self._weights = lanes, work_cycles, weights
        super().__init__({
            **({"s_axis_weights_tdata": In(32), "s_axis_weights_tvalid": In(1),
                "s_axis_weights_tready": Out(1), "s_axis_weights_tlast": In(1)} if weights else {}),
            "s_axis_tdata": In(8 * lanes), "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "m_axis_tdata": Out(16), "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
            "m_axis_tlast": Out(1), "frame_error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        total, running, beat = Signal(16), Signal(16), Signal(16)
        timer, index = Signal(range(self._work_cycles + 1)), Signal(2)
        start, admit = Signal(16), Signal(init=not self._weights)
        if self._weights:
            self._load(m, start, admit)
        m.d.comb += beat.eq(sum(self.s_axis_tdata.word_select(k, 8) for k in range(self._lanes)))
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.s_axis_tready.eq(admit)
                with m.If(self.s_axis_tvalid & admit):
                    m.d.sync += [total.eq(total + beat), running.eq(running + total + beat)]
                    with m.If(self.s_axis_tlast):
                        m.d.sync += timer.eq(self._work_cycles)
                        m.next = "WORK"
            with m.State("WORK"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += [self.m_axis_tvalid.eq(1), self.m_axis_tlast.eq(index == 2)]
                with m.Switch(index):
                    with m.Case(0):
                        m.d.comb += self.m_axis_tdata.eq(total + start)
                    with m.Case(1):
                        m.d.comb += self.m_axis_tdata.eq(running)
                    with m.Case(2):
                        m.d.comb += self.m_axis_tdata.eq(total[0])
                with m.If(self.m_axis_tready):
                    m.d.sync += index.eq(index + 1)
                    with m.If(self.m_axis_tlast):
                        m.d.sync += [index.eq(0), total.eq(0), running.eq(0)]
                        m.next = "TAKE"
        return m

    def _load(self, m, start, admit):
        """The sum of a set's words, modulo 2**16; nothing is admitted while it is not whole."""
        turn = Signal(range(3))
        m.d.sync += turn.eq(Mux(turn == 2, 0, turn + 1))
        m.d.comb += self.s_axis_weights_tready.eq(turn == 0)
        with m.If(self.s_axis_weights_tvalid & self.s_axis_weights_tready):
            m.d.sync += [admit.eq(self.s_axis_weights_tlast),
                         start.eq(Mux(admit, 0, start) + self.s_axis_weights_tdata)]


def golden(frame: bytes, *, lanes=1, weights=b"") -> bytes:
    """Output frame of :class:`StandIn` for one input frame, where ``weights`` are loaded."""
    beats = np.frombuffer(frame, np.uint8).astype(np.int64).reshape(-1, lanes).sum(axis=1)
    total, running = int(beats.sum()) % 65536, int(np.cumsum(beats).sum()) % 65536
    first = (total + int(np.frombuffer(weights, "<u4").astype(np.int64).sum())) % 65536
    return b"".join(value.to_bytes(2, "little") for value in (first, running, total & 1))


def spec(*, in_bytes=6, weight_words=0, clk_hz=4e6, baud=1_000_000, gap_s=200e-6, digest=DIGEST):
    """Sizes of a link to :class:`StandIn`; 4 cycles a bit unless told otherwise."""
    return LinkSpec(digest=digest, in_bytes=in_bytes, out_bytes=OUT_BYTES, clk_hz=clk_hz,
                    weight_words=weight_words, baud=baud, gap_s=gap_s)


def manifest(*, elements=6, lanes=1, digest=DIGEST) -> dict:
    """What an artefact of :class:`StandIn` would say, as far as the host reads it."""
    return {
        "name": "standin",
        "digest": digest.hex() + "00" * 24,
        "input": {"port": "s_axis", "lanes": lanes, "element_bytes": 1, "elements": elements,
                  "signed": False, "bits": 8, "min": 0, "max": 255, "bipolar": False},
        "output": {"port": "m_axis", "lanes": 1, "element_bytes": 2, "signed": False,
                   "bipolar": False,
                   "fields": [{"name": "scores", "node": "fc", "count": 2},
                              {"name": "class", "node": "argmax", "count": 1}]},
    }
