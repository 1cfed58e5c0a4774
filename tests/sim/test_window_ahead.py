# amaranth: UnusedElaboratable=no
"""Windows over padding while the next frame begins: values under all stalls, and every cycle.

A case is that of :mod:`sim.test_window` and the pixels that can be taken ahead at full rate.
"""

import random
from dataclasses import replace

import pytest
from sim.harness import check_stream
from sim.test_window import CASES, NONE, check, component, drawn_case, frames_of, map_stage

from hwgen.plan.stages import window_of

SAME, TWO = (1, 1, 1, 1), (2, 2, 2, 2)
PADDED = [
    (((8, 8, 1), (3, 3), (1, 1), (1, 1), SAME), 9),
    (((7, 9, 1), (3, 3), (1, 1), (2, 2), TWO), 20),                 # dilation
    (((6, 6, 2), (5, 5), (1, 1), (1, 1), TWO), 14),
    (((7, 6, 1), (3, 3), (2, 2), (1, 1), SAME), 6),                 # strides
    (((6, 5, 1), (3, 2), (1, 1), (1, 1), (0, 2, 1, 0)), 10),        # at the bottom alone
    (((4, 6, 1), (2, 3), (1, 1), (1, 1), (1, 0, 0, 2)), 2),         # at the right, the last row's
    (((3, 4, 1), (3, 3), (1, 1), (1, 1), (1, 2, 1, 2)), 5),         # more windows than pixels
    (((5, 1, 2), (3, 3), (1, 1), (1, 1), SAME), 1),                 # a column, in two steps a row
    (((1, 1, 2), (3, 3), (1, 1), (1, 1), SAME), 1),
    (((1, 2, 1), (5, 5), (1, 1), (1, 1), TWO), 2),                  # all of the next frame
    (((2, 3, 1), (5, 5), (1, 1), (1, 1), TWO), 5),                  # as many rows as the map
    (((4, 4, 1), (3, 3), (1, 1), (1, 1), (2, 2, 1, 1)), 1),         # more windows in a column
]


def at(case, wanted):
    return replace(map_stage(case, None), wanted=wanted)


def paces(case):
    """Stages at full rate, as slow as one that takes a frame by itself less a step, and between."""
    stage = at(case, 1)
    alone, least = stage.alone_cycles, stage.interval_cycles
    return [at(case, wanted) for wanted in sorted({least, (least + alone) // 2, alone - 1})
            if least <= wanted < alone]


@pytest.mark.parametrize(("case", "ahead"), PADDED, ids=str)
def test_windows_and_their_cycles(case, ahead):
    full = at(case, 1)
    assert full.ahead == ahead
    for stage in paces(case):
        assert stage.rows
        assert stage.interval_cycles == stage.wanted
        check(stage)


@pytest.mark.parametrize("seed", range(200, 212))
def test_drawn_windows_and_their_cycles(seed):
    stages = []
    while not stages:
        case = drawn_case(seed)
        stages, seed = paces(case), seed + 1000
    check(random.Random(seed).choice(stages), seed)


def test_a_frame_takes_as_many_cycles_as_the_larger_map_has_pixels():
    for case, _ in PADDED[:3]:
        (h, w, _), stage = case[0], at(case, 1)
        assert stage.out_map == (h, w)
        assert stage.interval_cycles == h * w
    larger = at(((4, 4, 1), (3, 3), (1, 1), (1, 1), TWO), 1)
    assert larger.out_map == (6, 6)
    assert larger.interval_cycles == 36


@pytest.mark.parametrize("number", [0, 1, 4, 7])
def test_a_frame_needs_no_pixel_of_the_next(number):
    """However many of it have come: the last windows leave, and none too many."""
    stage = at(PADDED[number][0], 1)
    frames, expected = frames_of(stage, 3)
    lanes = stage.in_lanes
    for pixels in {0, 1, stage.ahead - 1, stage.ahead}:
        begun = [*frames[:2], *([frames[2][:pixels * lanes]] if pixels else [])]
        check_stream(component(stage), begun, expected[:2])
        check_stream(component(stage), begun, expected[:2], i_stall=True, o_stall=True, seed=pixels)


def test_where_nothing_is_padded_or_time_is_left_nothing_is_taken_ahead():
    for case in CASES:
        stage = at(case, 1)
        assert stage.rows == 0 or any(case[4])
        slow = at(case, stage.alone_cycles)
        assert (slow.rows, slow.pause, slow.ahead, slow.queue_depth) == (0, 0, 0, 0)
    assert at(((8, 8, 2), (3, 3), (1, 1), (1, 1), NONE), 1).queue_depth == 0


def test_the_queue_stands_where_the_interval_asks_for_it():
    stage = map_stage(PADDED[0][0], None)
    for wanted, interval, depth in ((1, 64, 10), (64, 64, 10), (70, 70, 10), (72, 72, 3),
                                    (73, 73, 0), (100, 73, 0)):
        found = window_of(stage.window, stage.x, wanted)
        assert (found.core, found.interval_cycles, found.queue_depth) == (
            "window_wide", interval, depth)


@pytest.mark.parametrize("beats", [1, 40, 68, 70, 100])
def test_reset_leaves_nothing_behind(beats):
    stage = at(PADDED[0][0], 66)
    assert stage.pause == 2
    frames, expected = frames_of(stage, 3)
    check_stream(component(stage), frames, expected, reset_after=beats)
