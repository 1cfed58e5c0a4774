"""Products of small integers in bfloat16: fast, and the same bits whatever the kernel.

bfloat16 holds the integers up to 256, and its matrix kernels add up in float32, which is exact
below 2**24. So a product of two such matrices is exact in every order of summation: unlike that of
floats, it does not depend on the processor. On one with bfloat16 instructions it is also several
times faster.
"""

import contextlib
from contextvars import ContextVar

import torch
from torch.nn import functional as F

__all__ = ["integer_products", "linear"]

TOP = 256
"""Largest integer that bfloat16 and all below it hold."""

_enabled = ContextVar("integer_products", default=False)


@contextlib.contextmanager
def integer_products(enabled: bool = True):
    """Within, :func:`linear` multiplies in bfloat16, where its operands allow it."""
    token = _enabled.set(enabled)
    try:
        yield
    finally:
        _enabled.reset(token)


def linear(x, weight, bias=None):
    """``x @ weight.T + bias`` of matrices of integers ``(batch, n_in)``, ``(n_out, n_in)``.

    Exact in float32 and float64. Within :func:`integer_products` operands must be at most 256 in
    magnitude (sums below 2**24); results above 256 are rounded to bfloat16. The gradient of the
    result is split into two integers of a common power-of-two step, 17 bits in all, so that its
    products are exact as well.
    """
    if _enabled.get() and x.dtype == torch.float32:
        y = _IntegerProduct.apply(x, weight)
        return y if bias is None else y + bias
    return F.linear(x, weight, bias)


class _IntegerProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        x, weight = x.bfloat16(), weight.bfloat16()
        ctx.save_for_backward(x, weight)
        return (x @ weight.T).float()

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        high, low, step = split(grad)
        grad_x = _joined(high @ weight, low @ weight, step) if ctx.needs_input_grad[0] else None
        return grad_x, _joined(high.T @ x, low.T @ x, step)


def split(grad):
    """``(high, low, step)``: ``grad ~ (high + low / 512) * step``; integers of at most 256."""
    peak = torch.frexp(grad.abs().max())[1]  # |grad| <= 2**peak
    scaled = torch.ldexp(grad, 8 - peak)
    high = torch.round(scaled)
    low = torch.round((scaled - high) * (2 * TOP))
    return high.bfloat16(), low.bfloat16(), torch.ldexp(torch.ones(()), peak - 8)


def _joined(high, low, step):
    return torch.add(high.float(), low, alpha=1 / (2 * TOP)).mul_(step)
