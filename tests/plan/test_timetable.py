"""Who waits between two stages, worked out by hand; and the queues of whole designs."""

import numpy as np
import pytest
from cases.networks import convolution
from cases.targets import ECP5

from hwgen.plan import Joint, plan
from hwgen.plan.stages import Conversion
from hwgen.plan.timetable import Passage, Timetable

SAME, GATHER, SPLIT = Conversion(1, 1), Conversion(1, 2), Conversion(4, 2)


def passage(conversion, offered, taken, needed=None):
    return Passage(conversion, offered, taken, taken if needed is None else needed)


def test_nothing_waits_where_beats_are_taken_as_they_come():
    same = passage(SAME, [3, 9, 20], [3, 9, 20])
    assert (same.held, same.latest) == ([3, 9, 20], [3, 9, 20])
    assert (same.queues, same.bits(8)) == ((0, 0), 0)


def test_as_many_wait_as_come_before_the_first_is_taken():
    """Eight come one a cycle and are taken every tenth, with four cycles to spare.

    Four cycles after cycle 0 five are there; after cycle 10, seven of eight are left.
    """
    same = passage(SAME, list(range(8)), list(range(0, 80, 10)))
    assert (same.queues, same.bits(5)) == ((7, 0), 35)
    assert passage(SAME, [0, 1], [0, 2]).queues == (3, 0)


def test_a_beat_may_come_until_it_is_needed():
    """It has a place from 0 on, comes at 5, and is needed at 6."""
    late = passage(SAME, [5], [0], [6])
    assert (late.held, late.latest, late.queues) == ([5], [6], (0, 0))
    assert passage(SAME, [7], [0], [6]).held is None


def test_a_conversion_waits_with_the_beat_that_it_has():
    """The second of two wide beats is taken as the last part of the first one goes on."""
    split = passage(SPLIT, [0, 1], [1, 5, 9, 13])
    assert (split.held, split.latest, split.queues) == ([0, 5], [0, 8], (3, 0))
    gather = passage(GATHER, [0, 1, 2, 3], [5, 9])
    assert (gather.held, gather.latest) == ([0, 1, 5, 6], [3, 4, 7, 8])
    assert gather.queues[1] == 0


def test_beats_wait_behind_a_conversion_that_would_gather_too_late():
    """The second wide beat is wanted one cycle after the first: gathering takes two."""
    gather = passage(GATHER, [0, 1, 2, 3], [7, 8])
    assert (gather.held, gather.queues) == (None, (0, 3))
    both = passage(Conversion(2, 3), [0, 1, 2], [5, 9])
    assert (both.held, both.queues) == ([0, 1, 2], (0, 0))
    six = [0, 1, 2, 3, 4, 5]
    assert passage(Conversion(2, 3), six, [5, 6, 7, 8]).held == six
    assert passage(Conversion(2, 3), six, [4, 5, 6, 7]).held is None


@pytest.mark.parametrize("interval", [100, 150, 500])
def test_nothing_leaves_before_it_came_and_all_is_in_step(interval):
    stages = plan(convolution(shape=(8, 9, 2)), ECP5, interval_cycles=interval).stages
    times = Timetable(stages, 8)
    assert times.in_step
    for one in times.passages.values():
        assert (np.array(one.needed) >= one.taken).all()
        assert (np.diff(one.taken) > 0).all()
        assert (np.diff(one.offered) > 0).all()


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
