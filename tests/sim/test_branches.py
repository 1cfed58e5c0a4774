# amaranth: UnusedElaboratable=no
"""Where streams fork and join: each part, whole designs, and queues that are too shallow."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from cases.residual import BRANCHES, dense_block, residual
from cases.targets import ECP5
from sim.harness import check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams, frames_of

from hwgen.ir import Add, Edge, MatVec
from hwgen.numeric import Fixed
from hwgen.plan import Joint, plan
from hwgen.plan.lead import leads_of
from hwgen.plan.stages import AddStage, Conversion, divisors
from hwgen.rtl.add import AddCore
from hwgen.rtl.fork import Fork
from hwgen.rtl.joint import JointCore
from hwgen.rtl.pipeline import Pipeline
from hwgen.rtl.stream import beat_signature, link, link_out

LARGE = replace(ECP5, dsps=10_000)


class ForkAndAdd(wiring.Component):
    """One stream to each input of a core, through queues of such depths (0 is a wire)."""

    def __init__(self, stage, depths):
        self._stage, self._depths, lanes = stage, depths, stage.lanes
        self._shape = signed(5)
        self._core = AddCore(stage)
        super().__init__({"i": In(beat_signature(self._shape, lanes)),
                          "o": Out(self._core.o.signature.flip().flip())})

    def elaborate(self, platform):
        m = Module()
        lanes = self._stage.lanes
        m.submodules.core = core = self._core
        m.submodules.fork = fork = Fork(self._shape, lanes=lanes, readers=len(self._depths))
        link_out(m, self.i, fork.i)
        for k, (o, i, depth) in enumerate(zip(fork.outputs, core.inputs, self._depths,
                                              strict=True)):
            if not depth:
                link(m, o, i)
                continue
            m.submodules[f"queue{k}"] = queue = JointCore(
                self._shape, Joint(Conversion(lanes, lanes), depth))
            link(m, o, queue.i)
            link(m, queue.o, i)
        link_out(m, self.o, core.o)
        return m


@pytest.mark.parametrize(("shifts", "depths"), [
    ((0, 0), (0, 0)), ((0, 0), (3, 0)), ((3, 0), (0, 5)), ((1, 0, 2), (3, 0, 4)),
    ((0, 0, 0, 0), (0, 0, 0, 0)), ((0, 1, 0, 2, 0), (0, 3, 3, 0, 0))], ids=str)
@pytest.mark.parametrize("lanes", [1, 3])
def test_a_value_added_to_itself_on_several_ways(shifts, depths, lanes):
    edges = tuple(Edge((6,), Fixed(5, -shift), -16, 15) for shift in shifts)
    stage = AddStage(Add("sum", [f"x{k}" for k in shifts], shifts), edges, lanes)
    rng = np.random.default_rng(len(shifts))
    x = rng.integers(-16, 16, (5, 6))
    x[0], x[1] = -16, 15
    expected = (x * sum(1 << shift for shift in shifts)).tolist()
    assert stage.out_edge.lo == min(expected[0])
    check_all_stalls(lambda: ForkAndAdd(stage, depths), x.tolist(), expected)
    if not any(depths):
        timing = check_stream(ForkAndAdd(stage, depths), x.tolist(), expected)
        first = timing.in_cycles[0]
        flow = stage.flow(*[list(range(first, first + len(timing.in_cycles)))] * len(shifts))
        assert (timing.in_cycles, timing.out_cycles) == (flow.taken, flow.departures)


def test_every_reader_of_a_fork_gets_each_beat_once_whatever_the_others_do():
    """Queues of unlike depth before an add whose results wait: readers take at unlike times."""
    stage = AddStage(Add("sum", ("a", "b", "c"), (0, 4, 8)),
                     tuple(Edge((4,), Fixed(5, -k), -16, 15) for k in (0, 4, 8)), 1)
    x = np.random.default_rng(3).integers(-16, 16, (20, 4))
    for hold in (0, 50):
        check_stream(ForkAndAdd(stage, (3, 0, 9)), x.tolist(), (x * 273).tolist(), hold=hold,
                     i_stall=bool(hold), o_stall=True, seed=hold)


@pytest.mark.parametrize("case", BRANCHES)
def test_branches_equal_golden_under_all_stalls_and_keep_their_cycles(case):
    network = BRANCHES[case]()
    design = plan(network, LARGE, interval_cycles=8 if case == "dense" else 100)
    frames, expected = frames_of(network, 4)
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames[:3], expected[:3])
    many = check_stream(AsStreams(Pipeline(design)), frames * 3, expected * 3)
    assert many.out_cycles[0] - many.in_cycles[0] == design.latency_cycles
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[5:])) == {design.interval_cycles}


def test_a_slow_stage_behind_the_join_does_not_hold_up_a_lone_frame():
    """As slow as five frames of the branches: queues for such frames alone would fill up."""
    network = residual(shape=(7, 8, 1), stem=False, scores=20)
    wide = {node.name: {"pe": node.weights.shape[0], "simd": node.weights.shape[1]}
            for node in network.nodes if isinstance(node, MatVec)}
    design = plan(network, LARGE, interval_cycles=300, cores=wide | {"fc": {"pe": 1, "simd": 1}})
    assert design.bottleneck == "fc"
    assert design.interval_cycles == 20 * 12
    frames, expected = frames_of(network, 1)
    lone = check_stream(AsStreams(Pipeline(design)), frames, expected, settle=8)
    assert lone.out_cycles[0] - lone.in_cycles[0] == design.latency_cycles


def drawn(seed):
    """A network whose streams fork, with foldings that are drawn, so that branches are unlike."""
    rng = np.random.default_rng(seed)
    network = dense_block(seed=seed) if seed % 2 else residual(
        seed=seed, shape=(4, 5, int(rng.integers(1, 3))), stem=False,
        skip=str(rng.choice(["plain", "convolution", "both"])), scores=int(rng.integers(2, 12)))
    cores = {node.name: {what: int(rng.choice(divisors(n)[-3:])) for what, n in
                         zip(("pe", "simd"), node.weights.shape, strict=True)}
             for node in network.nodes if isinstance(node, MatVec)}
    return plan(network, LARGE, interval_cycles=2000, cores=cores)


@pytest.mark.parametrize(("seed", "is_exact"), [
    (1, True), (5, True), (9, True), (0, False), (2, False)])
def test_the_latency_of_a_lone_frame_is_what_is_proved(seed, is_exact):
    design = drawn(seed)
    frames, expected = frames_of(design.network, 1)
    lone = check_stream(AsStreams(Pipeline(design)), frames, expected, settle=8)
    latency = lone.out_cycles[0] - lone.in_cycles[0]
    assert design.latency_is_exact == is_exact
    assert latency == design.latency_cycles if is_exact else latency >= design.latency_cycles


def test_no_latency_is_proved_where_beats_would_wait_in_front_of_the_fork():
    design = drawn(9)
    [number] = [number for number, one in enumerate(design.links) if one.port == 1]
    assert design.joints[number].before == 8
    assert skipping(design, 3).latency_is_exact
    assert not skipping(design, 0).latency_is_exact


@pytest.mark.parametrize("case", ["dense", "plain"])
def test_a_sink_that_waits_long_loses_nothing(case):
    design = plan(BRANCHES[case](), LARGE, interval_cycles=100)
    frames, expected = frames_of(design.network, 3)
    check_stream(AsStreams(Pipeline(design)), frames * 2, expected * 2, hold=700)


def skipping(design, depth):
    """The design with a queue of ``depth`` on its skip connection."""
    [skip] = [number for number, one in enumerate(design.links) if one.port == 1]
    joints = list(design.joints)
    joints[skip] = replace(joints[skip], before=depth)
    changed = replace(design)
    changed.__dict__["joints"] = tuple(joints)      # instead of those of the timetable
    return changed


def test_a_queue_of_the_lead_never_hangs_and_a_shallower_one_does():
    network = residual(shape=(4, 6, 1), stem=False)
    design = plan(network, LARGE, interval_cycles=100)
    [_, (lead, _)] = leads_of(design.stages, design.links).values()
    frames, expected = frames_of(network, 3)
    check_all_stalls(lambda: AsStreams(Pipeline(skipping(design, lead))), frames, expected)
    # What the units hold beyond what they must makes up for a few beats, but not for more.
    with pytest.raises(AssertionError, match=r"0 of 12 beats after 900 cycles"):
        check_stream(AsStreams(Pipeline(skipping(design, lead - 6))), frames, expected, limit=900)


def test_a_queue_shallower_than_the_timetable_s_makes_frames_slower():
    network = dense_block()
    design = plan(network, LARGE, interval_cycles=8)
    [skip] = [joint for one, joint in zip(design.links, design.joints, strict=True) if one.port]
    frames, expected = frames_of(network, 6)
    for less in (0, 4):
        timing = check_stream(AsStreams(Pipeline(skipping(design, skip.before - less))),
                              frames * 3, expected * 3)
        firsts = timing.out_cycles[::len(expected[0])]
        slowest = np.diff(firsts[6:]).max()
        assert slowest > 8 if less else slowest == 8


def test_forks_convert_to_rtlil():
    text = convert(Pipeline(plan(dense_block(), LARGE, interval_cycles=40)))
    assert "fork_stage_first" in text
    assert "lanes1_stage_sum" in text
