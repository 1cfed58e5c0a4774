"""Delta networks: sums that are kept are those of what was sent last; a threshold of 0 is plain."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import convolution, fixed

from hwgen.golden import run
from hwgen.golden.delta import run_delta
from hwgen.numeric import Fixed, SpecError


def sequence(net, steps=12, seed=0):
    fmt, rng = net.input.format, np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(-6, 7, (steps, *net.input.shape)), axis=0)
    return np.clip(walk, fmt.min, fmt.max)


def held(x, threshold):
    """What was sent last of each input, step by step, one number after another."""
    last, rows = [0] * x.shape[1], []
    for row in x.tolist():
        for k, value in enumerate(row):
            if abs(value - last[k]) > threshold:
                last[k] = value
        rows.append(list(last))
    return np.array(rows)


def test_a_threshold_of_nothing_changes_nothing():
    net = fixed()
    x = sequence(net)
    found = run_delta(net, x)
    for name, values in run(net, x).items():
        np.testing.assert_array_equal(found.values[name], values)
    assert found.sent["fc1"][0].sum() == np.count_nonzero(x[0])


@pytest.mark.parametrize("threshold", [1, 4, 200])
def test_sums_are_those_of_what_was_sent_last(threshold):
    net = fixed()
    x = sequence(net)
    found = run_delta(net, x, threshold).values
    for name in ("fc1", "fc2", "fc3"):
        node = net.node(name)
        seen = held(found[node.inputs[0]], threshold)
        np.testing.assert_array_equal(found[name], seen @ node.weights.to_dense().T
                                      + node.bias_or_zero)
    assert (found["fc3"] != run(net, x)["fc3"]).any()


def test_slow_moves_add_up_until_they_are_sent():
    net = fixed(sizes=(1, 3))
    sent = run_delta(net, np.arange(1, 8)[:, np.newaxis], {"fc1": 2}).sent["fc1"]
    assert sent[:, 0].tolist() == [False, False, True, False, False, True, False]


@pytest.mark.parametrize(("net", "thresholds", "rule"), [
    (fixed(), {"fc9": 1}, "thresholds must be of matrices, ['fc1', 'fc2', 'fc3'], not of 'fc9'"),
    (fixed(), -1, "threshold of 'fc1' must be at least 0, not -1")], ids=str)
def test_thresholds_must_be_some(net, thresholds, rule):
    with refused(SpecError, rule):
        run_delta(net, sequence(net), thresholds)


def test_maps_are_refused():
    net = convolution(fmt=Fixed(6), channels=(3,))
    with pytest.raises(SpecError, match=r"input must be a vector \(n,\), not"):
        run_delta(net, np.zeros((1, *net.input.shape), int))
