"""Streams that fork and join: who reads whom, how far branches run ahead, and what queues hold."""

from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import convolution
from cases.residual import BRANCHES, dense_block, residual
from cases.targets import ECP5

from hwgen.ir import Add, Edge
from hwgen.numeric import Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.joints import joints_of
from hwgen.plan.lead import leads_of
from hwgen.plan.links import Link, chain_of
from hwgen.plan.stages import AddStage
from hwgen.plan.timetable import Timetable

U4 = Edge((6,), Fixed(4, 0, False), 0, 15)


def test_a_chain_is_links_from_each_stage_to_the_next():
    design = plan(convolution(shape=(8, 9, 2)), ECP5, interval_cycles=200)
    assert design.links == chain_of(design.stages)
    assert design.forks == ()
    assert leads_of(design.stages, design.links) == {}


def test_links_of_branches_by_name():
    design = plan(residual(skip="convolution"), ECP5, interval_cycles=300)
    names = [stage.name for stage in design.stages]
    assert names == ["stem_win", "stem", "conv1_win", "conv1", "conv2_win", "conv2", "skip", "sum",
                     "act", "pool", "fc", "class"]
    assert design.links == (
        (None, 0, 0), (0, 1, 0), (1, 2, 0), (2, 3, 0), (3, 4, 0), (4, 5, 0), (1, 6, 0), (5, 7, 0),
        (6, 7, 1), (7, 8, 0), (8, 9, 0), (9, 10, 0), (10, 11, 0))
    assert design.forks == (1,)
    entries = {entry["nodes"][0]: entry for entry in design.to_dict()["stages"]}
    assert entries["sum"]["reads"] == ["conv2", "skip"]
    assert len(entries["sum"]["queues"]) == 2
    assert (entries["stem_win"]["reads"], entries["skip"]["reads"]) == (["x"], ["stem"])


def test_the_lead_is_what_the_long_branch_takes_in_before_it_sends():
    """By hand: 6 pixels wide of 3 x 3 with padding 1, twice.

    To send pixel (y, x) the second convolution needs (y + 1, x + 1) of the first, which needs
    (y + 2, x + 2): 2 * 6 + 2 pixels more, when that one has passed the fork but not the queue.
    """
    design = plan(residual(shape=(5, 6, 2)), ECP5, interval_cycles=2000,
                  cores={name: {"pe": n} for name, n in (("stem", 3), ("conv2", 3))})
    [(long, none), (short, lead)] = leads_of(design.stages, design.links).items()
    assert (long.port, none) == (0, (0, 0))
    conversion = dict(zip(design.links, design.joints, strict=True))[short].conversion
    assert conversion.lanes_in == 3
    assert lead[0] == 2 * 6 + 2
    vectors = plan(dense_block(), ECP5, interval_cycles=200, cores={"first": {"pe": 2}})
    [_, lead] = leads_of(vectors.stages, vectors.links).values()
    assert lead[0] == 8 // 2 - 1        # the whole vector but the beat that the fork holds


@pytest.mark.parametrize("case", BRANCHES)
@pytest.mark.parametrize("interval", [40, 400])
def test_queues_hold_the_lead_and_all_that_waits_when_frames_come_steadily(case, interval):
    design = plan(BRANCHES[case](), ECP5, interval_cycles=interval) if interval > 40 else plan(
        BRANCHES[case](), replace(ECP5, dsps=1000))
    joints = dict(zip(design.links, design.joints, strict=True))
    for link, lead in leads_of(design.stages, design.links).items():
        assert joints[link].before >= lead[0] or joints[link].behind >= lead[1]
    for frames in (32, 64):
        times = Timetable(design.stages, frames, design.links)
        assert times.in_step
        for link, passage in times.passages.items():
            queues = passage.queues
            assert all(np.greater_equal((joints[link].before, joints[link].behind), queues))


def test_a_timetable_of_few_frames_does_not_count_what_more_frames_would_leave_waiting():
    """A vector every 8 cycles and 40 in one branch: five frames wait in the other."""
    design = plan(dense_block(), ECP5, interval_cycles=8)
    times = Timetable(design.stages, 4, design.links)
    assert times.frames_waiting > 4
    assert not times.in_step
    [link] = [link for link in design.links if link.port == 1]
    joints = dict(zip(design.links, design.joints, strict=True))
    assert joints[link].before > times.passages[link].queues[0]


def test_registers_of_a_queue_in_one_branch_are_made_up_for_in_the_other():
    """Conversions from many lanes to one: the long branch has a queue, and is two cycles late."""
    design = plan(residual(shape=(5, 6, 2)), ECP5, interval_cycles=130)
    times = Timetable(design.stages, 16, design.links)
    joints = dict(zip(design.links, joints_of(design.stages, design.links), strict=True))
    [skip] = [link for link in design.links if link.port == 1]
    late = sum(2 for link, joint in joints.items() if joint.before and skip.source < link.source
               and link.reader <= skip.reader) if skip.source is not None else 0
    assert late > 0
    passage = times.passages[skip]
    later = replace(passage, taken=[cycle + late - 2 for cycle in passage.taken],
                    needed=[cycle + late - 2 for cycle in passage.needed])
    assert joints[skip].before >= later.queues[0] >= passage.queues[0]


@pytest.mark.parametrize(("inputs", "latency"), [(2, 2), (3, 3), (4, 3), (5, 4)])
def test_an_add_takes_a_beat_of_each_input_when_the_last_has_come(inputs, latency):
    node = Add("sum", [f"x{k}" for k in range(inputs)], [0] * inputs)
    stage = AddStage(node, (U4,) * inputs, 3)
    assert (stage.interval_cycles, stage.in_lanes, stage.out_lanes) == (2, 3, 3)
    assert stage.out_edge == Edge((6,), Fixed((15 * inputs).bit_length(), 0, False), 0, 15 * inputs)
    arrivals = [[1, 9], *[[5, 6]] * (inputs - 1)]
    assert stage.flow(*arrivals).taken == [5, 9]
    assert stage.schedule(*arrivals) == [5 + latency, 9 + latency]
    assert stage.folding == {"lanes": 3}
    assert stage.estimate(ECP5).lut > replace(stage, lanes=1).estimate(ECP5).lut
    with refused(SpecError, "add core 'sum': lanes must divide n = 6, not 4; choose from"
                            " [1, 2, 3, 6]"):
        replace(stage, lanes=4)


def test_a_fork_and_the_second_queue_cost_cells():
    design = plan(dense_block(), ECP5, interval_cycles=200)
    parts = sum(stage.estimate(ECP5).lut for stage in design.stages)
    assert design.estimate.lut > parts + 60 + 5


def test_refuses_stages_that_stand_in_front_of_what_they_read():
    design = plan(dense_block(), ECP5, interval_cycles=200)
    first, second, third, total, *rest = design.stages
    names = ["first", "first_act", "second", "second_act", "third", "third_act", "sum", "act", "fc",
             "class"]
    with refused(SpecError, f"design 'case-branches': stages must compute the nodes {names} in"
                            f" order, not {[*names[:4], 'sum', *names[4:6], *names[7:]]}"):
        replace(design, stages=(first, second, total, third, *rest))


def test_refuses_a_stage_that_keeps_what_another_reads():
    plain = plan(residual(skip="convolution"), ECP5, interval_cycles=300)
    inside = replace(plain.network.node("sum"), inputs=("conv2_act", "skip"))
    nodes = [inside if node.name == "sum" else node for node in plain.network.nodes]
    network = replace(plain.network, nodes=nodes)
    with refused(SpecError, "design 'case-branches': stage 'sum' must read what leaves an earlier"
                            " stage, not 'skip'"):
        replace(plain, network=network)


def test_links_are_plain_tuples():
    assert Link(0, 1) == (0, 1, 0)
