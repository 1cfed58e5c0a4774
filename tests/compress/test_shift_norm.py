"""The shift-based batch norm against its algorithm, on plain numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwgen.compress import ShiftBatchNorm, ShiftBatchNorm2d, ap2


@given(st.floats(-1e30, 1e30).filter(lambda x: abs(x) > 1e-30))
def test_ap2_is_the_nearest_power_in_the_logarithm(x):
    found = float(ap2(torch.tensor(x, dtype=torch.float64)))
    exponent = math.log2(abs(found))
    assert exponent == int(exponent)
    assert math.copysign(1, found) == math.copysign(1, x)
    assert abs(math.log2(abs(x)) - exponent) <= 0.5 + 1e-12


def test_ap2_of_some_numbers():
    x = torch.tensor([0.0, 1.0, -1.4, 1.42, 3.0, -0.7, 0.71, float("inf")])
    assert ap2(x).tolist() == [0, 1, -1, 2, 4, -0.5, 0.5 * 2, float("inf")]


def power(x):
    return math.copysign(2.0 ** round(math.log2(abs(x))), x) if x else 0.0


def test_training_is_the_algorithm_of_the_paper():
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.normal(2, 5, 200), 0.7, -0.3
    norm = ShiftBatchNorm(1).double()
    norm.weight.data.fill_(gamma)
    norm.bias.data.fill_(beta)
    c = x - x.mean()
    var = np.mean([v * power(v) for v in c])
    wanted = c * power(1 / math.sqrt(var + norm.eps)) * power(gamma) + beta
    assert norm(torch.from_numpy(x)[:, None])[:, 0].tolist() == pytest.approx(wanted)
    assert float(norm.running_mean) == pytest.approx(0.1 * x.mean())
    assert float(norm.running_var) == pytest.approx(0.9 + 0.1 * var)


def test_evaluation_multiplies_by_powers_of_two():
    norm = ShiftBatchNorm(3).double().eval()
    norm.weight.data = torch.tensor([0.75, -3.0, 0.0]).double()
    norm.running_var.data = torch.tensor([9.0, 0.1, 5.0]).double()
    norm.running_mean.data = torch.tensor([1.0, 2.0, 3.0]).double()
    # In the logarithm 1 / 3 is nearest to 1 / 4 and 1 / sqrt(0.1) to 4.
    assert norm.scale().tolist() == [0.25, -16, 0]
    assert norm(torch.tensor([[9.0, 9, 9]]).double()).tolist() == [[2, -112, 0]]


def test_all_parameters_are_trained():
    norm = ShiftBatchNorm(4)
    x = torch.randn(30, 4, requires_grad=True)
    (norm(x) * torch.randn(30, 4)).sum().backward()
    for tensor in (norm.weight, norm.bias, x):
        assert torch.isfinite(tensor.grad).all()
        assert torch.count_nonzero(tensor.grad) == tensor.numel()


def test_maps_are_normalised_by_channel():
    torch.manual_seed(0)
    flat, maps = ShiftBatchNorm(3), ShiftBatchNorm2d(3)
    x = torch.randn(4, 3, 2, 5) * 3 + 1
    rows = x.permute(0, 2, 3, 1).flatten(0, 2)
    for _ in range(2):
        wanted = flat(rows).unflatten(0, (4, 2, 5)).permute(0, 3, 1, 2)
        assert torch.equal(maps(x), wanted)
        flat.eval(), maps.eval()
