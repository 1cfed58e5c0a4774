"""Ranges against counts by hand: saturation in front of the clip, histograms, the one sample."""

import numpy as np
import pytest

from hwgen.golden.ranges import histogram, ranges
from hwgen.ir import Dense, Input, MatVec, Network, Requantise
from hwgen.numeric import Fixed, SpecError


def network(fmt):
    """``clip(round(3 x / 2))`` of x in -8..7."""
    return Network("net", (
        Input("x", (), (1,), Fixed(4)),
        MatVec("fc", ("x",), Dense(np.array([[3]]), Fixed(3)), None),
        Requantise("act", ("fc",), np.array([1]), 1, "half_up", fmt)), ("act",))


X = np.arange(-8, 8)[:, np.newaxis]      # 3 x / 2, rounded: -12, -10, -9, ... 9, 11


@pytest.mark.parametrize(("fmt", "below", "above", "rectified"), [
    (Fixed(4), 3, 3, False),             # -12, -10, -9 below -8; 8, 9, 11 above 7
    (Fixed(3, 0, False), 8, 3, True),    # a ReLU: all that is below 0
])
def test_saturation_is_counted_in_front_of_the_clip(fmt, below, above, rectified):
    raw = [(3 * x + 1) // 2 for x in range(-8, 8)]
    found = ranges(network(fmt), X)["act"]
    assert (found.below, found.above, found.is_rectified) == (below, above, rectified)
    assert (found.least, found.most) == (min(raw), max(raw))
    assert (found.low, found.high) == (fmt.min, fmt.max)
    clipped = np.clip(raw, fmt.min, fmt.max)
    assert found.at_low == np.count_nonzero(clipped == fmt.min)
    assert found.at_high == np.count_nonzero(clipped == fmt.max)
    assert (sum(found.counts), found.values, found.overflows) == (16, 16, 0)


def test_sums_lie_within_what_was_proven():
    found = ranges(network(Fixed(4)), X[3:9])["fc"]
    assert (found.proven, found.least, found.most) == ((-24, 21), -15, 0)


def test_a_histogram_holds_every_integer_once():
    values = np.array([-5, -5, 0, 200, 300])
    edges, counts = histogram(values)
    assert edges[0] <= -5
    assert edges[-1] > 300
    assert len(counts) <= 64
    assert set(np.diff(edges)) == {5}
    assert [sum((values >= a) & (values < b)) for a, b in zip(edges, edges[1:], strict=False)] \
        == list(counts)


def test_samples_must_be_a_batch():
    with pytest.raises(SpecError, match=r"x must be samples of shape \(1,\), at least one, not of"):
        ranges(network(Fixed(4)), X[0])
