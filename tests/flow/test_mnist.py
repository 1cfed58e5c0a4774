"""MNIST's recipes through the flow, with few epochs on few real digits."""

import numpy as np
import pytest
from cases.mnist_files import enlarged, write_digits

from hwgen import golden
from hwgen.compress import MNIST_RECIPES, CheckpointError, digits
from hwgen.flow.mnist import as_read, golden_scores, train_mnist
from hwgen.ir import load

QUICK = 0.02


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist") / "files"
    write_digits(folder)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """One folder, so that the teacher is trained once."""
    return tmp_path_factory.mktemp("out")


def run(name, data, out, *, told=None, seed=3, effort=QUICK):
    told = [] if told is None else told
    return train_mnist(name, data, out, seed=seed, effort=effort,
                       progress=lambda *step: told.append(step))


@pytest.mark.parametrize("name", sorted(MNIST_RECIPES.keys() - {"mnist-lfc-w1a1"}))
def test_a_recipe_gives_a_network_equal_to_torch(data, out, name):
    document = run(name, data, out)
    network = load(document["network"])
    x, labels = enlarged(digits().x_test[:100]), digits().y_test[:100]
    hits = np.mean(golden.run(network, as_read(network, x))["argmax"][:, 0] == labels)
    assert document["digest"] == network.digest
    assert document["scores"] == {"compared": 1000, "mismatched": 0}
    assert document["accuracy"]["golden"] == document["accuracy"]["torch"] == round(100 * hits, 2)
    assert network.meta["recipe"] == network.name == name
    assert network.meta["measured_on"] == "100 images of the test part"
    maps = (28, 28, 1) if "-cnn-" in name else (784,)
    assert network.input.shape == ((196,) if MNIST_RECIPES[name].half_bits else maps)


def test_the_teacher_alone(data, out):
    document = run("mnist-teacher", data, out)
    assert document["network"] is None
    assert document["parameters"] == 1_336_842
    assert document["accuracy"] > 20


def test_an_interrupted_training_gives_the_same_integers(data, tmp_path):
    """Cut after the second epoch; the copies it had made are there or not."""
    def stop(step, fraction, text):
        if step == "mnist-tfc-w1a1: train" and text.startswith("epoch 2"):
            raise KeyboardInterrupt

    name = "mnist-tfc-w1a1"
    whole = run(name, data, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_mnist(name, data, tmp_path / "cut", seed=3, effort=QUICK, progress=stop)
    for copies in (tmp_path / "cut").glob("checkpoints/*/copies-*/000.npz"):
        copies.unlink()
    told = []
    again = run(name, data, tmp_path / "cut", told=told)
    assert again["digest"] == whole["digest"]
    assert [text[:7] for step, _, text in told if step == f"{name}: train"] == [
        "epoch 3", "epoch 4"]
    assert run(name, data, tmp_path / "other", seed=4)["digest"] != whole["digest"]


def test_a_checkpoint_of_another_length_is_refused(data, out):
    run("mnist-tfc-w1a1", data, out)
    with pytest.raises(CheckpointError, match="must be of training 'mnist-teacher' with these"):
        run("mnist-tfc-w1a1", data, out, effort=0.1)


def test_scores_in_batches_are_those_at_once(data, out):
    network = load(run("mnist-tfc-w1a1", data, out)["network"])
    x = np.tile(enlarged(digits().x_test[:100]), (11, 1))
    assert np.array_equal(golden_scores(network, x)[:100],
                          golden.run(network, x[:100])[network.scores])
    assert golden_scores(network, x).shape == (1100, 10)
