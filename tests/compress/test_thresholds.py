from fractions import Fraction

import numpy as np
import torch
from cases.errors import refused
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hwgen.compress import BatchNorm, sign_thresholds
from hwgen.numeric import SpecError

LOW, HIGH = -40, 40
# Whole and half means make exact ties; gammas of all signs, zero and the smallest of all.
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, -1e-30, 3.0, 1e-45, -1e-45])
ANY = st.one_of(NUMBERS, st.floats(-50, 50, width=32))
CHANNEL = st.tuples(ANY, ANY, ANY, st.one_of(st.sampled_from([0.0, 1.0]),
                                             st.floats(0, 900, width=32)))


def norm_of(channels):
    norm = BatchNorm(len(channels))
    for tensor, values in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var),
                              zip(*channels, strict=True), strict=True):
        tensor.data.copy_(torch.tensor(values))
    return norm.double().eval()


def decided(thresholds, invert, x):
    return (x[:, None] >= thresholds) ^ invert


def table(norm, low, high, frac=0):
    n = norm.num_features
    x = np.arange(low, high + 1)
    thresholds, invert = sign_thresholds(norm, np.full(n, low), np.full(n, high), frac=frac)
    with torch.no_grad():
        scaled = torch.from_numpy(x).double()[:, None].expand(-1, n) * 2.0 ** -frac
        expected = (norm(scaled) >= 0).numpy()
    return thresholds, invert, decided(thresholds, invert, x), expected


@given(st.lists(CHANNEL, min_size=1, max_size=8), st.integers(-3, 8))
def test_equal_to_torch_for_every_accumulator(channels, frac):
    thresholds, _, ours, torchs = table(norm_of(channels), LOW, HIGH, frac)
    assert np.array_equal(ours, torchs)
    assert np.all((thresholds >= LOW) & (thresholds <= HIGH))


@given(st.lists(CHANNEL, min_size=1, max_size=4))
def test_equal_to_exact_arithmetic_away_from_ties(channels):
    norm = norm_of(channels)
    _, _, ours, _ = table(norm, LOW, HIGH)
    for k, (gamma, beta, mean, _) in enumerate(channels):
        scale = norm.scale()[k].item()
        for x in range(LOW, HIGH + 1):
            exact = (x - Fraction(mean)) * Fraction(scale) + Fraction(beta)
            if gamma == 0:
                assert ours[x - LOW, k] == (beta >= 0)
            elif abs(exact) > 1e-9:
                assert ours[x - LOW, k] == (exact > 0)


def test_ties_are_plus_one_for_both_signs_of_gamma():
    thresholds, invert, ours, _ = table(norm_of([(1, 0, 3, 1), (-1, 0, 3, 1)]), -8, 8)
    assert thresholds.tolist() == [3, 4]
    assert invert.tolist() == [False, True]
    assert ours[3 + 8].tolist() == [True, True]


def test_gamma_of_zero_is_a_constant_of_the_sign_of_beta():
    thresholds, invert, ours, _ = table(norm_of([(0, 2, 1, 1), (0, 0, 1, 1), (0, -2, 1, 1)]), -4, 4)
    assert thresholds.tolist() == [-4, -4, -4]
    assert invert.tolist() == [False, False, True]
    assert np.all(ours == [True, True, False])


def test_a_threshold_outside_the_range_is_a_constant():
    _, invert, ours, _ = table(norm_of([(1, 0, 99, 1), (-1, 0, 99, 1)]), -4, 4)
    assert invert.tolist() == [True, False]
    assert np.all(ours == [False, True])


def test_a_range_of_one_value():
    _, _, ours, torchs = table(norm_of([(1, 0, 2, 1), (-1, 0, 2, 1)]), 2, 2)
    assert np.array_equal(ours, torchs)


def test_a_sign_without_norm_switches_at_zero():
    thresholds, invert = sign_thresholds(nn.Identity(), [-5, 1, -9], [5, 9, -1])
    assert thresholds.tolist() == [0, 1, -9]
    assert invert.tolist() == [False, False, True]


def test_huge_ranges_are_bisected():
    bound = 2 ** 50
    thresholds, _ = sign_thresholds(norm_of([(1, 0, 12345, 1)]), [-bound], [bound])
    assert thresholds.tolist() == [12345]


def test_an_empty_range_is_refused():
    with refused(SpecError, "low must be at most high, not 4 > 3 at output 1"):
        sign_thresholds(nn.Identity(), [0, 4], [0, 3])
