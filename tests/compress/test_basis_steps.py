"""Activations of ABC-Net and LQ-Nets against their equations, on plain numbers."""

import itertools

import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import AbcActivation, LqActivation
from hwgen.numeric import Planes, SpecError

GRID = torch.arange(-64, 65).double() / 16


def abc(x, shifts, betas):
    """The paper's sum of shifted signs, on one number."""
    return sum(beta * (2 * (min(max(x + v, 0), 1) >= 0.5) - 1)
               for v, beta in zip(shifts, betas, strict=True))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_abc_is_the_paper_s_sum(count):
    layer = AbcActivation(count).double()
    layer.shifts.data += torch.linspace(-0.3, 0.2, count).double()
    layer.betas.data += torch.linspace(0.4, -0.1, count).double()
    shifts, betas = layer.shifts.tolist(), (layer.bases() / 8).tolist()
    assert (layer(GRID) / 8).tolist() == [abc(x, shifts, betas) for x in GRID.tolist()]
    assert layer.format == Planes.of_bases([int(8 * beta) for beta in betas])


def test_abc_ties_go_up():
    layer = AbcActivation(1)
    layer.shifts.data = torch.tensor([0.25])
    up = int(layer.bases())
    assert layer(torch.tensor([0.25 - 2 ** -20, 0.25])).tolist() == [-up, up]


def test_abc_trains_shifts_and_betas():
    layer = AbcActivation(2)
    layer.shifts.data = torch.tensor([0.5, -0.5])
    x = torch.tensor([-0.6, 0.2, 0.7, 1.6], requires_grad=True)
    grad = torch.tensor([1.0, 2.0, 4.0, 8.0])
    layer(x).backward(grad)
    low, high = layer.bases().tolist()
    # Inside 0 <= x + v <= 1: of the first base 0.2, of the second 0.7.
    assert layer.shifts.grad.tolist() == [2 * low, 4 * high]
    assert x.grad.tolist() == [0, 2 * low, 4 * high, 0]
    # A_1 = - + + + and A_2 = - - - +, and 8 steps make 1.
    assert layer.betas.grad.tolist() == [8 * (-1 + 2 + 4 + 8), 8 * (-1 - 2 - 4 + 8)]


def test_abc_betas_stay_positive():
    layer = AbcActivation(2)
    layer.betas.data = torch.tensor([-3.0, 9.0])
    with refused(SpecError, "AbcActivation: betas must be at least one step, not [-24, 72] steps:"
                            " call constrain()"):
        print(layer.format)
    layer.constrain()
    assert layer.bases().tolist() == [1, 32]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_abc_begins_near_a_normal_distribution(count):
    x = np.random.default_rng(0).normal(size=20_000)
    y = AbcActivation(count).double()(torch.from_numpy(x)).detach().numpy() / 8
    # The least errors of 2 to 5 even levels (Max 1960); betas are rounded to 1/8.
    assert np.square(y - x).mean() < 1.15 * {1: 0.363, 2: 0.190, 3: 0.119, 4: 0.082}[count]


def codes(count, signs):
    return np.array(list(itertools.product((-1, 1) if signs else (0, 1), repeat=count)))


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_lq_is_the_nearest_of_all_levels(bits, signs):
    layer = LqActivation(bits, signs=signs).double().eval()
    integers, step = layer.integer_basis()
    levels = codes(bits, signs) @ integers
    x = torch.from_numpy(np.random.default_rng(0).normal(0, 2, 500))
    wanted = levels[np.abs(x.numpy()[:, None] - levels * step).argmin(axis=1)]
    assert np.array_equal(layer(x).numpy(), wanted)
    assert set(layer.format.levels) == set(levels)


@pytest.mark.parametrize("signs", [False, True])
def test_a_forward_in_training_is_a_round_of_qem(signs):
    layer = LqActivation(2, signs=signs).double()
    before = layer.basis.numpy().copy()
    x = np.random.default_rng(1).normal(0.2, 1, (50, 40))
    x = x if signs else np.maximum(x, 0)
    all_codes = codes(2, signs)
    b = all_codes[np.abs(x.reshape(-1, 1) - all_codes @ before).argmin(axis=1)].T
    found = np.sort(np.abs(np.linalg.inv(b @ b.T) @ b @ x.ravel()))
    layer(torch.from_numpy(x))
    assert layer.basis.numpy() == pytest.approx(0.9 * before + 0.1 * found)
    after = layer.basis.clone()
    layer.eval()(torch.from_numpy(x))
    assert torch.equal(layer.basis, after)


def test_lq_finds_the_levels_of_its_inputs():
    rng = np.random.default_rng(2)
    x = torch.from_numpy(rng.choice([0, 0.5, 1.25, 1.75], 4_000) + rng.normal(0, 0.01, 4_000))
    layer = LqActivation(2).double()
    for _ in range(80):
        layer(x)
    assert layer.basis.numpy() == pytest.approx([0.5, 1.25], abs=0.01)
    integers, _ = layer.integer_basis()
    assert integers == [6, 15]
    assert layer.format == Planes((6, 15))


def test_lq_passes_the_gradient_between_its_outer_levels():
    layer = LqActivation(2).eval()
    layer.basis.copy_(torch.tensor([1.0, 2.0]))
    x = torch.tensor([-0.1, 0.1, 2.9, 3.1], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == pytest.approx([0, 7.5, 7.5, 0])


def test_a_batch_of_zeros_leaves_a_basis():
    layer = LqActivation(2)
    for _ in range(500):
        layer(torch.zeros(3, 4))
    assert layer.integer_basis()[0][1] == 15
    assert torch.isfinite(layer.basis).all()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: AbcActivation(5), "AbcActivation: bases must be in 1..4, not 5"),
    (lambda: LqActivation(0), "LqActivation: bits must be in 1..4, not 0"),
])
def test_amounts_are_checked(make, message):
    with refused(SpecError, message):
        make()
