import numpy as np
import pytest
import torch
from cases.errors import refused

from hwgen.compress import (
    AbcActivation,
    BitwiseSign,
    HorqSign,
    LqActivation,
    ResidualSign,
    Sign,
    StepActivation,
)
from hwgen.numeric import Fixed, Planes, SpecError

GRID = torch.arange(-64, 65).double() / 16


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_dorefa_is_the_paper_s_quantiser_up_to_its_factor(bits):
    top = 2 ** bits - 1
    x = torch.linspace(-1, 2, 3001).double()
    paper = torch.floor(top * x.clamp(0, 1) + 0.5) / top
    ours = StepActivation.dorefa(bits)(x)
    assert np.array_equal(ours.numpy() / top, paper.numpy())
    assert ours.unique().tolist() == list(range(top + 1))


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_hwgq_steps_lose_least_of_a_half_gaussian(bits):
    x = np.abs(np.random.default_rng(0).normal(size=40_000))

    def loss(step):
        return np.square(step * np.clip(np.floor(x / step + 0.5), 1, 2 ** bits - 1) - x).mean()

    layer = StepActivation.hwgq(bits)
    assert loss(layer.step) < 1.01 * min(loss(s) for s in np.linspace(0.05, 1.2, 200))
    ours = layer.step * layer(torch.from_numpy(x)).numpy()
    assert np.square(ours - x).mean() == pytest.approx(loss(layer.step))


def test_hwgq_is_zero_up_to_zero():
    layer = StepActivation.hwgq(2)
    x = torch.tensor([-9, 0, 1e-30, 0.8, 0.81, 1.34, 1.35, 9])
    assert layer(x).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("layer", [
    Sign(), StepActivation.dorefa(2), StepActivation.hwgq(3), StepActivation(2, 0.7),
    ResidualSign(1), ResidualSign(2), ResidualSign(3), ResidualSign(4), HorqSign(2), HorqSign(3),
    AbcActivation(1), AbcActivation(3), LqActivation(2), LqActivation(3, signs=True),
    BitwiseSign(0.5),
], ids=repr)
def test_the_result_is_the_level_of_the_index_and_never_falls(layer):
    x = torch.linspace(-4, 4, 2001).double()
    layer = layer.double().eval()
    index = layer.index(x).long().numpy()
    assert np.array_equal(layer.format.levels[index], layer(x).detach().numpy())
    assert np.all(np.diff(index) >= 0)
    assert index.min() == 0
    assert index.max() == len(layer.format.levels) - 1


def test_the_format_of_steps_is_unsigned():
    assert StepActivation.dorefa(3).format == Fixed(3, 0, False)


def test_the_gradient_passes_inside_the_clip():
    x = torch.tensor([-0.1, 0.0, 0.4, 1.1, 1.2], requires_grad=True)
    StepActivation.dorefa(2)(x).sum().backward()
    assert x.grad.tolist() == pytest.approx([0, 3, 3, 3, 0])


@pytest.mark.parametrize(("make", "message"), [
    (lambda: StepActivation(0, 1), "StepActivation: bits must be in 1..8, not 0"),
    (lambda: StepActivation.dorefa(9), "StepActivation: bits must be in 1..8, not 9"),
    (lambda: StepActivation(2, 0), "StepActivation: step must be a number above 0, not 0"),
    (lambda: StepActivation(2, float("nan")),
     "StepActivation: step must be a number above 0, not nan"),
    (lambda: StepActivation.hwgq(5), "StepActivation: bits of hwgq must be in 2..4, not 5"),
    (lambda: ResidualSign(5), "ResidualSign: levels must be in 1..4, not 5"),
    (lambda: HorqSign(0), "HorqSign: levels must be in 1..4, not 0"),
])
def test_amounts_are_checked(make, message):
    with refused(SpecError, message):
        make()


def residual(x, gammas):
    """The paper's recursion, on numbers."""
    total = 0.0
    for gamma in gammas:
        bit = 1 if x - total >= 0 else -1
        total += gamma * bit
    return total


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_residual_sign_is_the_paper_s_recursion(levels):
    layer = ResidualSign(levels).double()
    gammas = (layer.bases() / 8).tolist()
    assert (layer(GRID) / 8).tolist() == [residual(x, gammas) for x in GRID.tolist()]


def test_more_levels_leave_a_smaller_error():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=5_000))
    errors = [float((ResidualSign(m).double()(x).detach() / 8 - x).square().mean())
              for m in (1, 2, 3)]
    assert errors[0] > 2 * errors[1] > 3 * errors[2]


def test_gammas_have_the_gradient_of_their_signs():
    layer = ResidualSign(2)
    x = torch.tensor([0.1, 0.9, -0.2, -3.0], requires_grad=True)
    layer(x).sum().backward()
    assert layer.gammas.grad.tolist() == [8 * (1 + 1 - 1 - 1), 8 * (-1 + 1 + 1 - 1)]
    assert x.grad.tolist() == [8, 8, 8, 0]


def test_constrain_keeps_gammas_apart():
    layer = ResidualSign(3)
    layer.gammas.data = torch.tensor([0.1, 0.7, -2.0])
    layer.constrain()
    assert layer.bases().tolist() == [8, 6, 1]
    assert layer.format == Planes.of_bases((1, 6, 8))
    assert layer.format.levels.tolist() == [-15, -13, -3, -1, 1, 3, 13, 15]


@pytest.mark.parametrize("gammas", [[5.0, 4.5], [0.0, 9.0, 9.0], [9.0] * 4, [0.0, 0.0, 4.0, 0.0]])
def test_constrain_makes_room_for_the_gammas_before(gammas):
    layer = ResidualSign(len(gammas))
    with torch.no_grad():
        layer.gammas.copy_(torch.tensor(gammas))
    layer.constrain()
    assert layer.format.bits == len(gammas)     # else it is refused
    assert float(layer.gammas.detach().max()) <= 4


def test_gammas_that_fold_back_are_refused():
    layer = ResidualSign(2)
    layer.gammas.data = torch.tensor([0.5, 0.5])
    with refused(SpecError, "ResidualSign: gamma 0 must be above the sum of those behind it, not 4"
                            " of [4, 4] steps: call constrain()"):
        print(layer.format)


def horq(x, levels):
    """The paper's scales of one tensor, in numpy."""
    rest, scales = x.copy(), []
    for _ in range(levels):
        scales.append(np.abs(rest).mean())
        rest = rest - scales[-1] * np.where(rest >= 0, 1, -1)
    return scales


@pytest.mark.parametrize("levels", [1, 2])
def test_horq_averages_the_scales_of_its_inputs(levels):
    layer, rng = HorqSign(levels).double(), np.random.default_rng(0)
    running = layer.gammas.numpy().copy()
    for _ in range(3):
        x = rng.normal(0, 1.5, (40, 25))
        running = 0.9 * running + 0.1 * np.array(horq(x, levels))
        layer(torch.from_numpy(x))
        assert layer.gammas.numpy() == pytest.approx(running)
    layer.eval()(torch.from_numpy(5 * x))
    assert layer.gammas.numpy() == pytest.approx(running)


def test_horq_is_the_recursion_with_these_scales():
    layer, rng = HorqSign(2).double(), np.random.default_rng(1)
    for _ in range(60):
        layer(torch.from_numpy(rng.normal(size=500)))
    gammas = (layer.bases() / 32).tolist()
    assert gammas == pytest.approx([0.8, 0.48], abs=0.06)
    layer.eval()
    assert (layer(GRID) / 32).tolist() == [residual(x, gammas) for x in GRID.tolist()]
    assert not list(layer.parameters())


def test_horq_lifts_a_scale_that_is_not_above_those_behind_it():
    layer, x = HorqSign(3).double(), torch.zeros(10).double()
    x[0] = 8.0  # means: 0.8, then (7.2 + 9 * 0.8) / 10 = 1.44 ...
    for _ in range(80):
        layer(x)
    bases = layer.bases().tolist()
    assert bases[0] > bases[1] + bases[2]
    assert bases[1] > bases[2]
    assert layer.format == Planes.of_bases([int(base) for base in reversed(bases)])
