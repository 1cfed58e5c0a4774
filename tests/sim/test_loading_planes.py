# amaranth: UnusedElaboratable=no
"""The binary core with planes, starts, thresholds and inversions that are loaded."""

import numpy as np
import pytest
from cases.loaded import PLANES, other_weights
from cases.networks import NETWORKS, inputs
from sim.loading import in_turn, planned

FOLDINGS = {
    "serial": ({"planes": 1}, 4000, None),
    "stalled": ({"planes": 1, "simd": 2, "pe": 2}, 4000, 1),
    "wide": ({"lut_inputs": 6, "pe": 4}, 24, 2),
}


def designed(first, choice, interval):
    nodes = [node.name for node in first.nodes if node.kind == "mat_vec"]
    return planned(first, interval_cycles=interval, cores={
        name: {"core": "binary"} | choice for name in nodes})



@pytest.mark.parametrize("folding", FOLDINGS)
@pytest.mark.parametrize("name", PLANES)
def test_sets_take_turns(name, folding):
    choice, interval, stalls = FOLDINGS[folding]
    first = PLANES[name]()
    second = other_weights(first, bias=9)
    design = designed(first, choice, interval)
    values, wanted = in_turn(design, (first, second, first), inputs(first, 6), stalls=stalls)
    assert np.array_equal(values, wanted)
    assert not np.array_equal(values[6:12], values[:6])


@pytest.mark.parametrize("fill", ["min", "max", "extremes"])
@pytest.mark.parametrize("name", PLANES)
def test_sums_hold_the_extremes_of_the_formats(name, fill):
    first = PLANES[name]()
    design = designed(first, {}, 200)
    ranges = [stage.mat_vec.bias_range(stage.x)[1] for stage in design.stages
              if stage.loaded and stage.mat_vec.bias is not None]
    worst = other_weights(first, fill=fill, bias=min(ranges))
    values, wanted = in_turn(design, (worst,), inputs(first, 6))
    assert np.array_equal(values, wanted)


def test_what_is_stored_is_what_can_change():
    """Inversions only where planes meet by AND; lowest bits only where a bias has some."""
    def holds(name):
        return [[memory.holds for memory in stage.loaded]
                for stage in designed(PLANES[name](), {"pe": 1, "planes": 1}, 4000).stages
                if stage.core == "binary"]

    assert holds("signs")[1] == ["weights", "starts"]
    assert holds("signs")[2] == ["weights", "starts", "lows"]
    assert holds("wide-first")[0] == ["weights", "starts", "inverts"]
    assert holds("ternary")[0] == ["weights", "starts", "step1_lane0"]
    assert holds("two-scales")[1] == ["weights", "starts", "step1_lane0", "inverts"]


def test_a_convolution_takes_sets_between_images():
    first = NETWORKS["convolution"]()
    second = other_weights(first)
    design = planned(first, interval_cycles=1000)
    assert [stage.core for stage in design.stages if stage.loaded] == ["binary"] * 3
    values, wanted = in_turn(design, (first, second), inputs(first, 3), stalls=1)
    assert np.array_equal(values, wanted)
    assert not np.array_equal(values[:3], values[3:])
