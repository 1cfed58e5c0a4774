"""Loss-aware binarisation: the scale of the signs is chosen by the curvature of the loss."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..binary import BinaryWeights
from ..hook import Hook
from .integers import Integers

__all__ = ["LossAware", "LossAwareWeights", "SecondMoments"]

BETA, EPS = 0.999, 1e-8
"""Of Adam's second moments."""


class _Scaled(torch.autograd.Function):
    """Signs whose product with ``alpha`` gets its gradient to the latent weights unchanged."""

    @staticmethod
    def forward(ctx, weight, alpha):
        ctx.save_for_backward(alpha)
        return torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad / ctx.saved_tensors[0], None


class LossAwareWeights(BinaryWeights):
    """Signs with one scale a layer: ``W = alpha sign(w)``, ``alpha = |d w|_1 / |d|_1``.

    The proximal Newton step of arXiv 1611.01600 (proposition 3.1): of all ``alpha b`` with signs
    ``b`` it is the nearest to ``w`` in ``sum d (alpha b - w)**2``, ``d`` the diagonal of the
    Hessian, for which stands ``eps + sqrt(v)`` of Adam's second moments ``v``, its bias corrected
    (algorithm 1). Before the first step all ``d`` are 1. The gradient for ``alpha b`` moves the
    latent weights as it is, and they are not clipped. A batch norm behind takes up ``alpha``, so
    there the network computes what plain signs do; what they become by training differs.
    """

    def start(self, weight):
        self.register_buffer("moments", torch.zeros_like(weight, requires_grad=False))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, gradient) -> None:
        """Take Adam's next second moments, of the gradient of a step."""
        self.moments.mul_(BETA).addcmul_(gradient, gradient, value=1 - BETA)
        self.steps.add_(1)

    def curvature(self):
        """``d``, in the shape of the weights; common factors such as the rate cancel out."""
        if not int(self.steps):
            return torch.ones_like(self.moments)
        return EPS + (self.moments / (1 - BETA ** int(self.steps))).sqrt()

    @torch.no_grad()
    def alpha(self, weight):
        """``alpha``, a scalar."""
        d = self.curvature()
        return (d * weight.abs()).sum() / d.sum()

    def integers(self, weight):
        return _Scaled.apply(weight, self.alpha(weight))

    def scale(self, weight):
        return self.alpha(weight).expand(len(weight))

    def constrain(self, weight):
        """Nothing: latent weights may be of any size, as ``alpha`` follows them."""


@dataclass(frozen=True)
class SecondMoments(Hook):
    """Lets all loss-aware weights know the gradients that Adam sees."""

    weight_decay: float = 0.0

    def gradient(self, module, step):
        for layer in module.modules():
            if isinstance(getattr(layer, "quantiser", None), LossAwareWeights):
                weight = layer.weight
                layer.quantiser.update(weight.grad + self.weight_decay * weight.detach())


@dataclass(frozen=True, kw_only=True)
class LossAware(Integers):
    """Signs whose scale in each layer follows from the loss; the last layer has none.

    Adam's second moments stand for the curvature, so the scale costs nothing to find. It is folded
    into the thresholds of the activation behind. The paper's activations are real, those here have
    8 bits unless given.
    """

    kind: ClassVar[str] = "loss-aware"
    text: ClassVar[str] = "signs with a scale by the curvature of the loss (LAB)"
    source: ClassVar[str] = "arXiv 1611.01600"
    last: ClassVar = BinaryWeights
    activation_bits: int = 8

    def weights(self):
        """Signs and scales."""
        return LossAwareWeights()

    def apply(self, run):
        """Put the twin in the model's place, then train it."""
        run.model = self._twin(run.model, run.samples())
        run.train(self, hooks=(SecondMoments(float(self.weight_decay)),))
