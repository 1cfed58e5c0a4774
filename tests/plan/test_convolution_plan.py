"""Plans of convolutional networks: which stages there are, and that windows hold nothing up."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS, convolution
from cases.targets import ECP5

from hwgen.ir import (
    Dense,
    Edge,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Network,
    PerChannel,
    SlidingWindow,
)
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import SerialWindowStage, SparseStage


def test_a_flatten_has_no_stage_and_the_others_have_one_each():
    design = plan(NETWORKS["convolution"](), ECP5, interval_cycles=2000)
    assert [(stage.core, [node.name for node in stage.nodes]) for stage in design.stages] == [
        ("window", ["win1"]), ("binary", ["conv1", "act1"]), ("pool", ["pool"]),
        ("window", ["win2"]), ("binary", ["conv2", "act2"]), ("binary", ["fc"]),
        ("argmax", ["argmax"])]
    assert design.interval_cycles == max(stage.interval_cycles for stage in design.stages)


@pytest.mark.parametrize("interval", [100, 300, 1000, 3000, 10_000])
def test_windows_and_pools_reach_the_interval_that_is_asked_for(interval):
    design = plan(convolution(shape=(8, 10, 4)), ECP5, interval_cycles=interval)
    for stage in design.stages:
        assert stage.interval_cycles <= interval
        assert stage.interval_cycles >= stage.in_edge.size // stage.in_lanes
        assert stage.interval_cycles >= stage.out_edge.size // stage.out_lanes


def test_an_interval_shorter_than_the_image_is_refused_with_the_window_named():
    with refused(SpecError, "network 'case-convolution': interval_cycles must be at least 72, which"
                            " the window_wide core 'win1' takes, not 71"):
        plan(convolution(shape=(8, 9, 2)), ECP5, interval_cycles=71)


def ring(shape, lanes, kernel=(3, 3), stride=(1, 1)):
    edge = Edge(shape, Bipolar(), -1, 1)
    return SerialWindowStage(SlidingWindow("w", ("x",), kernel, stride), edge, lanes)


def test_the_ring_holds_two_windows_of_neighbouring_frames():
    stage = ring((30, 30, 64), 32)
    assert stage.span == (2 * 30 + 3) * 2
    # The last window of a frame and the first of the next one: 63 pixels each, of two beats.
    assert (stage.depth, stage.memory) == (256, (256, 32))
    assert stage.beats == (30 * 30 * 2, 28 * 28 * 9 * 2)
    assert stage.interval_cycles == 28 * 28 * 9 * 2
    assert ring((4, 4, 1), 1, (1, 1), (2, 2)).interval_cycles == 16


def test_networks_without_a_matrix():
    nodes = [Input("x", (), (4, 4, 2), Fixed(3)), SlidingWindow("w", ("x",), (2, 2)),
             MaxPool("p", ("w",), (3, 1), (3, 1)), Flatten("f", ("p",))]
    design = plan(Network("net", nodes, ("f",)), ECP5, interval_cycles=100)
    assert [stage.core for stage in design.stages] == ["window", "pool"]


def test_the_sparse_core_refuses_maps():
    matrix = MatVec("fc", ("x",), Dense(np.eye(3, dtype=int), Fixed(4)))
    edge = Edge((2, 2, 3), Fixed(4), -8, 7)
    assert not SparseStage.suits(matrix, edge)
    with refused(SpecError, "sparse core 'fc': input must be a vector (n,), not (2, 2, 3);"
                            " choose the fixed core"):
        SparseStage(matrix, edge, None, 1)


def depthwise(channels=6, taps=(3, 3), fmt=Fixed(5)):
    """A window of a map of 8 x 9 and one filter for each channel."""
    weights = PerChannel(np.full((channels, taps[0] * taps[1]), -3), fmt)
    nodes = (Input("x", (), (8, 9, channels), Fixed(4)), SlidingWindow("w", ("x",), taps),
             MatVec("dw", ("w",), weights))
    return Network("depthwise", nodes, ("dw",))


@pytest.mark.parametrize(("interval", "lanes"), [
    (6 * 7 * 9 * 6, 1), (6 * 7 * 9 * 6 - 1, 2), (6 * 7 * 9 * 2, 3), (6 * 7 * 9, 6)])
def test_the_fewest_lanes_of_channels_that_reach_the_interval(interval, lanes):
    design = plan(depthwise(), ECP5, interval_cycles=interval)
    window, core = design.stages
    assert (window.core, window.out_lanes, core.core, core.lanes) == (
        "window", lanes, "depthwise", lanes)
    assert window.interval_cycles == core.interval_cycles <= interval
    assert not any(joint.before or joint.behind for joint in design.joints)


def test_lanes_by_choice_and_an_interval_beyond_one_lane_for_each_channel():
    design = plan(depthwise(), ECP5, interval_cycles=10_000, cores={"dw": {"pe": 3}})
    assert design.stages[1].lanes == 3
    with refused(SpecError, "network 'depthwise': interval_cycles must be at least 378, which the"
                            " depthwise core 'dw' takes with pe = 6, not 377"):
        plan(depthwise(), ECP5, interval_cycles=377)
    dense = plan(depthwise(), ECP5, interval_cycles=10_000, cores={"dw": {"core": "fixed"}})
    assert dense.stages[1].core == "fixed"


def test_the_estimate_grows_with_the_lanes():
    few, many = (plan(depthwise(), ECP5, interval_cycles=n).stages[1].estimate(ECP5)
                 for n in (10_000, 378))
    assert few.lut < many.lut
    assert (few.dsp, many.dsp) == (1, 6)
