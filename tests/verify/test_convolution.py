# amaranth: UnusedElaboratable=no
"""Convolutional networks as emitted Verilog: a small one here, CNV by ``make large``."""

import os

import numpy as np
import pytest
from cases.networks import NETWORKS, convolution, inputs
from cases.targets import ECP5

from hwgen import golden
from hwgen.compress import BatchNorm, cnv, export
from hwgen.emit import write_artefact
from hwgen.plan import Target, plan
from hwgen.verify import simulate

pytestmark = pytest.mark.cosim

LARGE = "HWGEN_LARGE"
BOARD = Target("large", "xc7", "xc7z045", "ffg900", "2", 218600, 437200, 1090, 18432, 900,
               100_000_000)


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


def as_after_training(module):
    """Batch norms that neither leave all signs alike nor start from zero."""
    rng = np.random.default_rng(0)
    spread = 1500.0     # of sums of 27 pixels of 8 bits
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            n = layer.num_features
            for tensor, values in ((layer.weight.data, rng.normal(1, 0.5, n)),
                                   (layer.bias.data, rng.normal(0, 0.3, n)),
                                   (layer.running_mean, rng.normal(0, spread / 4, n)),
                                   (layer.running_var, np.full(n, spread**2))):
                tensor.copy_(tensor.new_tensor(values))
            spread = 20.0
    return module.eval()


@pytest.mark.skipif(LARGE not in os.environ, reason=f"takes minutes; {LARGE}=1 or make large")
def test_cnv(tmp_path):
    """The network of FINN with 1.5 million binary weights, all of them as 32768 cycles an image."""
    images = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3))
    images[0], images[1] = 0, 255
    network = export(as_after_training(cnv()), np.moveaxis(images[:1], -1, 1), name="cnv-w1a1")
    design = plan(network, BOARD, interval_cycles=32768)
    folder = write_artefact(design, tmp_path / "cnv", x=images)
    result = check(folder, network, images, bench="compiled")
    assert len(np.unique(result.scores, axis=0)) > 15
    assert result.latency_cycles == design.latency_cycles
    assert result.interval_cycles == design.interval_cycles == 32768
