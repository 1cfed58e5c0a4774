"""Residual binarisation of activations: gammas trained (ReBNet) or computed (HORQ)."""

import torch
from torch import nn

from hwgen.numeric import Format, Planes, SpecError

from .layer import within
from .steps import StepLayer
from .straight import round_half_even

__all__ = ["HorqSign", "ResidualSign"]

MOST = 4.0
"""Largest gamma."""

KEEP = 0.9


class _Residual(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, bases, unit):
        bits, rest = [], x * unit
        for base in bases:
            bits.append(torch.where(rest >= 0, 1.0, -1.0).to(x.dtype))
            rest = rest - base * bits[-1]
        bits = torch.stack(bits)
        ctx.save_for_backward(x, bits, bases)
        ctx.unit = unit
        return torch.einsum("m...,m->...", bits, bases.to(x.dtype))

    @staticmethod
    def backward(ctx, grad):
        x, bits, bases = ctx.saved_tensors
        inside = x.abs() * ctx.unit <= bases.sum()
        return grad * inside * ctx.unit, (bits * grad).flatten(1).sum(dim=1), None


class ResidualSign(StepLayer):
    """``sum_i g_i b_i`` with ``b_i = sign(r_i)``, ``r_1 = x``, ``r_{i+1} = r_i - g_i b_i``.

    ReBNet (arXiv 1711.01243): M levels of residuals are M planes of signs. The gammas ``g_i`` are
    trained, one set a layer, and are integers on the common step 1/8; the result is given in these
    steps. Each gamma is at least one step above the sum of those behind it: then the result never
    falls with ``x``, and the whole is ``2**M - 1`` comparisons.

    Parameters
    ----------
    levels : int     M, 1..4
    """

    frac = 3
    """Fraction bits of the gammas."""

    def __init__(self, levels: int = 2):
        super().__init__()
        self.levels = within(f"{type(self).__name__}: levels", levels, 1, 4)
        # 0.8 is the mean of |x| of a normal x; each residual is about half as large.
        self._hold(0.8 * 0.45 ** torch.arange(float(self.levels)))
        self.constrain()

    def _hold(self, gammas) -> None:
        self.gammas = nn.Parameter(gammas)

    @property
    def _unit(self) -> float:
        return 2.0 ** self.frac

    def bases(self):
        """The gammas in steps: integers, shape (M,); the gradient passes the rounding."""
        return round_half_even(self.gammas * self._unit)

    @property
    def format(self) -> Format:
        bases = self.bases().detach().long().tolist()
        for k, base in enumerate(bases):
            if base <= sum(bases[k + 1:]):
                raise SpecError(f"{type(self).__name__}: gamma {k} must be above the sum of those"
                                f" behind it, not {base} of {bases} steps: call constrain()")
        return Planes.of_bases(tuple(reversed(bases)))

    @torch.no_grad()
    def index(self, x):
        rest, index = x * self._unit, torch.zeros_like(x)
        for base in self.bases():
            bit = (rest >= 0).to(x.dtype)
            rest, index = rest - base * (2 * bit - 1), 2 * index + bit
        return index

    def forward(self, x):
        return _Residual.apply(x, self.bases(), self._unit)

    @torch.no_grad()
    def constrain(self) -> None:
        # In steps; ``most[k]`` of gamma k and those behind it together, so that those before fit.
        least, most = 0, [int(MOST * self._unit)]
        for _ in range(1, self.levels):
            most.append((most[-1] - 1) // (2 if len(most) > 1 else 1))
        for k in reversed(range(self.levels)):
            top = most[k] - (least if k else 0)
            self.gammas[k].clamp_((least + 1) / self._unit, top / self._unit)
            least += round(float(self.gammas[k]) * self._unit)

    def extra_repr(self):
        return f"{self.levels}"


class HorqSign(ResidualSign):
    """Residual signs whose scales are computed: ``g_i = mean |r_i|`` (HORQ, arXiv 1708.08687).

    ``r_1 = x`` and ``r_{i+1} = r_i - g_i sign(r_i)``; the paper is of order two, M = 2. It computes
    the scales anew from every input; constants are needed where thresholds are, so they are running
    averages (0.9 of the old) over the batches of the training. They are integers on the step 1/32;
    where a mean is not above the sum of those behind it, :meth:`constrain` lifts it by what is
    missing.
    """

    frac = 5

    def _hold(self, gammas) -> None:
        self.register_buffer("gammas", gammas)

    @torch.no_grad()
    def fit(self, x, keep: float = KEEP) -> None:
        """Average in the scales of the batch ``x``."""
        rest, found = x.detach(), []
        for _ in range(self.levels):
            found.append(rest.abs().mean())
            rest = rest - found[-1] * torch.where(rest >= 0, 1.0, -1.0).to(x.dtype)
        self.gammas.mul_(keep).add_((1 - keep) * torch.stack(found).to(self.gammas.dtype))
        self.constrain()

    def forward(self, x):
        if self.training:
            self.fit(x)
        return super().forward(x)
