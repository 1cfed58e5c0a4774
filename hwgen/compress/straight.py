"""Straight-through estimators: the exact forward of a quantiser with a usable gradient."""

import torch

__all__ = ["binarise", "binarise_approx", "passed", "round_half_even", "round_half_up"]


class _Binarise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype).mul_(2).sub_(1)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


def binarise(x):
    """``+1`` where ``x >= 0``, else ``-1``; so ``binarise(0) = +1``.

    The gradient is ``grad * 1{|x| <= 1}`` (BNN, arXiv 1602.02830, eq. 4).
    """
    return _Binarise.apply(x)


class _BinariseApprox(_Binarise):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (2 - 2 * x.abs()).clamp_min(0)


def binarise_approx(x):
    """As :func:`binarise`, with the gradient ``2 - 2 |x|`` within ``-1 .. 1`` (arXiv 1808.00278).

    That of the piecewise polynomial ``2x + x**2`` below 0 and ``2x - x**2`` above it, which is
    nearer to the step than a clipped line.
    """
    return _BinariseApprox.apply(x)


class _Round(torch.autograd.Function):
    """Integers exactly; ``x + (round(x) - x).detach()`` would leave them by a rounding error."""

    @staticmethod
    def forward(ctx, x, ties_up):
        return torch.floor(x + 0.5) if ties_up else torch.round(x)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def round_half_up(x):
    """``floor(x + 1/2)``, ties towards +infinity; the gradient passes unchanged."""
    return _Round.apply(x, True)


def round_half_even(x):
    """Nearest integer, ties to even; the gradient passes unchanged."""
    return _Round.apply(x, False)


class _Passed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, values):
        return values.to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def passed(x, values):
    """``values`` in the dtype of ``x``; the gradient passes to ``x`` unchanged."""
    return _Passed.apply(x, values)
