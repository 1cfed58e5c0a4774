import torch

from hwgen.compress import binarise, round_half_even, round_half_up

X = [-2.0, -1.0, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.5]


def gradient(function, x):
    x = torch.tensor(x, requires_grad=True)
    function(x).backward(torch.arange(1.0, len(x) + 1))
    return x.grad.tolist()


def test_binarise_takes_zero_as_plus_one():
    assert binarise(torch.tensor(X)).tolist() == [-1, -1, -1, 1, 1, 1, 1, 1, 1, 1]


def test_binarise_keeps_the_dtype():
    assert binarise(torch.zeros(1, dtype=torch.float64)).dtype == torch.float64


def test_binarise_passes_the_gradient_where_at_most_one():
    assert gradient(binarise, X) == [0, 2, 3, 4, 5, 6, 7, 8, 0, 0]


def test_round_half_up():
    assert round_half_up(torch.tensor(X)).tolist() == [-2, -1, 0, 0, 0, 0, 1, 1, 2, 3]


def test_round_half_even():
    assert round_half_even(torch.tensor(X)).tolist() == [-2, -1, 0, 0, 0, 0, 0, 1, 2, 2]


def test_rounding_passes_the_gradient_unchanged():
    for function in (round_half_up, round_half_even):
        assert gradient(function, X) == list(range(1, len(X) + 1))


def test_rounding_gives_whole_numbers_in_float32(rng):
    # `x + (round(x) - x).detach()`, the usual form, fails this.
    x = torch.from_numpy(rng.normal(0, 50, 10_000)).float()
    for function in (round_half_up, round_half_even):
        assert torch.equal(function(x), function(x).round())
