"""Ternary weights: one scale (TWN, arXiv 1605.04711) or two (TTQ, arXiv 1612.01064)."""

import torch
from torch import nn

from hwgen.numeric import Format, Planes, Ternary

from .layer import within
from .linear import IntegerLinear
from .straight import round_half_even

__all__ = ["TernaryLinear", "TwoScaleTernaryLinear"]

TWN_SHARE, TTQ_SHARE = 0.7, 0.05


def _parts(weight, delta):
    """1 where ``w > delta`` and 1 where ``w < -delta``, in the dtype of ``weight``."""
    return (weight > delta).to(weight.dtype), (weight < -delta).to(weight.dtype)


class _Ternarise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, delta):
        positive, negative = _parts(weight, delta)
        return positive - negative

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class TernaryLinear(IntegerLinear):
    """``W = sign(w) 1{|w| > delta}``, ``delta = 0.7 mean |w|`` over the layer: -1, 0, +1.

    The layer's scale, the mean of ``|w|`` above delta, is left to the batch norm that follows. The
    gradient passes unchanged.
    """

    format = Ternary()

    def integer_weight(self):
        return _Ternarise.apply(self.weight, TWN_SHARE * self.weight.detach().abs().mean())


class _TwoScales(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, positive_scale, negative_scale, delta):
        positive, negative = _parts(weight, delta)
        ctx.save_for_backward(positive, negative, positive_scale, negative_scale)
        return positive * positive_scale - negative * negative_scale

    @staticmethod
    def backward(ctx, grad):
        positive, negative, up, down = ctx.saved_tensors
        slope = 1 + positive * (up - 1) + negative * (down - 1)
        return grad * slope, (grad * positive).sum(), -(grad * negative).sum(), None


class TwoScaleTernaryLinear(IntegerLinear):
    """``+W_p`` where ``w > delta``, ``-W_n`` where ``w < -delta``, else 0; ``W_p, W_n`` trained.

    ``delta = 0.05 max |w|``. The scales are small integers on a common step, ``1 .. 2**bits - 1``;
    the step is left to the batch norm that follows. Gradients as in the paper (eq. 7 and 8): that
    of a scale is the sum over its weights, that of a weight is multiplied by its scale.

    Parameters
    ----------
    bits : int
        Of the scales, 1..6. Both begin at half their range.
    """

    def __init__(self, n_in: int, n_out: int, *, bits: int = 4, **options):
        super().__init__(n_in, n_out, **options)
        self.bits = within("TwoScaleTernaryLinear: bits", bits, 1, 6)
        self.scales = nn.Parameter(torch.full((2,), 0.5))

    def integer_scales(self):
        """``(W_p, W_n)``, integers of 1 and more, shape (2,); the gradient passes the rounding."""
        return round_half_even(self.scales * self.top)

    @property
    def top(self) -> int:
        """Largest scale."""
        return (1 << self.bits) - 1

    @property
    def format(self) -> Format:
        up, down = self.integer_scales().detach().long().tolist()
        return Planes((up, -down))

    def integer_weight(self):
        up, down = self.integer_scales()
        return _TwoScales.apply(self.weight, up, down, TTQ_SHARE * self.weight.detach().abs().max())

    @torch.no_grad()
    def constrain(self) -> None:
        super().constrain()
        self.scales.clamp_(1 / self.top, 1)

    def extra_repr(self):
        return f"{super().extra_repr()}, bits={self.bits}"
