"""Weights of signed bases against their equations, in numpy."""

import itertools

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import (
    AbcWeights,
    AlternatingWeights,
    IntegerLinear,
    LqWeights,
    MultiBaseLinear,
)
from hwgen.numeric import Fixed, Planes, SpecError


def normal(kind, n_in=20, n_out=10, std=0.3):
    torch.manual_seed(0)
    layer = IntegerLinear(n_in, n_out, kind)
    torch.nn.init.normal_(layer.weight, std=std)
    kind.start(layer.weight)
    return layer, layer.weight.detach().double().numpy()


def error(w, bases):
    """Squared distance of ``w`` to the nearest of all sums of the bases with signs."""
    levels = np.array([np.dot(s, bases) for s in itertools.product((-1, 1), repeat=len(bases))])
    return np.square(np.abs(np.ravel(w)[:, None] - levels).min(axis=1)).sum()


def settled(layer, rounds=30):
    for _ in range(rounds):
        layer.quantiser.fit(layer.weight, keep=0.0)
    return layer


@pytest.mark.parametrize("count", [1, 2])
def test_learned_bases_are_the_best_of_all(count):
    """The alternating fit against every basis of a fine grid."""
    layer, w = normal(LqWeights(count))
    settled(layer)
    grid = np.linspace(0.02, 0.9, 45)
    best = min(error(w, bases) for bases in itertools.product(grid, repeat=count))
    assert error(w, layer.quantiser.bases.numpy()[0]) <= 1.03 * best
    integers, step = layer.quantiser.integer_bases(layer.weight)
    assert error(w, (integers * step).numpy()[0]) <= 1.06 * best


def test_a_round_of_qem_is_nearest_level_then_least_squares():
    layer, w = normal(LqWeights(2))
    before = layer.quantiser.bases.double().numpy()[0]
    codes = np.array(list(itertools.product((-1, 1), repeat=2)))
    b = codes[np.abs(w.ravel()[:, None] - codes @ before).argmin(axis=1)].T
    found = np.linalg.inv(b @ b.T) @ b @ w.ravel()
    layer.quantiser.fit(layer.weight, keep=0.0)
    assert layer.quantiser.bases.numpy()[0] == pytest.approx(found, abs=1e-6)


def test_bases_move_slowly_and_in_training_only():
    layer, _ = normal(LqWeights(2))
    layer.weight.data.mul_(0.3)
    before = layer.quantiser.bases.clone()
    layer.eval()(torch.ones(1, 20))
    assert torch.equal(layer.quantiser.bases, before)
    layer.train()(torch.ones(1, 20))
    after = layer.quantiser.bases.clone()
    layer.quantiser.bases.copy_(before)
    layer.quantiser.fit(layer.weight, keep=0.0)
    assert torch.allclose(after, 0.9 * before + 0.1 * layer.quantiser.bases)


def test_bases_of_a_channel_are_those_of_it_alone():
    layer, _ = normal(LqWeights(2, per_channel=True))
    settled(layer)
    for k in range(layer.n_out):
        alone = MultiBaseLinear(20, 1)
        alone.weight.data = layer.weight.detach()[k:k + 1]
        alone.quantiser.start(alone.weight)
        settled(alone)
        assert torch.allclose(layer.quantiser.bases[k], alone.quantiser.bases[0])
        assert torch.equal(layer.integer_weight()[k], alone.integer_weight()[0])
    most = int(layer.quantiser.integer_bases(layer.weight)[0].sum(dim=1).max())
    assert layer.format == Fixed.covering(-most, most)


def test_the_scale_of_a_channel_is_its_step():
    layer, w = normal(LqWeights(2, per_channel=True, scale_bits=6))
    settled(layer)
    real = (layer.integer_weight() * layer.scale()[:, None]).detach().numpy()
    shared, _ = normal(LqWeights(2, scale_bits=6))
    settled(shared)
    integers, step = shared.quantiser.integer_bases(shared.weight)
    assert np.square(real - w).sum() < error(w, (integers * step).numpy()[0])
    errors = [error(w[k], layer.quantiser.bases[k].numpy()) for k in range(10)]
    assert np.square(real - w).sum() == pytest.approx(sum(errors), rel=0.03)


@pytest.mark.parametrize("kind", [LqWeights(3), AlternatingWeights(3)], ids=repr)
def test_each_weight_takes_the_nearest_level(kind):
    layer, w = normal(kind, 9, 7)
    integers, step = kind.integer_bases(layer.weight)
    assert layer.format == Planes.of_bases(integers[0].long().tolist())
    levels = layer.format.levels * float(step)
    nearest = layer.format.levels[np.abs(w[..., None] - levels).argmin(axis=-1)]
    assert np.array_equal(layer.integer_weight().detach().numpy(), nearest)


@pytest.mark.parametrize("kind", [LqWeights, AlternatingWeights])
def test_one_basis_a_channel_is_the_binary_weight_network(kind):
    layer, w = normal(kind(1, per_channel=True))
    assert layer.format == Planes.of_bases((1,))
    assert np.array_equal(layer.integer_weight().detach().numpy(), np.sign(w))
    assert layer.scale().numpy() == pytest.approx(np.abs(w).mean(axis=1))


@pytest.mark.parametrize(("count", "scale_bits", "planes"), [(2, 4, 6), (2, 2, 4), (3, 4, 7),
                                                             (4, 3, 6)])
def test_bases_of_channels_take_so_many_planes_at_most(count, scale_bits, planes):
    layer, _ = normal(AlternatingWeights(count, per_channel=True, scale_bits=scale_bits), 30, 60)
    assert count < layer.format.bits <= planes


def alternating(w, count, rounds):
    """Algorithm 2 of arXiv 1802.00150, on one vector."""
    rest, alphas = w.copy(), []
    for _ in range(count):
        alphas.append(np.abs(rest).mean())
        rest = rest - alphas[-1] * np.where(rest >= 0, 1, -1)
    codes = np.array(list(itertools.product((-1, 1), repeat=count)))
    for _ in range(rounds):
        b = codes[np.abs(w[:, None] - codes @ alphas).argmin(axis=1)]
        alphas = np.linalg.lstsq(b, w, rcond=None)[0]
    return alphas


@pytest.mark.parametrize("rounds", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_alternating_is_the_algorithm_of_the_paper(count, rounds):
    layer, w = normal(AlternatingWeights(count, rounds=rounds, per_channel=True), 200, 4)
    ours = layer.quantiser.real_bases(layer.weight).numpy()
    for k in range(4):
        paper = np.abs(alternating(w[k], count, rounds))
        assert ours[k] == pytest.approx(paper, rel=1e-6)


def test_alternating_rounds_lose_less_than_greedy_ones():
    errors = []
    for rounds in (0, 1, 2):
        layer, w = normal(AlternatingWeights(2, rounds=rounds), 100, 20)
        errors.append(error(w, layer.quantiser.real_bases(layer.weight).numpy()[0]))
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_abc_bases_are_shifted_signs_and_their_alphas_of_least_squares(count):
    layer, w = normal(AbcWeights(count))
    shifts = [0] if count == 1 else [-1 + 2 * i / (count - 1) for i in range(count)]
    signs = np.array([np.where(w - w.mean() + u * w.std() >= 0, 1, -1) for u in shifts])
    assert np.array_equal(layer.quantiser.signs(layer.weight).numpy(), signs.reshape(count, -1))
    wanted = np.linalg.lstsq(signs.reshape(count, -1).T, w.ravel(), rcond=None)[0]
    assert layer.quantiser.alphas(layer.weight).numpy() == pytest.approx(wanted, rel=1e-6)
    gains = np.rint(wanted * (15 if count > 1 else 1) / np.abs(wanted).max())
    assert np.array_equal(layer.integer_weight().detach().numpy(),
                          np.tensordot(gains, signs, axes=1))
    assert layer.format == Planes.of_bases([int(gain) for gain in gains if gain])


def test_more_abc_bases_lose_less():
    errors = []
    for count in (1, 2, 3, 5):
        layer, w = normal(AbcWeights(count, scale_bits=8), 100, 20)
        real = layer.quantiser.alphas(layer.weight) @ layer.quantiser.signs(layer.weight)
        errors.append(np.square(real.numpy() - w.ravel()).sum())
    assert errors == sorted(errors, reverse=True)


def test_an_alpha_of_no_step_leaves_its_plane_out():
    layer = IntegerLinear(4, 1, AbcWeights(2))
    layer.weight.data = torch.tensor([[0.5, 0.5, -0.5, -0.5]])  # + + - - and + + + +
    assert layer.format == Planes.of_bases((15,))
    layer.weight.data = torch.full((1, 4), 0.5)  # both bases are the same
    assert layer.format == Planes.of_bases((15, 15))
    assert layer.integer_weight().tolist() == [[30] * 4]
    layer = IntegerLinear(4, 1, AbcWeights(3))
    layer.weight.data = torch.tensor([[1, -1, 0.01, -0.01]])  # alphas 0.495, 0.01, 0.495
    assert layer.format == Planes.of_bases((15, 15))
    assert layer.integer_weight().tolist() == [[30, -30, 0, 0]]


def test_abc_of_nothing_is_refused():
    layer = IntegerLinear(4, 1, AbcWeights(2))
    layer.weight.data.zero_()
    with refused(SpecError, "AbcWeights: weights must not all be 0, for which every alpha is 0"):
        print(layer.format)


def test_a_matrix_of_one_weight():
    for kind in (LqWeights(3), AlternatingWeights(3), AbcWeights(3)):
        layer = IntegerLinear(1, 1, kind)
        value = int(layer.integer_weight().detach())
        assert bool(layer.format.allowed(value))
        assert np.sign(value) == np.sign(float(layer.weight.detach()))
