# amaranth: UnusedElaboratable=no
"""What joins the cores: converters, queues, thermometer, argmax; values, stalls and cycles."""

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Argmax, Edge, Thermometer
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.stages import ArgmaxStage, Conversion, ThermometerStage
from hwgen.rtl.argmax import ArgmaxCore
from hwgen.rtl.convert import Converter
from hwgen.rtl.fifo import FreeFIFO, RoomyFIFO, StreamFIFO
from hwgen.rtl.stream import beat_layout, link
from hwgen.rtl.thermometer import ThermometerCoder


@pytest.mark.parametrize(
    "lanes", [(1, 1), (1, 4), (4, 1), (2, 6), (6, 4), (10, 4), (3, 5)], ids=str)
def test_converter_keeps_order_at_full_rate(lanes):
    rng = np.random.default_rng(0)
    frames = rng.integers(-8, 8, (4, 60)).tolist()
    conversion = Conversion(*lanes)
    check_all_stalls(lambda: Converter(signed(4), conversion), frames, frames)
    lone = check_stream(Converter(signed(4), conversion), frames[:1], frames[:1])
    assert lone.out_cycles == conversion.schedule(lone.in_cycles)
    many = check_stream(Converter(signed(4), conversion), frames, frames)
    slower = max(60 // lanes[0], 60 // lanes[1])
    assert set(np.diff(many.out_cycles[::60 // lanes[1]])) == {slower}
    assert_flow(conversion, many)


class QueueOfBeats(wiring.Component):
    def __init__(self, kind, depth):
        layout = beat_layout(signed(5), 2)
        self._queue = kind(layout, depth=depth)
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform):
        from amaranth.hdl import Module

        from hwgen.rtl.stream import link_out

        m = Module()
        m.submodules.queue = self._queue
        link_out(m, self.i, self._queue.i)
        link_out(m, self.o, self._queue.o)
        return m


class Counted(QueueOfBeats):
    """A :class:`RoomyFIFO` behind a sender that counts the room, as :class:`ResultQueue` does."""

    def __init__(self, depth):
        self._depth = depth
        super().__init__(RoomyFIFO, depth)

    def elaborate(self, platform):
        from amaranth.hdl import Module, Signal

        from hwgen.rtl.stream import link_out

        m = Module()
        m.submodules.queue = queue = self._queue
        room = Signal(range(self._depth + 1), init=self._depth)
        link_out(m, self.o, queue.o)
        m.d.comb += [queue.i.payload.eq(self.i.payload), self.i.ready.eq(room != 0),
                     queue.i.valid.eq(self.i.valid & self.i.ready)]
        m.d.sync += room.eq(room - queue.i.valid + (self.o.valid & self.o.ready))
        return m


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("kind", [FreeFIFO, StreamFIFO])
def test_queue_keeps_signed_elements(kind, depth):
    frames = np.random.default_rng(1).integers(-16, 16, (4, 8)).tolist()
    check_all_stalls(lambda: QueueOfBeats(kind, depth), frames, frames)


@pytest.mark.parametrize("depth", [2, 5, 8])
def test_roomy_queue_keeps_what_a_sender_that_counts_puts_in(depth):
    """As many as there is room for, beside one that leaves; then they come in their order."""
    frames = np.random.default_rng(2).integers(-16, 16, (3, 2 * depth)).tolist()
    check_all_stalls(lambda: Counted(depth), frames, frames)


@pytest.mark.parametrize(("kind", "least"), [(FreeFIFO, 1), (StreamFIFO, 1), (RoomyFIFO, 2)])
def test_queue_refuses_no_depth(kind, least):
    with pytest.raises(SpecError, match=rf"^FIFO depth must be at least {least}, not {least - 1}$"):
        kind(unsigned(1), depth=least - 1)


def test_link_refuses_streams_of_the_same_width_and_another_sign():
    source, sink = StreamFIFO(signed(8), depth=1), StreamFIFO(unsigned(8), depth=1)
    with pytest.raises(SpecError, match=r"^linked streams must carry the same shape, not "
                                        r"signed\(8\) and unsigned\(8\)$"):
        link(None, source.o, sink.i)


@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_thermometer_equals_its_definition(lanes):
    node = Thermometer("code", ("x",), [1, 7, 8, 31])
    stage = ThermometerStage(node, Edge((8,), Fixed(5, 0, False), 0, 31), lanes)
    x = np.random.default_rng(2).integers(0, 32, (5, 8))
    x[0], x[1] = 0, 31
    expected = [[int(v >= level) for v in frame for level in node.levels] for frame in x]
    check_all_stalls(lambda: ThermometerCoder(stage), x.tolist(), expected)
    lone = check_stream(ThermometerCoder(stage), x[:1].tolist(), expected[:1])
    assert lone.out_cycles == stage.schedule(lone.in_cycles)


def ranked(frame, k):
    """Indices of the ``k`` largest, the lowest first of equal ones."""
    return sorted(range(len(frame)), key=lambda index: (-frame[index], index))[:k]


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 1), (10, 1), (2, 2), (10, 2), (10, 5), (7, 7)])
@pytest.mark.parametrize("bits", [1, 3, 12])
def test_argmax_sends_scores_and_the_lowest_index_of_the_largest(n, k, bits):
    fmt = Fixed(bits, 0, signed=bits != 3)
    stage = ArgmaxStage(Argmax("cls", ("x",), k), Edge((n,), fmt, fmt.min, fmt.max))
    x = np.random.default_rng(n).integers(fmt.min, fmt.max + 1, (10, n))
    x[0] = fmt.min      # all equal, and the smallest there is
    x[1].sort()         # every score enters at the top
    x[2, ::-1].sort()   # every score enters at the end
    expected = [[*map(int, frame), *ranked(frame.tolist(), k)] for frame in x]
    check_all_stalls(lambda: ArgmaxCore(stage), x.tolist(), expected)
    many = check_stream(ArgmaxCore(stage), x.tolist(), expected)
    assert set(np.diff(many.out_cycles[::n + k])) == {stage.interval_cycles}
    assert_flow(stage, many)
    lone = check_stream(ArgmaxCore(stage), x[:1].tolist(), expected[:1])
    assert lone.out_cycles == stage.schedule(lone.in_cycles)
    check_stream(ArgmaxCore(stage), x.tolist(), expected, reset_after=max(1, n // 2))


def test_joints_convert_to_rtlil():
    assert "cell" in convert(Converter(signed(4), Conversion(6, 4)))
    assert "cell" in convert(QueueOfBeats(StreamFIFO, 3))
    assert "cell" in convert(QueueOfBeats(FreeFIFO, 3))
    assert "cell" in convert(QueueOfBeats(RoomyFIFO, 3))
