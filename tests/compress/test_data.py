import hashlib

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import Split, digits, stratified
from hwgen.numeric import SpecError


def test_digits_are_the_1797_scans():
    split = digits()
    assert split.x_train.shape == (1297, 64)
    assert split.x_test.shape == (500, 64)
    assert split.x_train.dtype == split.y_test.dtype == np.int64
    assert {split.x_train.min(), split.x_test.min()} == {0}
    assert {split.x_train.max(), split.x_test.max()} == {16}
    assert split.classes == 10
    assert split.side == 8


def test_digits_are_split_alike_everywhere():
    text = digits().x_test.astype("<i8").tobytes()
    assert hashlib.sha256(text).hexdigest()[:16] == "28c4fe2dd5efdf33"


def test_split_has_no_common_sample_and_every_class_in_proportion():
    labels = np.repeat([0, 1, 2], [50, 30, 21])
    train, test = stratified(labels, 20, seed=3)
    assert sorted([*train, *test]) == list(range(101))
    assert np.bincount(labels[test]).tolist() == [10, 6, 4]
    assert list(test) == sorted(test)


def test_another_seed_splits_otherwise():
    labels = np.zeros(100, dtype=int)
    assert not np.array_equal(stratified(labels, 50, seed=0)[1], stratified(labels, 50, seed=1)[1])


@pytest.mark.parametrize("n_test", [0, 10])
def test_stratified_refuses_an_empty_part(n_test):
    with refused(SpecError, f"n_test must be in 1..9, not {n_test}"):
        stratified(np.zeros(10, dtype=int), n_test, seed=0)


def split_of(**changes):
    x, y = np.zeros((3, 4), dtype=int), np.zeros(3, dtype=int)
    return Split(**{"x_train": x, "y_train": y, "x_test": x, "y_test": y, "side": 2, **changes})


ROUND = ("scale and round, as np.rint(255 * x).astype(np.int64) does numbers of 0..1; the model"
         " reads 0..255 as numbers below 1, or as the QuantInput that it begins with says")


@pytest.mark.parametrize(("name", "given", "found"), [
    ("x_test", np.ones((1, 1)), f"one of float64: {ROUND}"),
    ("x_train", torch.ones(1, 1), f"a Tensor of torch.float32: give x_train.numpy(); {ROUND}"),
    ("x_train", torch.ones(1, 1).int(), "a Tensor of torch.int32: give x_train.numpy()"),
    ("y_train", np.ones(3), "one of float64: labels are the integers 0, 1, 2 ..."),
    ("y_train", [1, 2, 3], "a list: give np.array(y_train)"),
    ("x_train", np.array([["a"]]), "one of <U1")])
def test_split_refuses_what_is_no_array_of_integers(name, given, found):
    with refused(TypeError, f"split: {name} must be a numpy array of integers, as they arrive on"
                            f" wires, not {found}"):
        split_of(**{name: given})


def test_split_refuses_shapes_that_differ():
    with refused(SpecError, "split: x_train must be (n, features) or (n, c, h, w), and y_train"
                            " (n,), with n >= 1, not (3, 4) and (2,)"):
        split_of(y_train=np.zeros(2, dtype=int))


def test_split_refuses_an_empty_part():
    with refused(SpecError, "split: x_test must be (n, features) or (n, c, h, w), and y_test"
                            " (n,), with n >= 1, not (0, 4) and (0,)"):
        split_of(x_test=np.zeros((0, 4), dtype=int), y_test=np.zeros(0, dtype=int))


def test_split_refuses_a_wrong_side():
    with refused(SpecError, "split: side must be None or the root of 4 features, not 3"):
        split_of(side=3)
