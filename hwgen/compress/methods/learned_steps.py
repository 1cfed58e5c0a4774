"""Steps that are trained with the weights: LSQ of weights and activations, PACT of activations.

Steps stay powers of two: the nearest one of the real number that is trained, by its logarithm.
"""

from dataclasses import dataclass

import torch
from torch import nn

from ..average import QuantAvgPool2d
from ..fixed import QuantLinear, QuantReLU
from ..form import Form, form_of, latent
from ..hook import Hook
from ..linear import IntegerLinear
from ..steps import StepLayer
from ..thermometer import ThermometerInput
from ..tracing import INPUT, trace

__all__ = ["FollowSteps", "LearnedReLU", "LearnedStep", "carry", "frac_of"]

LEAST = 2.0 ** -30
"""Below it no step falls."""


def frac_of(step) -> int:
    """Fraction bits of the power of two nearest to a real step, by its logarithm."""
    return -int(torch.round(torch.log2(step.detach().abs().clamp_min(LEAST))))


class _Lsq(torch.autograd.Function):
    """``clip(round(x / s), low, high) s`` with the gradient of LSQ for ``s`` (eq. 3).

    It is scaled by ``1 / sqrt(count high)``, the weights or the features of a sample.
    """

    @staticmethod
    def forward(ctx, x, step, frac, low, high, ties_up, count):
        scaled = x * 2.0 ** frac
        rounded = torch.floor(scaled + 0.5) if ties_up else torch.round(scaled)
        ctx.save_for_backward(scaled, rounded)
        ctx.limits, ctx.count = (low, high), count
        return rounded.clamp(low, high) * 2.0 ** -frac

    @staticmethod
    def backward(ctx, grad):
        (scaled, rounded), (low, high) = ctx.saved_tensors, ctx.limits
        within = (scaled > low) & (scaled < high)
        slope = torch.where(within, rounded - scaled, scaled.clamp(low, high))
        share = (ctx.count * high) ** -0.5
        return grad * within, (grad * slope).sum().reshape(1) * share, *[None] * 5


class _Pact(torch.autograd.Function):
    """``clip(round(x / s), 0, top) s`` of a trained end ``alpha = top s`` (eq. 1 to 3)."""

    @staticmethod
    def forward(ctx, x, alpha, frac, top):
        scaled = x * 2.0 ** frac
        ctx.save_for_backward(scaled)
        ctx.top = top
        return torch.floor(scaled + 0.5).clamp(0, top) * 2.0 ** -frac

    @staticmethod
    def backward(ctx, grad):
        (scaled,), top = ctx.saved_tensors, ctx.top
        beyond = scaled >= top
        return grad * ((scaled >= 0) & ~beyond), (grad * beyond).sum().reshape(1), None, None


class LearnedStep(Form):
    """Weights in steps that are trained (LSQ, arXiv 1902.08153).

    Parameters
    ----------
    weight : Tensor    the weights as they are; the step begins at ``2 mean|w| / sqrt(limit)``
    limit : int        largest integer
    """

    made_by = "steps = 'lsq'"

    @torch.no_grad()
    def __init__(self, weight, limit: int):
        super().__init__()
        self.limit = limit
        start = 2 * weight.abs().mean().clamp_min(LEAST) / limit ** 0.5
        self.step = nn.Parameter(start.reshape(1).clone())

    def forward(self, weight):
        return _Lsq.apply(weight, self.step, frac_of(self.step), -self.limit, self.limit, False,
                          weight.numel())

    @property
    def frac(self) -> int:
        """Fraction bits of the step."""
        return frac_of(self.step)


class LearnedReLU(QuantReLU):
    """A QuantReLU whose step is trained, by LSQ, or by PACT's upper end (arXiv 1805.06085).

    Parameters
    ----------
    layer : QuantReLU    calibrated; where it begins
    rule : str           ``lsq`` or ``pact``
    """

    def __init__(self, layer: QuantReLU, rule: str):
        super().__init__(bits=layer.bits, frac=int(layer.frac))
        self.rule, self.top = rule, (1 << layer.bits) - 1
        step = 2.0 ** -int(layer.frac)
        self.learned = nn.Parameter(torch.tensor([step if rule == "lsq" else step * self.top]))

    @property
    def learned_frac(self) -> int:
        """Fraction bits that follow from what is trained."""
        return frac_of(self.learned if self.rule == "lsq" else self.learned / self.top)

    def forward(self, x):
        frac = int(self.frac)
        if self.rule == "pact":
            return _Pact.apply(x, self.learned, frac, self.top)
        return _Lsq.apply(x, self.learned, frac, 0, self.top, True, x[0].numel())

    def settled(self) -> QuantReLU:
        """The same with a step that stays."""
        return QuantReLU(bits=self.bits, frac=int(self.frac))


@dataclass(frozen=True)
class FollowSteps(Hook):
    """After each step of the optimiser, brings all fraction bits to what is trained."""

    rule: str

    def begin(self, module, steps):
        self.after(module, 0)

    @torch.no_grad()
    def after(self, module, step):
        changed = False
        for layer in module.modules():
            wanted = None
            if isinstance(layer, QuantLinear) and (form := form_of(layer, LearnedStep)):
                wanted = form.frac
                top = layer.limit * 2.0 ** -wanted
                latent(layer).clamp_(-top, top)
            elif isinstance(layer, LearnedReLU):
                wanted = layer.learned_frac
            if wanted is not None and wanted != int(layer.frac):
                layer.frac.fill_(wanted)
                changed = True
        if changed:
            carry(module)


@torch.no_grad()
def carry(module) -> None:
    """Tell every layer the fraction bits of what it reads."""
    fracs = {INPUT: 0}
    for step in trace(module)[0]:
        layer, frac = step.layer, max(fracs[name] for name in step.sources)
        if isinstance(layer, IntegerLinear | QuantAvgPool2d | QuantLinear):
            layer.in_frac.fill_(frac)
        if isinstance(layer, QuantLinear):
            frac = layer.out_frac
        elif isinstance(layer, IntegerLinear):
            frac += layer.out_shift
        elif isinstance(layer, StepLayer | ThermometerInput):
            frac = 0
        elif hasattr(layer, "frac"):
            frac = int(layer.frac)
        fracs[step.node] = frac
