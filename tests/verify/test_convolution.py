# amaranth: UnusedElaboratable=no
"""Small convolutional networks as emitted Verilog; CNV is a part of ``hwgen bench binary``."""

import numpy as np
import pytest
from cases.networks import NETWORKS, convolution, inputs
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit import write_artefact
from hwgen.plan import plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim


def check(folder, network, x, **options):
    edges = golden.run(network, x)
    result = simulate(folder, x, **options)
    assert np.array_equal(result.scores, edges[network.scores])
    assert np.array_equal(result.classes, edges["argmax"][:, 0])
    assert (result.compared, result.mismatched) == (len(x) * (result.scores.shape[1] + 1), 0)
    return result


def test_every_value_is_the_golden_one_under_any_stalls(artefact):
    network = NETWORKS["convolution-padded"]()
    folder, x = artefact("convolution-padded"), inputs(network, 20)
    for seed, stalls in enumerate(("none", "both", "random")):
        check(folder, network, x, stalls=stalls, seed=seed)
    assert simulate(folder, mode="reset", stalls="random", seed=7).mismatched == 0
    assert simulate(folder, mode="length", stalls="random", seed=7).mismatched == 0


def test_latency_and_interval_are_those_of_the_plan(tmp_path):
    network = convolution(shape=(8, 8, 2))
    design = plan(network, ECP5, interval_cycles=1200)
    folder = write_artefact(design, tmp_path / "artefact")
    result = check(folder, network, inputs(network, 20))
    assert result.latency_cycles == design.latency_cycles
    assert result.interval_cycles == design.interval_cycles


def test_padded_windows_come_one_a_cycle_without_a_gap(tmp_path):
    """The next frame's first rows go in while the windows over the padding leave."""
    network = convolution(seed=1, shape=(6, 6, 2), padding=1)
    design = plan(network, ECP5, interval_cycles=36)
    assert design.stages[0].rows == 6
    folder = write_artefact(design, tmp_path / "artefact")
    x = inputs(network, 20)
    result = check(folder, network, x)
    assert result.latency_cycles == design.latency_cycles
    assert result.interval_cycles == design.interval_cycles == 36
    check(folder, network, x, stalls="random", seed=3)
