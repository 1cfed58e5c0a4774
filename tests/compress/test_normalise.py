import numpy as np
import pytest
import torch
from cases.errors import refused
from torch import nn

from hwgen.compress import BatchNorm, fold_batch_norm
from hwgen.numeric import SpecError


def drawn(norm, rng):
    n = norm.num_features
    for tensor, values in ((norm.weight, rng.normal(0, 1, n)), (norm.bias, rng.normal(0, 1, n)),
                           (norm.running_mean, rng.normal(0, 9, n)),
                           (norm.running_var, rng.uniform(0.1, 99, n))):
        tensor.data.copy_(torch.from_numpy(values))
    return norm


def test_evaluation_is_the_stated_formula_to_the_last_bit(rng):
    norm = drawn(BatchNorm(5), rng).double().eval()
    x = rng.integers(-99, 99, (40, 5)).astype(np.float64)
    gamma, beta, mean, var = (t.detach().numpy() for t in (
        norm.weight, norm.bias, norm.running_mean, norm.running_var))
    expected = (x - mean) * (gamma / np.sqrt(var + norm.eps)) + beta
    assert np.array_equal(norm(torch.from_numpy(x)).detach().numpy(), expected)


def test_training_and_state_are_those_of_torch(rng):
    ours, torchs = drawn(BatchNorm(5), rng), nn.BatchNorm1d(5)
    torchs.load_state_dict(ours.state_dict())
    x = torch.from_numpy(rng.normal(0, 9, (20, 5))).float()
    assert torch.equal(ours(x), torchs(x))
    assert torch.equal(ours.running_var, torchs.running_var)
    assert torch.allclose(ours.eval()(x), torchs.eval()(x), atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_folded_layer_equals_layer_and_norm(rng, bias):
    linear, norm = nn.Linear(6, 4, bias=bias).double(), drawn(nn.BatchNorm1d(4), rng).double()
    weight, shift = fold_batch_norm(linear.weight, linear.bias, norm)
    x = torch.from_numpy(rng.normal(0, 1, (9, 6)))
    assert torch.allclose(nn.functional.linear(x, weight, shift), norm.eval()(linear(x)))


def test_a_norm_without_parameters_folds(rng):
    norm = nn.BatchNorm1d(3, affine=False).double()
    norm.running_mean.fill_(2)
    weight, shift = fold_batch_norm(torch.eye(3), None, norm)
    assert weight.diagonal().tolist() == pytest.approx([1 / np.sqrt(1 + 1e-5)] * 3)
    assert shift.tolist() == pytest.approx([-2 / np.sqrt(1 + 1e-5)] * 3)


def test_fold_refuses_what_is_no_norm():
    with refused(TypeError, "fold_batch_norm: norm must be a BatchNorm1d or BatchNorm2d, not"
                            " ReLU()"):
        fold_batch_norm(torch.eye(3), None, nn.ReLU())


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4), nn.BatchNorm1d(3, track_running_stats=False)])
def test_fold_refuses_another_size_or_no_statistics(norm):
    with refused(SpecError, f"fold_batch_norm: norm must have running statistics of 3 features,"
                            f" not {norm!r}"):
        fold_batch_norm(torch.eye(3), None, norm)


def test_size_is_checked():
    with refused(SpecError, "BatchNorm: n must be at least 1, not 0"):
        BatchNorm(0)
