# amaranth: UnusedElaboratable=no
"""Whole convolutional designs: values under stalls, latency and interval to the cycle."""

import numpy as np
import pytest
from cases.networks import WEIGHT, convolution
from cases.targets import ECP5
from sim.harness import check_all_stalls, check_stream
from sim.test_pipeline import AsStreams
from sim.test_pipeline import frames_of as values_of

from hwgen.numeric import Bipolar, Fixed, Ternary
from hwgen.plan import plan
from hwgen.rtl.pipeline import Pipeline

MAPS = {
    "valid": lambda: convolution(shape=(8, 9, 2)),
    "same": lambda: convolution(seed=1, shape=(6, 6, 2), padding=1),
    "strided": lambda: convolution(seed=2, shape=(9, 9, 1), stride=2, pool=False),
    "one-window": lambda: convolution(seed=3, shape=(7, 7, 4), pool=False, channels=(4, 2)),
    "signs": lambda: convolution(seed=4, shape=(8, 8, 2), x=Bipolar()),
    "ternary": lambda: convolution(seed=5, shape=(8, 8, 2), x=Ternary()),
    "fixed": lambda: convolution(seed=6, padding=1, fmt=WEIGHT, x=Fixed(5)),
}


def frames_of(network, count):
    """As they travel: a bipolar value as its bit."""
    frames, expected = values_of(network, count)
    if isinstance(network.input.format, Bipolar):
        frames = [[(value + 1) // 2 for value in frame] for frame in frames]
    return frames, expected


@pytest.mark.parametrize("interval", [250, 1200, 20_000])
@pytest.mark.parametrize("name", MAPS)
def test_values_latency_and_interval(name, interval):
    design = plan(MAPS[name](), ECP5, interval_cycles=interval)
    assert design.interval_cycles <= interval
    frames, expected = frames_of(design.network, 4)
    lone = check_stream(AsStreams(Pipeline(design)), frames[-1:], expected[-1:], settle=9,
                        limit=40_000)
    assert lone.out_cycles[0] - lone.in_cycles[0] == design.latency_cycles
    if interval > 10_000:
        return
    many = check_stream(AsStreams(Pipeline(design)), frames * 2, expected * 2)
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[4:])) == {design.interval_cycles}
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames[:2], expected[:2])


@pytest.mark.parametrize(("name", "interval"), [
    ("valid", 100), ("same", 150), ("strided", 100), ("one-window", 150), ("fixed", 75)])
def test_interval_where_windows_come_in_bursts(name, interval):
    design = plan(MAPS[name](), ECP5, interval_cycles=interval)
    assert any(joint.before or joint.behind for joint in design.joints)
    frames, expected = frames_of(design.network, 8)
    many = check_stream(AsStreams(Pipeline(design)), frames, expected)
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[3:])) == {design.interval_cycles}


def test_a_window_a_cycle_where_the_interval_asks_for_it():
    design = plan(MAPS["valid"](), ECP5, interval_cycles=72, cores={
        "conv1": {"pe": 3, "simd": 18, "planes": 5}, "conv2": {"pe": 4, "simd": 27}})
    assert [stage.core for stage in design.stages] == [
        "window_wide", "binary", "pool", "window", "binary", "binary", "argmax"]
    assert design.interval_cycles == 8 * 9
    frames, expected = frames_of(design.network, 6)
    many = check_stream(AsStreams(Pipeline(design)), frames, expected)
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[3:])) == {design.interval_cycles}
