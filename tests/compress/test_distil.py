import numpy as np
import pytest
import torch

from hwgen.compress import distillation_loss


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("alpha", "temperature"), [(0.7, 4.0), (0.0, 2.0), (1.0, 1.0)])
def test_loss_is_the_formula(rng, alpha, temperature):
    student, teacher = rng.normal(0, 3, (2, 7, 5))
    labels = rng.integers(0, 5, 7)
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    soft = np.mean(np.sum(p * np.log(p / q), axis=1))
    hard = -np.mean(np.log(softmax(student)[np.arange(7), labels]))
    found = distillation_loss(torch.from_numpy(student), torch.from_numpy(teacher),
                              torch.from_numpy(labels), alpha=alpha, temperature=temperature)
    assert found.item() == pytest.approx(alpha * temperature ** 2 * soft + (1 - alpha) * hard)
