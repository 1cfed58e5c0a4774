"""Who waits between two stages, worked out by hand; and the queues of whole designs."""

import numpy as np
import pytest
from cases.networks import convolution
from cases.targets import ECP5

from hwgen.plan import Joint, plan
from hwgen.plan.stages import Conversion
from hwgen.plan.timetable import Passage, Timetable

SAME, GATHER, SPLIT = Conversion(1, 1), Conversion(1, 2), Conversion(4, 2)


def test_nothing_waits_where_beats_are_taken_as_they_come():
    passage = Passage(SAME, [3, 9, 20], [3, 9, 20])
    assert (passage.converted, passage.queues, passage.bits(8)) == ([3, 9, 20], (0, 0), 0)


def test_as_many_wait_as_come_before_the_first_is_taken():
    """Eight come one a cycle and are taken every tenth, with four cycles to spare.

    Four cycles after cycle 0 five are there; after cycle 10, seven of eight are left.
    """
    passage = Passage(SAME, list(range(8)), list(range(0, 80, 10)))
    assert passage.queues == (7, 0)
    assert Passage(SAME, [0, 1], [0, 2]).queues == (3, 0)
    assert passage.bits(5) == 35


def test_a_conversion_waits_with_the_beat_that_it_has():
    """The second of two wide beats is taken as the last part of the first one goes on."""
    passage = Passage(SPLIT, [0, 1], [1, 5, 9, 13])
    assert passage.converted == [0, 5]
    assert passage.queues == (3, 0)
    passage = Passage(GATHER, [0, 1, 2, 3], [5, 9])
    assert passage.converted == [0, 1, 5, 6]
    assert passage.queues[1] == 0


def test_beats_wait_behind_a_conversion_that_would_gather_too_late():
    """The second wide beat is wanted one cycle after the first: gathering takes two."""
    passage = Passage(GATHER, [0, 1, 2, 3], [7, 8])
    assert passage.converted == [0, 1, 2, 3]
    assert passage.queues == (0, 3)


@pytest.mark.parametrize("interval", [100, 150, 500])
def test_nothing_leaves_before_it_came_and_all_is_in_step(interval):
    stages = plan(convolution(shape=(8, 9, 2)), ECP5, interval_cycles=interval).stages
    times = Timetable(stages, 8)
    assert times.in_step
    for passage in times.passages:
        assert (np.array(passage.converted) >= passage.offered).all()
        assert (np.diff(passage.taken) > 0).all()


class Boaster:
    """A stage that says it takes a cycle less than it does."""

    def __init__(self, stage):
        self._stage, self.interval_cycles = stage, stage.interval_cycles - 1

    def __getattr__(self, name):
        return getattr(self._stage, name)


def test_stages_slower_than_they_say_are_never_in_step():
    stages = plan(convolution(shape=(8, 9, 2)), ECP5, interval_cycles=150).stages
    for frames in (4, 64):
        assert not Timetable([Boaster(stage) for stage in stages], frames).in_step


def test_queues_stand_in_the_design_and_its_manifest():
    design = plan(convolution(shape=(8, 9, 2)), ECP5, interval_cycles=100)
    windows, joint = design.stages[0], design.joints[1]
    assert windows.core == "window_wide"
    assert joint == Joint(joint.conversion, joint.before)
    assert joint.before >= 3
    assert design.to_dict()["stages"][1]["queues"] == [joint.before, 0]
    bare = Joint(joint.conversion)
    assert joint.schedule([0, 5])[0] == bare.schedule([0, 5])[0] + 2
    edge = design.stages[1].in_edge
    assert joint.estimate(ECP5, edge).lut > bare.estimate(ECP5, edge).lut
