# amaranth: UnusedElaboratable=no
"""Convolutions in a row, as slow as each other or not: a frame leaves exactly when stated.

Without queues between them 15 of 106 such designs took one to thirteen percent longer.
"""

import numpy as np
import pytest
from cases.networks import two_convolutions
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
