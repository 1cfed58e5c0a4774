"""Products in bfloat16 against exact integer arithmetic."""

import numpy as np
import pytest
import torch

from hwgen.compress import products
from hwgen.compress.products import integer_products, linear


def drawn(rng, levels, shape):
    return torch.from_numpy(rng.choice(levels, shape)).float()


def rounded(exact):
    """Integers (float64) rounded to 8 significant bits, ties to even."""
    exponent = np.maximum(np.frexp(exact)[1] - 8, 0)
    return np.round(exact * 2.0 ** -exponent) * 2.0 ** exponent


@pytest.mark.parametrize(("x_levels", "w_levels"), [
    ((-1, 1), (-1, 1)), ((0, 1, 2, 3), (-3, -1, 1, 3)), (range(256), (-1, 0, 1)),
    (range(256), (-15, 4, 7)),
])
def test_the_product_is_exact_and_then_rounded_once(rng, x_levels, w_levels):
    x, w = drawn(rng, list(x_levels), (33, 700)), drawn(rng, list(w_levels), (17, 700))
    with integer_products():
        y = linear(x, w)
    exact = x.numpy().astype(np.float64) @ w.numpy().astype(np.float64).T
    assert np.array_equal(y.numpy(), rounded(exact))


def test_the_gradient_is_that_of_integers_with_a_common_step(rng):
    x, w = drawn(rng, (-1, 1), (50, 90)), drawn(rng, (-1, 1), (20, 90))
    grad = torch.from_numpy(rng.normal(0, 1e-4, (50, 20))).float()
    x.requires_grad_(), w.requires_grad_()
    with integer_products():
        linear(x, w).backward(grad)
    high, low, step = (part.double().numpy() for part in products.split(grad))
    for found, pair in ((x.grad, [part @ w.detach().double().numpy() for part in (high, low)]),
                        (w.grad, [part.T @ x.detach().double().numpy() for part in (high, low)])):
        upper, lower = (np.float32(rounded(exact)) for exact in pair)
        assert np.array_equal(found.numpy(), (upper + lower / np.float32(512)) * np.float32(step))
    assert np.allclose(x.grad.numpy(), grad.numpy() @ w.detach().numpy(), rtol=0.02, atol=1e-6)


def test_the_split_of_a_gradient_holds_17_bits(rng):
    grad = torch.from_numpy(rng.normal(0, 3e-7, (40, 30))).float()
    high, low, step = products.split(grad)
    assert float(high.abs().max()) <= 256
    assert float(low.abs().max()) <= 256
    joined = (high.double() + low.double() / 512) * step.double()
    assert float((joined - grad.double()).abs().max()) <= float(grad.abs().max()) / 2 ** 16
    assert torch.equal(products.split(torch.zeros(2, 2))[0], torch.zeros(2, 2).bfloat16())


def test_outside_the_context_it_is_the_plain_product(rng):
    x, w = drawn(rng, (0.1, 0.7), (5, 9)), drawn(rng, (-1, 1), (3, 9))
    bias = torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(linear(x, w, bias), torch.nn.functional.linear(x, w, bias))
    with integer_products():
        doubles = linear(x.double(), w.double())
        with integer_products(False):
            assert torch.equal(linear(x, w), torch.nn.functional.linear(x, w))
    assert torch.equal(doubles, torch.nn.functional.linear(x.double(), w.double()))


def test_a_bias_is_added_behind_the_rounding(rng):
    x, w = torch.ones(1, 301), torch.ones(1, 301)
    with integer_products():
        assert linear(x, w, torch.tensor([1.0])).item() == 300 + 1
