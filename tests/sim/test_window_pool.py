# amaranth: UnusedElaboratable=no
"""Pools whose windows overlap: one unit for windows, and what is made of each, against loops."""

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5
from golden.slow import max_pool, sum_pool, window_max, window_sum
from sim.harness import assert_flow, check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams

from hwgen import golden
from hwgen.ir import Edge, Input, MaxPool, Network, SumPool, WindowMax, WindowSum
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, SpecError, Ternary
from hwgen.plan import plan, windowed
from hwgen.plan.stages import window_pool_of
from hwgen.rtl.pipeline import COMPONENTS, Pipeline

SLOW = {WindowMax: window_max, WindowSum: window_sum, MaxPool: max_pool, SumPool: sum_pool}
KINDS = [WindowMax, WindowSum]


def stage_of(kind, interval, *, taps=5, c=2, windows=(2, 2), fmt=Fixed(3)):
    edge = Edge((*windows, taps * c), fmt, fmt.min, fmt.max)
    return window_pool_of(kind("p", ("w",), taps), edge, interval)


def frames_of(stage, count, travels=lambda values: values):
    rng = np.random.default_rng(count)
    levels = stage.x.format.levels
    frames = rng.choice(levels, (count, stage.x.size))
    frames[0], frames[-1] = levels[0], levels[-1]
    slow = SLOW[type(stage.pool)]
    expected = [slow(stage.pool, frame.tolist(), stage.x.shape) for frame in frames]
    return travels(frames).tolist(), travels(np.array(expected)).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interval", [40, 20, 4])
@pytest.mark.parametrize("taps", [2, 5])
def test_windows_tap_by_tap_and_whole(kind, interval, taps):
    """Values under all stalls, latency and interval to the cycle."""
    stage = stage_of(kind, interval * taps // 5, taps=taps)
    core, beats = COMPONENTS[stage.core], {40: 8 * taps, 20: 4 * taps, 4: 4}[interval]
    assert stage.interval_cycles == beats
    check_all_stalls(lambda: core(stage), *frames_of(stage, 3))
    timing = check_stream(core(stage), *frames_of(stage, 4))
    assert_flow(stage, timing)
    sent = len(timing.out_cycles) // 4
    assert set(np.diff(timing.out_cycles[::sent])) == {beats}
    if interval == 4:
        latency = stage.latency_cycles
        assert latency == 1 + {2: 1, 5: 3}[taps]
        assert timing.out_cycles[0] - timing.in_cycles[0] == latency
    else:
        last = timing.in_cycles[(taps - 1) * (beats // taps // 4)]
        assert timing.out_cycles[0] - last == 2


@pytest.mark.parametrize(("fmt", "travels"), [
    (Bipolar(), lambda v: (v + 1) // 2),
    (Ternary(), lambda v: v),
    (Fixed(3, 0, False), lambda v: v),
    (Planes((2, 4), -3), lambda v: (v + 3) // 2),
], ids=lambda value: "" if callable(value) else str(value))
def test_every_format_whose_codes_are_ordered(fmt, travels):
    for interval in (40, 4):
        stage = stage_of(WindowMax, interval, fmt=fmt)
        check_stream(COMPONENTS[stage.core](stage), *frames_of(stage, 3, travels), o_stall=True)


def test_sums_of_unsigned_values_in_full_width():
    stage = stage_of(WindowSum, 4, taps=3, fmt=Fixed(4, 0, False))
    assert stage.out_edge.format == Fixed(6, 0, False)
    check_stream(COMPONENTS[stage.core](stage), *frames_of(stage, 3))


def test_reset_leaves_nothing_behind():
    for interval in (40, 4):
        stage = stage_of(WindowMax, interval)
        check_stream(COMPONENTS[stage.core](stage), *frames_of(stage, 2), reset_after=3)


def test_converts_to_rtlil():
    assert "$gt" in convert(COMPONENTS["window-max-wide"](stage_of(WindowMax, 4)))
    text = convert(COMPONENTS["window-sum-wide"](stage_of(WindowSum, 4)))
    assert "$add" in text
    assert "$gt" not in text


POOLS = [   # kind, (h, w, c), size, stride, padding, interval
    (MaxPool, (5, 5, 2), (3, 3), (2, 2), (1, 1, 1, 1), 162),
    (MaxPool, (7, 5, 2), (3, 3), (2, 2), (1, 1, 1, 1), 110),
    (MaxPool, (7, 5, 2), (3, 3), (2, 2), (1, 1, 1, 1), 35),
    (MaxPool, (5, 5, 1), (3, 2), (1, 1), (2, 1, 1, 0), 30),
    (MaxPool, (4, 4, 2), (2, 2), (2, 2), (0, 0, 1, 1), 48),    # apart, but padded
    (SumPool, (5, 5, 1), (3, 3), (2, 1), None, 60),
    (SumPool, (4, 5, 2), (2, 2), (1, 1), None, 22),
]


@pytest.mark.parametrize("case", POOLS, ids=str)
def test_a_pool_as_a_design(case, rng):
    """Planned, simulated at full rate and under stalls; latency and interval as planned."""
    kind, shape, size, stride, padding, interval = case
    node = kind("pool", ("x",), size, stride, *([padding] if padding else []))
    network = Network("pooled", (Input("x", (), shape, Fixed(4)), node), ("pool",))
    design = plan(network, ECP5, interval_cycles=interval)
    assert design.stages[0].core in ("window", "window_wide")
    assert design.stages[1].core.startswith("window-max" if kind is MaxPool else "window-sum")
    assert design.network.node("pool").kind == design.stages[1].core.replace(
        "-wide", "").replace("-", "_")
    frames = rng.integers(-8, 8, (4, *shape))
    frames[0], frames[1] = -8, 7
    expected = [SLOW[kind](node, frame.reshape(-1).tolist(), shape) for frame in frames]
    assert golden.run(network, frames)["pool"].reshape(4, -1).tolist() == expected
    assert golden.run(design.network, frames)["pool"].reshape(4, -1).tolist() == expected
    frames = frames.reshape(4, -1).tolist()
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames, expected)
    many = check_stream(AsStreams(Pipeline(design)), frames * 2, expected * 2)
    assert many.out_cycles[0] - many.in_cycles[0] == design.latency_cycles
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[4:])) == {design.interval_cycles}


def test_only_what_overlaps_becomes_windows():
    x = Input("x", (), (4, 4, 1), Planes((2, 4), -3))
    apart = Network("n", (x, MaxPool("p", ("x",), (2, 2), (2, 3))), ("p",))
    assert windowed(apart) is apart
    taken = Network("n", (x, MaxPool("p_window", ("x",), (2, 2), (2, 2)),
                          MaxPool("p", ("x",), (2, 2), (1, 2))), ("p",))
    window = windowed(taken).nodes[2]
    assert (window.name, window.pad_value) == ("p_window_", -3)


def test_refuses():
    fmt = Codebook((-1, 0, 7))
    for interval, core in ((40, "window-max"), (4, "window-max-wide")):
        with refused(SpecError, f"{core} core 'p': input must be of a format whose codes order as"
                                f" its values, such as Fixed or Bipolar, not {fmt}"):
            stage_of(WindowMax, interval, fmt=fmt)
    for interval, core in ((40, "window-sum"), (4, "window-sum-wide")):
        with refused(SpecError, f"{core} core 'p': input must be fixed point, not {Bipolar()}"):
            stage_of(WindowSum, interval, fmt=Bipolar())
