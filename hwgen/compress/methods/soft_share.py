"""Soft weight sharing: weights are drawn to a mixture of Gaussians, then take its means."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from ..form import Form, form_of, latent
from ..frame.step import TrainingStep
from ..hook import Hook

__all__ = ["Mixture", "SoftShare"]

SHAPES = ((5e3, 2.0), (2.5e2, 0.1))
"""``(alpha, beta)`` of the Gamma prior of a precision: of the component at 0, of the others."""


class Mixture(Form):
    """Weights as they are under a mixture of Gaussians, and its means once it is settled.

    Component 0 has the mean 0 and a mixing share that is fixed; means, deviations and shares of
    the others are trained with the weights.

    Parameters
    ----------
    weight : Tensor     over whose range the means of the others begin
    count : int         components beside the one at 0
    share : float       of the component at 0
    """

    made_by = "'soft-share'"
    of_weights = ("numbers",)
    is_shared = True

    @torch.no_grad()
    def __init__(self, weight, count: int, share: float):
        super().__init__()
        weight = weight.detach()
        low, high = float(weight.min()), float(weight.max())
        self.share = share
        self.means = nn.Parameter(torch.linspace(low, high, count))
        width = max(float(weight.std()) / 4, 1e-6)
        self.log_deviations = nn.Parameter(torch.full((count + 1,), math.log(width)))
        self.logits = nn.Parameter(torch.zeros(count))
        self.register_buffer("numbers", torch.zeros_like(weight, dtype=torch.int16))
        self.register_buffer("is_settled", torch.tensor(False))

    def forward(self, weight):
        """``weight``, or the mean of each one's component, by then 0 of component 0."""
        if not bool(self.is_settled):
            return weight
        means = torch.cat([self.means.new_zeros(1), self.means])
        return means[self.numbers.long()].to(weight.dtype)

    def densities(self, weight):
        """``log(pi_j N(w | mu_j, sigma_j))`` of each weight and component, (n, 1 + count)."""
        means = torch.cat([self.means.new_zeros(1), self.means])
        shares = torch.cat([self.logits.new_tensor([self.share]).log(),
                            math.log(1 - self.share) + self.logits.log_softmax(0)])
        apart = (weight.flatten()[:, None] - means) / self.log_deviations.exp()
        return shares - self.log_deviations - 0.5 * math.log(2 * math.pi) - apart.square() / 2

    def cost(self, weight):
        """``-log p(w, sigma)``: of the weights (eq. 5), and of the precisions' Gamma priors."""
        precisions = (-2 * self.log_deviations).exp()
        alpha, beta = (torch.tensor([at_zero] + [other] * len(self.means), device=weight.device)
                       for at_zero, other in zip(*SHAPES, strict=True))
        prior = ((alpha - 1) * precisions.log() - beta * precisions).sum()
        return -self.densities(weight).logsumexp(1).sum() - prior

    @torch.no_grad()
    def settle(self, weight) -> None:
        """Let each weight take the mean of the component that it most probably is of."""
        self.numbers.copy_(self.densities(weight).argmax(1).view_as(self.numbers))
        self.is_settled.fill_(True)
        for each in (self.log_deviations, self.logits):
            each.requires_grad_(False)

    def moved(self, arrange, factor=None):
        """A copy for weights in another order; a batch norm is refused before, by the step."""
        return super().moved(arrange)


@dataclass(frozen=True)
class _Prior(Hook):
    """``strength`` times the costs of the weights' mixtures, added to the loss."""

    names: tuple
    strength: float

    def penalty(self, module, step):
        """Of all the layers."""
        layers = [module.get_submodule(name) for name in self.names]
        return self.strength * sum(form_of(layer, Mixture).cost(latent(layer)) for layer in layers)


@dataclass(frozen=True, kw_only=True)
class SoftShare(TrainingStep):
    """Train under a prior that is a mixture of Gaussians, then let weights take its means.

    The loss is the error of a sample and ``tau / N`` times ``-log p(w)`` over N samples, with
    ``p(w) = prod sum_j pi_j N(w | mu_j, sigma_j)``, of each layer a mixture. One component stays at
    0 with a share ``zero``; the weights that are of it at the end are 0. Precisions have Gamma
    priors. Means may be trained further by later steps; a mean that nothing is of costs no bits.

    Parameters
    ----------
    components : int, or mapping of layer to int    beside the one at 0: 1..255; 0 leaves a layer
    zero : float     share of the component at 0, above 0 and below 1
    tau : float      weight of the prior
    """

    kind: ClassVar[str] = "soft-share"
    text: ClassVar[str] = "a mixture of Gaussians, one at 0, draws weights together (soft sharing)"
    source: ClassVar[str] = "arXiv 1702.04008"
    components: int | Mapping[str, int] = 16
    zero: float = 0.99
    tau: float = 0.005
    epochs: int = 10

    def check(self):
        self.require_int("components", 0, 255)
        self.require_int("epochs", 1)
        self.require_real("zero", 1e-6, 1 - 1e-6)
        self.require_real("tau", 0, above=True)

    def validate(self, context):
        """Of floats, or behind ``quantise`` where norms follow; before weights are shared."""
        counts = context.per_layer("components", self.components)
        for mark in ("shared", "pruned"):
            context.refuse(mark, "the prior removes and shares weights itself: leave it out")
        norm = next((name for name in counts if name in context.norms and counts[name]), None)
        if norm and not context.is_marked("quantised"):
            context.need("quantised", f"a batch norm follows '{norm}', and folded into the weights"
                                      f" it gives each output a factor")
        context.mark("shared")

    def apply(self, run):
        """Train under the prior, then settle."""
        counts = {n: k for n, k in run.per_layer("components", self.components).items() if k}
        for name, count in counts.items():
            run.put(name, Mixture(run.matrices[name].weight, count, self.zero))
        hook = _Prior(tuple(counts), self.tau / len(run.split.x_train))
        run.train(self, hooks=(hook,))
        found = {}
        for name in counts:
            layer = run.matrices[name]
            form = form_of(layer, Mixture)
            form.settle(latent(layer))
            used = form.numbers[form.numbers > 0]
            found[name] = {"centroids": len(used.unique()),
                           "density": round(len(used) / form.numbers.numel(), 5)}
        run.notes[self.kind] = found
