"""Pruning by what a weight's removal costs: OBD, Taylor, and layer by layer OBS."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import SpecError

from ..form import form_of, latent
from ..frame.marks import FIXED
from .mask import Mask, PruningTo, keep

__all__ = ["ByCost", "PruneOBD", "PruneOBS", "PruneTaylor", "obs_row", "squared_gradients"]

SAMPLES = 500
"""Training samples on which a saliency is measured."""

DAMPING = 1e-4
"""Share of the mean of a Hessian's diagonal that is added to it, so that it has an inverse."""


def squared_gradients(model, layers, x, labels) -> dict:
    """``{name: (mean of g**2, mean of |g w|)}`` over samples, one by one, of each layer's weights.

    ``g`` is the gradient of the cross entropy. The mean of its square is the diagonal of the
    empirical Fisher matrix, which stands for that of the Hessian.
    """
    model.eval()
    squares = {name: torch.zeros_like(latent(layer)) for name, layer in layers.items()}
    changes = {name: torch.zeros_like(latent(layer)) for name, layer in layers.items()}
    for sample, label in zip(x, labels, strict=True):
        model.zero_grad()
        F.cross_entropy(model(sample[None]), label[None]).backward()
        for name, layer in layers.items():
            g, w = latent(layer).grad, latent(layer).detach()
            squares[name] += g.square()
            changes[name] += (g * w).abs()
    model.zero_grad()
    return {name: (squares[name] / len(x), changes[name] / len(x)) for name in layers}


@torch.no_grad()
def obs_row(row, inverse, keep):
    """A row of 0 outside ``keep``, the other weights moved so that its output changes least.

    ``w - H^-1[:, P] (H^-1[P, P])^-1 w[P]`` with ``P`` the weights that go: the joint form of
    ``-w_q / [H^-1]_qq H^-1 e_q``. float64 (n_in,), (n_in, n_in), bool (n_in,).
    """
    gone = ~keep
    if not gone.any():
        return row
    change = torch.linalg.solve(inverse[gone][:, gone], row[gone])
    return torch.where(keep, row - inverse[:, gone] @ change, 0.0)


@dataclass(frozen=True, kw_only=True)
class ByCost(PruningTo):
    """What the steps share, and that of the whole network.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the weights that stay
    rounds : int    in each of which a part is removed, then trained for ``epochs``
    """

    rounds: int = 3

    def check(self):
        super().check()
        self.require_int("rounds", 1)

    def validate(self, context):
        """Of a trained model's floats."""
        chosen = context.per_layer("density", self.density)
        context.refuse(FIXED, "gradients are those of floats: prune before 'quantise'")
        super().validate(context)
        for name in chosen:
            layer = context.layers[name]
            if not isinstance(layer, nn.Linear | nn.Conv2d) or getattr(layer, "groups", 1) != 1:
                raise SpecError(f"layer '{name}' must be a Linear or a Conv2d of one group, not"
                                f" {type(layer).__name__}; name others in density")

    def apply(self, run):
        """Round by round: measure, remove, train. Densities fall by the same factor each time."""
        final = run.per_layer("density", self.density)
        self.put(run, final)
        for k in range(1, self.rounds + 1):
            densities = {name: d ** (k / self.rounds) for name, d in final.items()}
            self._cut(run, densities)
            run.train(self)
        self.note(run, final)


class _OnSamples(ByCost):
    """Saliencies of single weights, from gradients."""

    def _cut(self, run, densities):
        x, labels = run.labelled(SAMPLES)
        layers = {name: run.matrices[name] for name in densities}
        found = squared_gradients(run.model, layers, x, labels)
        for name, layer in layers.items():
            keep(layer, self.saliency(latent(layer).detach(), *found[name]), densities[name])


@dataclass(frozen=True, kw_only=True)
class PruneOBD(_OnSamples):
    """Optimal brain damage: remove the weights of the smallest ``h w**2 / 2``.

    ``h`` is the diagonal of the Hessian, for which the empirical Fisher matrix stands.
    """

    kind: ClassVar[str] = "prune-obd"
    text: ClassVar[str] = "optimal brain damage: remove weights of the smallest h w^2 / 2"
    source: ClassVar[str] = "LeCun et al., NIPS 1989"

    @staticmethod
    def saliency(weight, squares, changes):
        """``h w**2 / 2``."""
        return squares * weight.square() / 2


@dataclass(frozen=True, kw_only=True)
class PruneTaylor(_OnSamples):
    """Remove the weights of the smallest ``|g w|``, the first-order change of the loss."""

    kind: ClassVar[str] = "prune-taylor"
    text: ClassVar[str] = "remove weights of the smallest first-order change of the loss"
    source: ClassVar[str] = "arXiv 1611.06440"

    @staticmethod
    def saliency(weight, squares, changes):
        """Mean of ``|g w|``."""
        return changes


@dataclass(frozen=True, kw_only=True)
class PruneOBS(ByCost):
    """Optimal brain surgeon, layer by layer: remove weights of the smallest ``w**2 / [H^-1]_qq``.

    ``H`` is that of the squared error of the layer's own outputs, ``X' X`` of the training samples'
    inputs; what is left of a row is moved so that its output changes least.
    """

    kind: ClassVar[str] = "prune-obs"
    text: ClassVar[str] = "layer-wise optimal brain surgeon: remove weights, move the others"
    source: ClassVar[str] = "arXiv 1705.07565"

    @torch.no_grad()
    def _cut(self, run, densities):
        for name, density in densities.items():
            layer = run.matrices[name]
            inverse = _inverse(layer, _inputs(run.model, layer, run.samples()))
            form, weight = form_of(layer, Mask), latent(layer)
            effective = (weight * form.kept).flatten(1).double()
            keep(layer, (effective.square() / inverse.diagonal()).view_as(weight).to(weight.dtype),
                 density)
            rows = [obs_row(row, inverse, keep) for row, keep in
                    zip(effective, form.kept.flatten(1), strict=True)]
            weight.copy_(torch.stack(rows).view_as(weight))


def _inputs(model, layer, samples):
    """What the layer reads of each output's window, float64 (n, n_in)."""
    seen = []
    handle = layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.eval()(torch.tensor(samples).float())
    handle.remove()
    x = seen[0].double()
    if isinstance(layer, nn.Conv2d):
        x = F.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        x = x.transpose(1, 2).flatten(0, 1)
    return x


def _inverse(layer, x):
    hessian = x.T @ x / len(x)
    mean = float(hessian.diagonal().mean()) or 1.0
    hessian.diagonal().add_(DAMPING * mean)
    return torch.linalg.inv(hessian)
