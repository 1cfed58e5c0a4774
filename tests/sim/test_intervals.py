# amaranth: UnusedElaboratable=no
"""Convolutions in a row, as slow as each other or not: a frame leaves exactly when stated.

Without queues between them 15 of 106 such designs took one to thirteen percent longer.
"""

import numpy as np
import pytest
from cases.networks import WEIGHT, convolution, two_convolutions
from cases.residual import residual
from cases.targets import ECP5
from sim.harness import check_stream
from sim.test_convolution import frames_of
from sim.test_pipeline import AsStreams

from hwgen.numeric import SpecError
from hwgen.plan import plan
from hwgen.rtl.pipeline import Pipeline

INTERVALS = (40, 60, 80, 110, 150, 220, 400)
FIRST_FRAMES = 4
"""Frames until the pipeline is full."""

FRAMES_AHEAD = 6
"""Frames until each unit has the next one's first pixels when it can take them."""


def designs(network):
    """One for each folding that the intervals lead to."""
    found = {}
    for interval in INTERVALS:
        try:
            design = plan(network, ECP5, interval_cycles=interval)
        except SpecError:       # faster than can be
            continue
        found.setdefault(str([(stage.core, stage.folding) for stage in design.stages]), design)
    return list(found.values())


# Where the interval was longer at some time, for one reason or another; and some more.
@pytest.mark.parametrize("seed", [2, 12, 33, 65, 67, 68, 69, 70, 75, 77, 88, 89])
def test_two_convolutions(seed):
    network = two_convolutions(seed)
    frames, expected = frames_of(network, 9)
    measured, stated = [], []
    for design in designs(network):
        timing = check_stream(AsStreams(Pipeline(design)), frames, expected)
        firsts = timing.out_cycles[::len(expected[0]) // design.out_lanes]
        measured.append(set(np.diff(firsts[FIRST_FRAMES:]).tolist()))
        stated.append({design.interval_cycles})
    assert stated
    assert measured == stated


PADDED = {
    "same": (lambda: convolution(seed=1, shape=(6, 6, 2), padding=1, pool=False), 36),
    "fixed": (lambda: convolution(seed=6, shape=(7, 5, 2), padding=1, pool=False, fmt=WEIGHT), 35),
    "skip": (lambda: residual(shape=(5, 4, 2)), 20),
    "input-forks": (lambda: residual(shape=(6, 4, 2), stem=False), 24),
}
"""Networks whose convolutions are padded, and how many pixels and windows their maps have."""


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("name", PADDED)
def test_padded_convolutions_at_full_folding(name, more):
    """A frame every window, and exactly as often as asked for where that is less often."""
    make, windows = PADDED[name]
    network = make()
    design = plan(network, ECP5, interval_cycles=windows + more)
    assert design.interval_cycles == windows + more
    assert any(stage.core == "window_wide" and stage.rows for stage in design.stages)
    frames, expected = frames_of(network, 11)
    timing = check_stream(AsStreams(Pipeline(design)), frames, expected)
    firsts = timing.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[FRAMES_AHEAD:]).tolist()) == {windows + more}
    lone = check_stream(AsStreams(Pipeline(design)), frames[:1], expected[:1], settle=9)
    assert lone.out_cycles[0] - lone.in_cycles[0] == design.latency_cycles
