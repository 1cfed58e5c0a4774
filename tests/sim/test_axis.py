# amaranth: UnusedElaboratable=no
"""The AXI4-Stream edges: frames of any length, every padding, stalls and resets."""

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module, Shape, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from sim.harness import beats, check_all_stalls, check_stream, convert

from hwgen.rtl.axis import AxisSink, AxisSource, element_bytes
from hwgen.rtl.stream import beat_signature


class Edge(wiring.Component):
    """`AxisSink` and, with ``back``, `AxisSource` behind it, as streams of padded elements."""

    def __init__(self, shape, *, lanes, beats, back=False):
        self._shape, self._lanes, self._beats = Shape.cast(shape), lanes, beats
        self._back = back
        self._padded = Shape(8 * element_bytes(self._shape.width), self._shape.signed)
        super().__init__({
            "i": In(beat_signature(self._padded, lanes)),
            "o": Out(beat_signature(self._padded if back else self._shape, lanes)),
            "frame_error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.sink = sink = AxisSink(self._shape, lanes=self._lanes, beats=self._beats)
        m.d.comb += [
            sink.tdata.eq(self.i.p.data.as_value()), sink.tvalid.eq(self.i.valid),
            sink.tlast.eq(self.i.p.last), self.i.ready.eq(sink.tready),
            self.frame_error.eq(sink.frame_error),
        ]
        if not self._back:
            wiring.connect(m, wiring.flipped(self.o), sink.o)
            return m
        m.submodules.source = source = AxisSource(self._shape, lanes=self._lanes)
        wiring.connect(m, sink.o, source.i)
        m.d.comb += [
            self.o.p.data.as_value().eq(source.tdata), self.o.p.last.eq(source.tlast),
            self.o.valid.eq(source.tvalid), source.tready.eq(self.o.ready),
        ]
        return m


SHAPES = [unsigned(1), unsigned(5), unsigned(8), signed(1), signed(5), signed(8), signed(9),
          unsigned(16), signed(17)]


def drawn(rng, shape, sizes):
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    frames = [rng.integers(low, low + (1 << shape.width), size) for size in sizes]
    frames[0][:], frames[-1][:] = low, low + (1 << shape.width) - 1
    return [frame.tolist() for frame in frames]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_elements_pass_both_edges_as_they_are(rng, shape):
    frames = drawn(rng, shape, [6] * 5)
    check_all_stalls(lambda: Edge(shape, lanes=2, beats=3, back=True), frames, frames)
    dut = Edge(shape, lanes=2, beats=3, back=True)
    assert not check_stream(dut, frames, frames, watch=dut.frame_error).watched


@pytest.mark.parametrize(("size", "lanes"), [(1, 1), (2, 1), (3, 1), (1, 3), (4, 2)])
def test_frames_of_any_length_give_one_frame_each(rng, size, lanes):
    """``size`` beats are right; the others are filled up with zeros, or cut."""
    shape = signed(5)
    lengths = [*rng.integers(1, 3 * size + 3, 30), size]
    sent = drawn(rng, shape, [length * lanes for length in lengths])
    whole = size * lanes
    expected = [(frame + [0] * whole)[:whole] for frame in sent]
    check_all_stalls(lambda: Edge(shape, lanes=lanes, beats=size), sent, expected)


@pytest.mark.parametrize("lengths", [(3, 3, 3), (3, 1, 3), (3, 4, 3), (3, 3, 2), (2, 3, 3),
                                     (3, 3, 9)], ids=str)
@pytest.mark.parametrize("stalls", [False, True])
def test_a_wrong_length_is_told_and_a_right_one_is_not(rng, lengths, stalls):
    frames = drawn(rng, unsigned(8), lengths)
    expected = [(frame + [0] * 3)[:3] for frame in frames]
    dut = Edge(unsigned(8), lanes=1, beats=3)
    timing = check_stream(dut, frames, expected, i_stall=stalls, o_stall=stalls,
                          watch=dut.frame_error)
    assert timing.watched == (set(lengths) != {3})


@pytest.mark.parametrize(("shape", "outside", "cut"), [
    (unsigned(5), 32, 0), (unsigned(5), 255, 31), (signed(5), 16, -16), (signed(5), -17, 15),
    (signed(9), 256, -256), (unsigned(9), 512, 0)], ids=str)
@pytest.mark.parametrize("place", [0, 1])
def test_an_element_outside_its_format_is_told_and_cut(shape, outside, cut, place):
    sent, expected = [[1, 2, 3, 4] for _ in range(3)], [[1, 2, 3, 4] for _ in range(3)]
    sent[1][place], expected[1][place] = outside, cut
    dut = Edge(shape, lanes=2, beats=2)
    assert check_stream(dut, sent, expected, watch=dut.frame_error).watched


@pytest.mark.parametrize("first", [1, 2, 3, 7], ids=lambda n: f"first of {n} beats")
@pytest.mark.parametrize("beats_before", [1, 2, 3, 5, 7])
def test_reset_while_a_frame_passes_is_filled_or_dropped(rng, first, beats_before):
    frames = drawn(rng, signed(5), [first, 3, 3, 2, 5, 3])
    expected = [(frame + [0] * 3)[:3] for frame in frames]
    check_stream(Edge(signed(5), lanes=1, beats=3), frames, expected, reset_after=beats_before)


def test_the_error_stays_until_reset():
    dut = Edge(unsigned(8), lanes=1, beats=3)
    seen = []

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        for last in (1, 0, 0, 1):       # a frame of one beat, then a sound one
            ctx.set(dut.i.p.last, last)
            await ctx.tick().until(dut.i.ready)
            seen.append(ctx.get(dut.frame_error))
        ctx.set(dut.i.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for _ in range(9):
            await ctx.tick()
            seen.append(ctx.get(dut.frame_error))

    top = Module()
    top.domains.sync = domain = ClockDomain()
    top.submodules.dut, reset = dut, domain.rst
    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == [1, 1, 1, 1, *[0] * 9]


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_frame_may_follow_the_other_without_a_gap(rng, lanes):
    frames = drawn(rng, signed(6), [4 * lanes] * 6)
    timing = check_stream(Edge(signed(6), lanes=lanes, beats=4, back=True), frames, frames)
    assert set(np.diff(timing.in_cycles)) == set(np.diff(timing.out_cycles)) == {1}
    assert timing.out_cycles[0] - timing.in_cycles[0] == 2
    assert len(timing.out_cycles) == len(beats(frames[0], lanes)) * 6


def test_edges_convert_to_rtlil():
    for shape in SHAPES:
        assert "cell" in convert(Edge(shape, lanes=2, beats=3, back=True))
