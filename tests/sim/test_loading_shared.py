# amaranth: UnusedElaboratable=no
"""The codebook core with codes and centroids that are loaded, whatever bits they are stored in."""

import numpy as np
import pytest
from cases.loaded import SHARED, other_weights
from cases.networks import inputs
from sim.loading import in_turn, of_any_bits, planned

from hwgen.ir import Shared

FOLDINGS = {"one": ({"pe": 1, "simd": 1}, None), "wide": ({"pe": 2, "simd": 1}, 1),
            "lanes": ({"simd": 2, "pe": 2}, 2)}


def designed(first, choice, interval=900):
    nodes = [node.name for node in first.nodes if node.kind == "mat_vec"]
    return planned(first, interval_cycles=interval, cores={
        name: {"core": "codebook"} | (choice if name == "fc1" else {}) for name in nodes})


@pytest.mark.parametrize("folding", FOLDINGS)
@pytest.mark.parametrize("name", sorted(set(SHARED) - {"larger"}))
def test_sets_take_turns(name, folding):
    choice, stalls = FOLDINGS[folding]
    first = SHARED[name]()
    second = other_weights(first)
    design = designed(first, choice)
    values, wanted = in_turn(design, (first, second, first), inputs(first, 6), stalls=stalls)
    assert np.array_equal(values, wanted)
    assert not np.array_equal(values[6:12], values[:6])


@pytest.mark.parametrize("fill", ["min", "max"])
def test_sums_hold_the_extremes(fill):
    first = SHARED["five"]()
    worst = other_weights(first, fill=fill, bias=1000)
    values, wanted = in_turn(designed(first, {}), (worst,), inputs(first, 6))
    assert np.array_equal(values, wanted)


def test_what_is_no_centroid_is_zero():
    """Any bits in the rows of weights are some weights: those of a network without them."""
    first = SHARED["five"]()
    design = designed(first, {"pe": 2, "simd": 2})
    values, wanted = of_any_bits(design, first, inputs(first, 6), with_codes)
    assert np.array_equal(values, wanted)


def with_codes(stage, bits):
    """The shared weights whose codes have these bits in the memory; some are of no centroid."""
    codes = bits.reshape(-1, stage.code_bits) @ (1 << np.arange(stage.code_bits))
    assert (codes > stage.count).any()
    codes = codes.reshape(stage.nf, stage.sf, stage.pe, stage.simd).transpose(0, 2, 1, 3)
    codes = codes.reshape(stage.mat_vec.weights.shape)
    return Shared.of(np.append(stage.centroids, [0] * (stage.entries - stage.count))[codes])
