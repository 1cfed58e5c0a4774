"""Integer weights of each family against its equation, on plain numbers."""

import itertools
import math

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import (
    BinaryLinear,
    DoReFaLinear,
    MultiBaseLinear,
    ScaledBinaryLinear,
    TernaryLinear,
    TwoScaleTernaryLinear,
    WrpnLinear,
)
from hwgen.numeric import Bipolar, Planes, SpecError, Ternary

FAMILIES = {
    "binary": BinaryLinear,
    "xnor": ScaledBinaryLinear,
    **{f"dorefa{bits}": lambda n, m, bits=bits: DoReFaLinear(n, m, bits=bits)
       for bits in (1, 2, 4)},
    **{f"wrpn{bits}": lambda n, m, bits=bits: WrpnLinear(n, m, bits=bits) for bits in (2, 3)},
    "twn": TernaryLinear,
    "ttq": TwoScaleTernaryLinear,
    **{f"bases{m}": lambda n, k, m=m: MultiBaseLinear(n, k, bases=m) for m in (1, 2, 3)},
}


def seeded(make, *sizes):
    torch.manual_seed(0)
    return make(*sizes)


@pytest.mark.parametrize("name", FAMILIES)
def test_weights_are_integers_of_the_format(name):
    layer = seeded(FAMILIES[name], 40, 30)
    weights = layer.integer_weight().detach().numpy()
    assert weights.dtype == np.float32
    assert np.array_equal(weights, np.rint(weights))
    assert layer.format.allowed(weights.astype(np.int64)).all()
    assert layer.format.planes is not None
    unused = {"wrpn2": {-2}, "wrpn3": {-4}, "ttq": {0}}.get(name, set())
    assert set(weights.ravel()) | unused == set(layer.format.levels.tolist()) | unused


@pytest.mark.parametrize("name", FAMILIES)
def test_weights_get_a_gradient_and_stay_in_range(name):
    layer = seeded(FAMILIES[name], 12, 6)
    layer(torch.ones(2, 12)).sum().backward()
    assert torch.count_nonzero(layer.weight.grad) > 60
    layer.weight.data.mul_(3)
    layer.constrain()
    assert float(layer.weight.detach().abs().max()) == 1


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_dorefa(bits):
    layer = DoReFaLinear(5, 4, bits=bits)
    w = layer.weight.detach().double()
    top = 2 ** bits - 1
    peak = max(abs(math.tanh(v)) for v in w.flatten().tolist())
    paper = [2 * round(top * (math.tanh(v) / (2 * peak) + 0.5)) / top - 1
             for v in w.flatten().tolist()]
    ours = layer.double().integer_weight().detach() / top
    assert ours.flatten().tolist() == pytest.approx(paper)


def test_dorefa_of_two_bits_has_two_planes_of_signs():
    assert DoReFaLinear(2, 2, bits=2).format == Planes.of_bases((1, 2))
    assert DoReFaLinear(2, 2, bits=1).format == Bipolar()


def test_wrpn():
    layer = WrpnLinear(5, 1, bits=3)
    layer.weight.data = torch.tensor([[-2.0, -0.49, 0.1, 0.2, 0.9]])
    assert layer.integer_weight().tolist() == [[-3, -1, 0, 1, 3]]


def test_ternary_threshold_is_of_the_mean():
    layer = TernaryLinear(4, 1)
    layer.weight.data = torch.tensor([[1.0, -0.36, 0.34, -0.3]])  # mean 0.5, delta 0.35
    assert layer.integer_weight().tolist() == [[1, -1, 0, 0]]
    assert layer.format == Ternary()


def test_two_scales():
    layer = TwoScaleTernaryLinear(4, 1, bits=3)
    layer.weight.data = torch.tensor([[1.0, -0.051, 0.05, -0.9]])
    layer.scales.data = torch.tensor([3 / 7, 5 / 7])
    layer(torch.tensor([[1.0, 10.0, 100.0, 1000.0]])).sum().backward()
    assert layer.integer_weight().tolist() == [[3, -5, 0, -5]]
    assert layer.format == Planes((3, -5))
    assert layer.weight.grad.tolist() == [[3, 50, 100, 5000]]
    assert layer.scales.grad.tolist() == [7, -7 * 1010]


def test_two_scales_stay_positive():
    layer = TwoScaleTernaryLinear(4, 1, bits=3)
    layer.scales.data = torch.tensor([-1.0, 2.0])
    layer.constrain()
    assert layer.integer_scales().tolist() == [1, 7]


def test_the_xnor_scale_is_the_nearest():
    layer = seeded(ScaledBinaryLinear, 50, 3)
    w, signs = layer.weight.detach(), layer.integer_weight().detach()
    alpha = layer.scale().detach()
    least = torch.stack([((w - a * signs) ** 2).sum(1) for a in torch.linspace(0, 1, 1001)]).amin(0)
    assert torch.all(((w - alpha[:, None] * signs) ** 2).sum(1) <= least + 1e-6)
    x = torch.randn(2, 50)
    assert torch.allclose(layer(x), torch.nn.functional.linear(x, alpha[:, None] * signs),
                          atol=1e-5)


@pytest.mark.parametrize("count", [1, 2])
def test_bases_are_the_best_of_all(count):
    """The alternating fit against every basis of a fine grid."""
    layer = seeded(lambda: MultiBaseLinear(20, 10, bases=count))
    torch.nn.init.normal_(layer.weight, std=0.3)
    for _ in range(30):
        layer.fit(0.0)
    w = layer.weight.detach().numpy().ravel()

    def error(bases):
        levels = np.array([np.dot(s, bases) for s in itertools.product((-1, 1), repeat=count)])
        return np.square(np.abs(w[:, None] - levels).min(axis=1)).sum()

    grid = np.linspace(0.02, 0.9, 45)
    best = min(error(bases) for bases in itertools.product(grid, repeat=count))
    assert error(layer.bases.numpy()) <= 1.03 * best
    assert error(np.array(layer.integer_bases()) * layer.step) <= 1.06 * best


def test_bases_are_fitted_in_training_only():
    layer = seeded(lambda: MultiBaseLinear(20, 10, bases=2))
    torch.nn.init.normal_(layer.weight, std=0.1)
    before = layer.bases.clone()
    layer.eval()(torch.ones(1, 20))
    assert torch.equal(layer.bases, before)
    layer.train()(torch.ones(1, 20))
    assert not torch.equal(layer.bases, before)


def test_each_weight_takes_the_nearest_level():
    layer = seeded(lambda: MultiBaseLinear(9, 7, bases=3))
    levels = layer.format.levels * layer.step
    w = layer.weight.detach().double().numpy()
    nearest = layer.format.levels[np.abs(w[..., None] - levels).argmin(axis=-1)]
    assert np.array_equal(layer.integer_weight().detach().numpy(), nearest)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: DoReFaLinear(1, 1, bits=0), "DoReFaLinear: bits must be in 1..8, not 0"),
    (lambda: WrpnLinear(1, 1, bits=1), "WrpnLinear: bits must be in 2..8, not 1"),
    (lambda: TernaryLinear(1, 0), "TernaryLinear: n_out must be at least 1, not 0"),
    (lambda: TwoScaleTernaryLinear(1, 1, bits=7),
     "TwoScaleTernaryLinear: bits must be in 1..6, not 7"),
    (lambda: MultiBaseLinear(1, 1, bases=5), "MultiBaseLinear: bases must be in 1..4, not 5"),
])
def test_amounts_are_checked(make, message):
    with refused(SpecError, message):
        make()
