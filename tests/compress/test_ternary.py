"""Ternary weights against their equations, on plain numbers."""

import itertools

import numpy as np
import pytest
import torch

from hwgen.compress import (
    FixedTernaryWeights,
    IntegerLinear,
    TernaryLinear,
    TwoScaleTernaryLinear,
)
from hwgen.numeric import Planes, Ternary


def test_ternary_threshold_is_of_the_mean():
    layer = TernaryLinear(4, 1)
    layer.weight.data = torch.tensor([[1.0, -0.36, 0.34, -0.3]])  # mean 0.5, delta 0.35
    assert layer.integer_weight().tolist() == [[1, -1, 0, 0]]
    assert layer.format == Ternary()


def test_two_scales():
    layer = TwoScaleTernaryLinear(4, 1, bits=3)
    layer.weight.data = torch.tensor([[1.0, -0.051, 0.05, -0.9]])
    layer.quantiser.scales.data = torch.tensor([3 / 7, 5 / 7])
    layer(torch.tensor([[1.0, 10.0, 100.0, 1000.0]])).sum().backward()
    assert layer.integer_weight().tolist() == [[3, -5, 0, -5]]
    assert layer.format == Planes((3, -5))
    assert layer.weight.grad.tolist() == [[3, 50, 100, 5000]]
    assert layer.quantiser.scales.grad.tolist() == [7, -7 * 1010]


def test_two_scales_stay_positive():
    layer = TwoScaleTernaryLinear(4, 1, bits=3)
    layer.quantiser.scales.data = torch.tensor([-1.0, 2.0])
    layer.constrain()
    assert layer.quantiser.integer_scales().tolist() == [1, 7]


def loss(w, t):
    """Least of ``|w - delta t|**2`` over delta."""
    norm = float(t @ t)
    return float(w @ w) - (float(w @ t) ** 2 / norm if norm else 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_the_step_of_fixed_ternary_is_the_best_of_all_assignments(seed):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=7) ** 3 if seed % 2 else rng.uniform(-1, 1, 7)
    layer = IntegerLinear(7, 1, FixedTernaryWeights()).double()
    layer.weight.data = torch.from_numpy(w)[None]
    t, delta = layer.integer_weight().detach().numpy()[0], layer.quantiser.delta(layer.weight)
    every = np.array(list(itertools.product((-1, 0, 1), repeat=7)), dtype=float)
    best = min(loss(w, other) for other in every)
    assert np.square(w - delta * t).sum() == pytest.approx(best, rel=1e-12)


def test_fixed_ternary_is_the_paper_s_rounding_by_its_step():
    layer = IntegerLinear(60, 20, FixedTernaryWeights()).double()
    torch.nn.init.normal_(layer.weight, std=0.2)
    w, delta = layer.weight.detach().numpy(), layer.quantiser.delta(layer.weight)
    paper = np.sign(w) * np.minimum(np.floor(np.abs(w) / delta + 0.5), 1)
    assert np.array_equal(layer.integer_weight().detach().numpy(), paper)
    # The known step for a normal distribution: 1.22 of its deviation.
    assert delta / w.std() == pytest.approx(1.22, abs=0.05)


def test_equal_magnitudes_are_treated_alike():
    layer = IntegerLinear(6, 1, FixedTernaryWeights())
    layer.weight.data = torch.tensor([[1.0, -0.5, 0.5, -0.5, 0.1, 0.0]])
    assert layer.integer_weight().tolist() == [[1, -1, 1, -1, 0, 0]]
    layer.weight.data.zero_()
    assert layer.integer_weight().tolist() == [[0] * 6]
