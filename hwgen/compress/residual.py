"""Residual binarisation of activations (ReBNet, arXiv 1711.01243; HORQ)."""

import torch
from torch import nn

from hwgen.numeric import Format, Planes, SpecError

from .layer import within
from .steps import StepLayer
from .straight import round_half_even

__all__ = ["ResidualSign"]

FRAC = 3
"""Fraction bits of the gammas."""

MOST = (1 << FRAC) * 4
"""Largest gamma, 4, in steps."""


class _Residual(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, bases):
        bits, rest = [], x * 2.0 ** FRAC
        for base in bases:
            bits.append(torch.where(rest >= 0, 1.0, -1.0).to(x.dtype))
            rest = rest - base * bits[-1]
        bits = torch.stack(bits)
        ctx.save_for_backward(x, bits, bases)
        return torch.einsum("m...,m->...", bits, bases.to(x.dtype))

    @staticmethod
    def backward(ctx, grad):
        x, bits, bases = ctx.saved_tensors
        inside = x.abs() * 2.0 ** FRAC <= bases.sum()
        return grad * inside * 2.0 ** FRAC, (bits * grad).flatten(1).sum(dim=1)


class ResidualSign(StepLayer):
    """``sum_i g_i b_i`` with ``b_i = sign(r_i)``, ``r_1 = x``, ``r_{i+1} = r_i - g_i b_i``.

    M levels of residuals are M planes of signs. The gammas ``g_i`` are trained, one set a layer,
    and are integers on the common step 1/8; the result is given in these steps. Each gamma is at
    least one step above the sum of those behind it: then the result never falls with ``x``, and the
    whole is ``2**M - 1`` comparisons.

    Parameters
    ----------
    levels : int     M, 1..4
    """

    def __init__(self, levels: int = 2):
        super().__init__()
        self.levels = within("ResidualSign: levels", levels, 1, 4)
        # 0.8 is the mean of |x| of a normal x; each residual is about half as large.
        self.gammas = nn.Parameter(0.8 * 0.45 ** torch.arange(float(self.levels)))
        self.constrain()

    def bases(self):
        """The gammas in steps of 1/8: integers, shape (M,); the gradient passes the rounding."""
        return round_half_even(self.gammas * 2.0 ** FRAC)

    @property
    def format(self) -> Format:
        bases = self.bases().detach().long().tolist()
        for k, base in enumerate(bases):
            if base <= sum(bases[k + 1:]):
                raise SpecError(f"ResidualSign: gamma {k} must be above the sum of those behind it,"
                                f" not {base} of {bases} steps: call constrain()")
        return Planes.of_bases(tuple(reversed(bases)))

    @torch.no_grad()
    def index(self, x):
        rest, index = x * 2.0 ** FRAC, torch.zeros_like(x)
        for base in self.bases():
            bit = (rest >= 0).to(x.dtype)
            rest, index = rest - base * (2 * bit - 1), 2 * index + bit
        return index

    def forward(self, x):
        return _Residual.apply(x, self.bases())

    @torch.no_grad()
    def constrain(self) -> None:
        least = 0.0
        for k in reversed(range(self.levels)):
            self.gammas[k].clamp_(least + 2.0 ** -FRAC, MOST * 2.0 ** -FRAC)
            least += round(float(self.gammas[k]) * 2 ** FRAC) * 2.0 ** -FRAC

    def extra_repr(self):
        return f"{self.levels}"
