# amaranth: UnusedElaboratable=no
"""Whole designs in the simulator: AXI4-Stream in, AXI4-Stream out, against golden."""

import numpy as np
import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from cases.networks import NETWORKS, inputs
from cases.targets import ECP5
from sim.harness import check_all_stalls, check_stream, convert

from hwgen import golden
from hwgen.ir import MatVec
from hwgen.plan import plan
from hwgen.rtl.axis import AxisSink, element_bytes
from hwgen.rtl.pipeline import Pipeline
from hwgen.rtl.stream import beat_signature, element_shape

CASES = [name for name in NETWORKS if name not in ("binary-no-code", "binary-ones")]


class AsStreams(wiring.Component):
    """A pipeline's AXI4-Stream edges as streams of padded elements, for the harness."""

    def __init__(self, pipeline):
        self._pipeline = pipeline
        stages = pipeline.design.stages
        self._in = element_shape(stages[0].in_edge)
        self._out = element_shape(stages[-1].out_edge)
        super().__init__({
            "i": In(beat_signature(self._in, pipeline.design.in_lanes)),
            "o": Out(beat_signature(self._out, pipeline.design.out_lanes)),
            "frame_error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._pipeline
        for k, element in enumerate(self.i.p.data):
            width = 8 * element_bytes(self._in.width)
            m.d.comb += core.s_axis_tdata[k * width:(k + 1) * width].eq(element)
        for k, element in enumerate(self.o.p.data):
            width = 8 * element_bytes(self._out.width)
            m.d.comb += element.eq(core.m_axis_tdata[k * width:(k + 1) * width])
        m.d.comb += [
            core.s_axis_tvalid.eq(self.i.valid), core.s_axis_tlast.eq(self.i.p.last),
            self.i.ready.eq(core.s_axis_tready), self.o.valid.eq(core.m_axis_tvalid),
            self.o.p.last.eq(core.m_axis_tlast), core.m_axis_tready.eq(self.o.ready),
            self.frame_error.eq(core.frame_error),
        ]
        return m


def frames_of(network, count):
    x = inputs(network, count)
    edges = golden.run(network, x)
    expected = np.concatenate([edges[name] for name in network.outputs], axis=1)
    return x.reshape(count, -1).tolist(), expected.tolist()


def widest(network):
    """Every output of every matrix at once."""
    return {node.name: {"pe": node.weights.shape[0]} for node in network.nodes
            if isinstance(node, MatVec)}


@pytest.mark.parametrize("folding", ["widest", "narrow", "default"])
@pytest.mark.parametrize("case", CASES)
def test_pipeline_equals_golden_under_all_stalls(case, folding):
    network = NETWORKS[case]()
    design = plan(network, ECP5, interval_cycles=None if folding == "default" else 200,
                  cores=widest(network) if folding == "widest" else None)
    frames, expected = frames_of(network, 7)
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames, expected)


@pytest.mark.parametrize("case", ["binary", "fixed", "sparse"])
def test_latency_and_interval_are_the_design_s(case):
    network = NETWORKS[case]()
    design = plan(network, ECP5, interval_cycles=40)
    x = np.full((8, *network.input.shape), network.input.format.max)
    expected = np.concatenate([golden.run(network, x)[n] for n in network.outputs], axis=1)
    lone = check_stream(AsStreams(Pipeline(design)), x[:1].tolist(), expected[:1].tolist(),
                        settle=64)
    assert lone.out_cycles[0] - lone.in_cycles[0] == design.latency_cycles
    many = check_stream(AsStreams(Pipeline(design)), x.tolist(), expected.tolist())
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[3:])) == {design.interval_cycles}


@pytest.mark.parametrize("beats", [1, 5, 13])
def test_reset_in_mid_frame(beats):
    network = NETWORKS["binary"]()
    design = plan(network, ECP5, interval_cycles=20)
    frames, expected = frames_of(network, 4)
    check_stream(AsStreams(Pipeline(design)), frames, expected, reset_after=beats)


class SinkOnly(wiring.Component):
    """`AxisSink` for frames of 4 beats of 5-bit elements."""

    def __init__(self):
        super().__init__({"i": In(beat_signature(unsigned(8), 1)),
                          "o": Out(beat_signature(unsigned(5), 1)), "error": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.sink = sink = AxisSink(unsigned(5), lanes=1, beats=4)
        m.d.comb += [
            sink.tdata.eq(self.i.p.data[0]), sink.tvalid.eq(self.i.valid),
            sink.tlast.eq(self.i.p.last), self.i.ready.eq(sink.tready),
            self.o.payload.eq(sink.o.payload), self.o.valid.eq(sink.o.valid),
            sink.o.ready.eq(self.o.ready), self.error.eq(sink.frame_error),
        ]
        return m


@pytest.mark.parametrize(("frames", "expected", "error"), [
    ([[1, 2, 3, 4], [5, 6, 7, 8]], [[1, 2, 3, 4], [5, 6, 7, 8]], False),
    ([[1, 2], [5, 6, 7, 8]], [[1, 2, 0, 0], [5, 6, 7, 8]], True),
    ([[1], [5, 6, 7, 8]], [[1, 0, 0, 0], [5, 6, 7, 8]], True),
    ([[1, 2, 3, 4, 9], [5, 6, 7, 8]], [[1, 2, 3, 4], [5, 6, 7, 8]], True),
    ([[1, 2, 3, 4] + [9] * 7, [5, 6, 7, 8]], [[1, 2, 3, 4], [5, 6, 7, 8]], True),
    ([[1, 2, 3, 33], [5, 6, 7, 8]], [[1, 2, 3, 1], [5, 6, 7, 8]], True),
], ids=["right", "short", "one beat", "long", "very long", "outside the format"])
def test_wrong_frames_give_one_frame_each_and_set_the_error(frames, expected, error):
    for stall in (False, True):
        timing = check_stream(dut := SinkOnly(), frames, expected, i_stall=stall, o_stall=stall,
                              watch=dut.error)
        assert timing.watched == error


def test_pipeline_converts_to_rtlil():
    design = plan(NETWORKS["binary"](), ECP5, interval_cycles=20)
    assert "stage_fc1" in convert(Pipeline(design))
