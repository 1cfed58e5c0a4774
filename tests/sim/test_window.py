# amaranth: UnusedElaboratable=no
"""Sliding windows against plain loops: values under all stalls, latency and interval to the cycle.

A case is (h, w, c), kernel, stride, dilation, padding; each runs with every width of beats.
"""

import random
import re

import numpy as np
import pytest
from cases.errors import refused
from golden.slow import sliding_window
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Edge, SlidingWindow
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan.stages import SerialWindowStage, WideWindowStage, divisors, window_of
from hwgen.rtl.window import SerialWindow
from hwgen.rtl.window_wide import WideWindow

NONE = (0, 0, 0, 0)
CASES = [
    ((4, 5, 2), (3, 3), (1, 1), (1, 1), NONE),
    ((4, 5, 4), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),      # as large as the map
    ((5, 4, 1), (2, 3), (1, 1), (1, 1), (1, 0, 0, 2)),
    ((6, 7, 1), (3, 3), (2, 2), (1, 1), (1, 1, 1, 1)),
    ((6, 7, 2), (2, 2), (2, 2), (1, 1), NONE),              # windows side by side, a column over
    ((7, 6, 1), (1, 1), (3, 2), (1, 1), NONE),              # most of the map is skipped
    ((5, 5, 3), (1, 1), (1, 1), (1, 1), NONE),
    ((3, 3, 2), (3, 3), (1, 1), (1, 1), NONE),              # a single window
    ((3, 3, 1), (3, 3), (1, 1), (1, 1), (2, 2, 2, 2)),      # more windows than elements
    ((1, 1, 2), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    ((1, 6, 1), (1, 3), (1, 1), (1, 1), (0, 0, 2, 1)),
    ((6, 1, 2), (3, 1), (1, 1), (1, 1), (2, 1, 0, 0)),
    ((6, 6, 1), (2, 2), (1, 1), (3, 2), (2, 1, 1, 2)),
    ((7, 5, 2), (3, 2), (3, 1), (2, 3), (1, 2, 3, 0)),
    ((2, 1, 1), (2, 3), (1, 1), (1, 1), (0, 0, 0, 2)),      # the first window ends beyond the map
    ((9, 5, 2), (2, 1), (1, 1), (1, 1), (1, 1, 0, 0)),      # padding long after the frame's first
    ((17, 3, 1), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
]


def map_stage(case, lanes, fmt=Fixed(3), pad_value=-2):
    shape, kernel, stride, dilation, padding = case
    node = SlidingWindow("w", ("x",), kernel, stride, dilation, padding, pad_value)
    edge = Edge(shape, fmt, fmt.min, fmt.max)
    assert node.faults(edge) == []
    if lanes is None:
        return WideWindowStage(node, edge)
    return SerialWindowStage(node, edge, lanes)


def component(stage):
    return WideWindow(stage) if stage.core == "window_wide" else SerialWindow(stage)


def frames_of(stage, count, seed=0):
    rng = np.random.default_rng(seed)
    frames = rng.integers(stage.x.lo, stage.x.hi + 1, (count, stage.x.size)).tolist()
    return frames, [sliding_window(stage.window, frame, stage.x.shape) for frame in frames]


def widths(case):
    """Every width of a beat, and None for a window a cycle."""
    return [*divisors(case[0][2]), None]


def check(stage, seed=0):
    frames, expected = frames_of(stage, 3, seed)
    check_all_stalls(lambda: component(stage), frames, expected)
    frames, expected = frames_of(stage, 7, seed)
    many = check_stream(component(stage), frames, expected)
    lasts = many.out_cycles[len(expected[0]) // stage.out_lanes - 1::
                            len(expected[0]) // stage.out_lanes]
    assert set(np.diff(lasts[3:])) == {stage.interval_cycles}
    assert_flow(stage, many)
    lone = check_stream(component(stage), frames[:1], expected[:1], settle=3)
    assert lone.out_cycles == stage.schedule(lone.in_cycles)
    slow = check_stream(component(stage), frames[:1], expected[:1], i_stall=True, seed=seed)
    assert slow.out_cycles == stage.schedule(slow.in_cycles)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_windows_and_their_cycles(case):
    for lanes in widths(case):
        check(map_stage(case, lanes))


def drawn_case(seed):
    draw = random.Random(seed)
    kernel, stride, dilation = ((draw.randint(1, 3), draw.randint(1, 3)) for _ in range(3))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [draw.randint(0, extent[side // 2] - 1) for side in range(4)]
    sizes = [max(1, e - sum(padding[2 * k:2 * k + 2])) + draw.randint(0, 4)
             for k, e in enumerate(extent)]
    return (*sizes, draw.choice([1, 2, 3, 4])), kernel, stride, dilation, tuple(padding)


@pytest.mark.parametrize("seed", range(24))
def test_drawn_windows_and_their_cycles(seed):
    case = drawn_case(seed)
    check(map_stage(case, random.Random(seed).choice(widths(case))), seed)


def test_a_bipolar_map_is_padded_with_the_sign_that_is_stated():
    for lanes in (1, 2, None):
        for value in (-1, 1):
            stage = map_stage(CASES[1], lanes, Bipolar(), value)
            assert stage.pad_code == (value + 1) // 2
            rng = np.random.default_rng(1)
            values = rng.choice([-1, 1], (2, stage.x.size)).tolist()
            windows = [sliding_window(stage.window, frame, stage.x.shape) for frame in values]
            as_bits = [[[(v + 1) // 2 for v in frame] for frame in some]
                       for some in (values, windows)]
            check_stream(component(stage), *as_bits) if lanes != 1 else check_all_stalls(
                lambda stage=stage: component(stage), *as_bits)


@pytest.mark.parametrize("beats", [1, 7, 19])
@pytest.mark.parametrize("lanes", [2, None])
def test_reset_in_mid_frame_leaves_nothing_behind(lanes, beats):
    stage = map_stage(CASES[1], lanes)
    frames, expected = frames_of(stage, 3)
    check_stream(component(stage), frames, expected, reset_after=beats)


@pytest.mark.parametrize("lanes", [1, 2, None])
def test_a_sink_that_waits_long_loses_nothing(lanes):
    stage = map_stage(CASES[0], lanes)
    frames, expected = frames_of(stage, 4)
    check_stream(component(stage), frames, expected, hold=200)


def test_intervals_that_can_be_worked_out_by_hand():
    # Reading decides: 4 windows of 9 pixels of 2 beats, and the next frame is there already.
    large = ((8, 8, 2), (3, 3), (1, 1), (1, 1), NONE)
    assert map_stage(large, 2).interval_cycles == 36 * 9
    assert map_stage(large, 1).interval_cycles == 36 * 9 * 2
    assert map_stage(large, None).interval_cycles == 64
    assert map_stage(((8, 8, 2), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
                     None).interval_cycles == 8 * 8 + 8 + 1
    # Writing decides.
    assert map_stage(((8, 8, 1), (1, 1), (2, 2), (1, 1), NONE), 1).interval_cycles == 64


def test_converts_to_rtlil():
    for lanes in (2, None):
        text = convert(component(map_stage(CASES[1], lanes)))
        assert "memory" in text
        # One port, which benches find by its name; parts driven apart would be two.
        assert re.search(r"wire width \d+ output \d+ +\\o__payload$", text, re.MULTILINE)


def test_the_narrowest_stage_that_is_fast_enough_is_taken():
    edge = Edge((8, 8, 4), Fixed(3), -4, 3)
    node = SlidingWindow("w", ("x",), (3, 3))
    stages = {interval: window_of(node, edge, interval) for interval in (36 * 36, 36 * 36 - 1,
                                                                         36 * 9, 36 * 9 - 1, 1)}
    assert [getattr(stage, "lanes", None) for stage in stages.values()] == [1, 2, 4, None, None]
    point = SlidingWindow("w", ("x",), (1, 1))
    assert window_of(point, edge, 1).folding == {"lanes": 4}


def test_refuses_lanes():
    with refused(SpecError, "window core 'w': lanes must divide c = 4, not 3;"
                            " choose from [1, 2, 4]"):
        map_stage(CASES[1], 3)
