"""The networks of the repository: their integers, and what they make of real digits.

The images here are scikit-learn's 8 x 8 scans, enlarged: other writers and another scanner than
MNIST's, so the shares are smaller, but they are real and need no download. With the environment
variable HWGEN_MNIST naming a folder with the IDX files, all 10,000 test images are classified too.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from cases.mnist_files import enlarged

from hwgen import golden
from hwgen.compress import MNIST_RECIPES, digits, mnist
from hwgen.flow.mnist import as_read, golden_scores
from hwgen.ir import load
from hwgen.numeric import Bipolar, Planes, Ternary

FOLDER = Path(__file__).resolve().parents[2] / "networks"
NETWORKS = {path.stem: path for path in sorted(FOLDER.glob("*.hwgen"))}

# Name: digest of the integers (begin), scans of 500 classified rightly, least accuracy in percent.
EXPECTED = {
    "mnist-cnn-w4a4": ("4d634acf8dabe8bd", 344, 97.47),
    "mnist-cnn-w8a8": ("991cb3ace4ea73d6", 342, 98.17),
    "mnist-lenet300-w4a4": ("4d1b57897cb00715", 263, 97.32),
    "mnist-lenet300-w8a8": ("396a32df8cc7bb69", 263, 98.02),
    "mnist-lfc-w1a1": ("fd1b6d4d4a9c52a2", 384, 98.8),
    "mnist-sfc-residual": ("6ad0ca17e7b9a697", 346, 98.6),
    "mnist-sfc-ternary": ("b291589104031bc4", 364, 98.6),
    "mnist-sfc-w1a1": ("6a5295e8601ec71b", 320, 97.8),
    "mnist-sfc-w1a2": ("84459f7aa8ae484e", 326, 98.6),
    "mnist-sfc-w2a2": ("53f3bcb864f507f4", 363, 98.6),
    "mnist-tfc-w1a1": ("5d07a3bfcdcccb0e", 180, 93.2),
    "mnist-up5k-w1a2": ("a0b2668276604312", 299, 97.8),
    "mnist-up5k": ("04c94fd788f67ac1", 286, 95.0),
}


@pytest.fixture(scope="module")
def scans():
    """500 scans of 28 x 28 pixels 0..255, and their labels."""
    split = digits()
    return enlarged(split.x_test), split.y_test


def test_every_recipe_has_its_network_and_none_is_too_large():
    assert set(NETWORKS) == set(MNIST_RECIPES) == set(EXPECTED)
    assert all(path.stat().st_size < 1 << 20 for path in NETWORKS.values())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_the_one_that_was_measured(name, scans):
    network = load(NETWORKS[name])
    x, labels = scans
    values = golden.run(network, as_read(network, x))
    right = int(np.count_nonzero(values["argmax"][:, 0] == labels))
    digest, hits, _ = EXPECTED[name]
    assert (network.digest[:16], right) == (digest, hits)
    assert np.array_equal(values[network.scores].argmax(axis=1), values["argmax"][:, 0])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_says_where_it_is_from(name):
    network = load(NETWORKS[name])
    recipe = MNIST_RECIPES[name]
    assert network.name == network.meta["recipe"] == name
    assert network.meta["dataset"] == "MNIST"
    assert network.meta["epochs"] == recipe.epochs
    assert network.meta["pixels"] == recipe.pixels_text
    assert network.meta["measured_on"] == "10000 images of the test part"
    assert network.meta["accuracy"] >= EXPECTED[name][2]


def test_formats_of_the_family():
    def formats(name):
        network = load(NETWORKS[name])
        return (network.node("fc2").weights.format, network.edges["act1"].format,
                network.node("act1").table.shape[1])

    assert formats("mnist-sfc-w1a1") == (Bipolar(), Bipolar(), 1)
    weights, activations, steps = formats("mnist-sfc-w2a2")
    assert weights == Planes.of_bases((1, 2))
    assert (activations.bits, activations.min, steps) == (2, 0, 3)
    assert formats("mnist-sfc-ternary")[0] == Ternary()
    residual = formats("mnist-sfc-residual")[1]
    assert isinstance(residual, Planes)
    assert residual.planes.is_balanced
    assert len(residual.gains) == 2


@pytest.mark.skipif("HWGEN_MNIST" not in os.environ, reason="HWGEN_MNIST names no folder")
@pytest.mark.parametrize("name", NETWORKS)
def test_accuracy_on_all_test_images(name):
    network = load(NETWORKS[name])
    split = mnist(os.environ["HWGEN_MNIST"])
    scores = golden_scores(network, as_read(network, split.x_test))
    accuracy = 100 * np.mean(scores.argmax(axis=1) == split.y_test)
    assert round(float(accuracy), 2) == network.meta["accuracy"]
