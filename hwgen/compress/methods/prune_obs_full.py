"""Optimal brain surgeon of several layers at once, by the inverse of their whole Hessian."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional as F

from hwgen.numeric import SpecError

from ..form import form_of, latent
from .mask import Mask, left_of
from .prune_saliency import SAMPLES, ByCost

__all__ = ["MOST", "PruneOBSFull", "inverse_hessian", "surgery"]

MOST = 2048
"""Weights of all layers together: the inverse has as many numbers squared, 8 bytes each."""


def inverse_hessian(model, layers, x, damping: float):
    """``(damping + H)^-1`` of all weights of ``layers``, one layer behind another; float64 (n, n).

    By the recursion of Hassibi and Stork (eq. 13), sample by sample, from ``1 / damping``::

        H_m^-1 = H_m-1^-1 - H_m-1^-1 X (P + X' H_m-1^-1 X)^-1 X' H_m-1^-1

    ``P`` is the number of samples, ``X`` the vectors of one, all classes at once. Of cross entropy
    they are ``sqrt(p_c) d log p_c / dw``, so that ``H = 1/P sum X X'`` is
    ``mean J' (diag p - p p') J``, the Hessian without the curvature of the network itself: all of
    it in one layer behind which the network is piecewise linear.

    Parameters
    ----------
    model : torch.nn.Module    returns scores (batch, classes)
    layers : dict              those of the model that are asked for, by name
    x : float tensor (n, ...)
    damping : float            above 0
    """
    model.eval()
    weights = [latent(layer) for layer in layers.values()]
    inverse = torch.eye(sum(weight.numel() for weight in weights)).double() / damping
    for sample in x:
        logs = F.log_softmax(model(sample[None])[0], 0)
        roots = (logs.detach() / 2).exp()
        vectors = torch.stack([torch.cat([g.flatten() for g in torch.autograd.grad(
            root * log, weights, retain_graph=True)]) for root, log in zip(roots, logs,
                                                                         strict=True)]).double()
        reached = inverse @ vectors.T
        middle = len(x) * torch.eye(len(vectors)).double() + vectors @ reached
        inverse -= reached @ torch.linalg.solve(middle, reached.T)
    return inverse


@torch.no_grad()
def surgery(weights, inverse, left, counts):
    """Remove weights one by one, each of the smallest ``w_q**2 / (2 [H^-1]_qq)`` that may go.

    With each, all others move by ``-w_q / [H^-1]_qq H^-1 e_q``, and the inverse becomes that of
    those that are left, ``H^-1 - H^-1 e_q e_q' H^-1 / [H^-1]_qq``. All arguments but the last are
    changed in place.

    Parameters
    ----------
    weights : float64 (n,)        of one layer behind another, those that are out 0
    inverse : float64 (n, n)
    left : bool (n,)              which may go
    counts : list of (int, int)   of each layer: its weights, and how many of them stay
    """
    places = torch.arange(len(counts)).repeat_interleave(torch.tensor([n for n, _ in counts]))
    spare = [int(part.sum()) - most for part, (_, most) in
             zip(left.split([n for n, _ in counts]), counts, strict=True)]
    is_open = left & (torch.tensor(spare) > 0)[places]
    while bool(is_open.any()):
        costs = torch.where(is_open, weights.square() / inverse.diagonal(), torch.inf)
        q = int(costs.argmin())
        column = inverse[:, q] / inverse[q, q]
        weights -= weights[q] * column
        inverse.addr_(column, inverse[q].clone(), alpha=-1)
        weights[q], left[q], is_open[q] = 0, False, False
        spare[places[q]] -= 1
        if not spare[places[q]]:
            is_open &= places != places[q]


@dataclass(frozen=True, kw_only=True)
class PruneOBSFull(ByCost):
    """Optimal brain surgeon: remove weights one by one, move all others so that the loss stays.

    Hassibi and Stork's, on the inverse Hessian of the loss in the weights of all layers that
    ``density`` names, so together they have at most :data:`MOST`; biases stay as they are. Which
    layer a weight is taken of next follows from its cost alone, until the layer has its density.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the weights that stay
    rounds : int       in each of which a part is removed, then trained for ``epochs``
    damping : float    what the recursion begins with, their alpha, 1e-8 .. 1e-4 in the paper
    """

    kind: ClassVar[str] = "prune-obs-full"
    text: ClassVar[str] = "optimal brain surgeon on the whole inverse Hessian of small layers"
    source: ClassVar[str] = "Hassibi and Stork, NIPS 1992"
    damping: float = 1e-4

    def check(self):
        super().check()
        self.require_real("damping", 0, above=True)

    def validate(self, context):
        """Of as few weights as the inverse has room for."""
        super().validate(context)
        names = list(context.per_layer("density", self.density))
        count = sum(context.layers[name].weight.numel() for name in names)
        if count > MOST:
            raise SpecError(f"density must name layers of at most {MOST} weights together, whose"
                            f" inverse Hessian has that many squared, not {count} of {names}: name"
                            f" smaller ones alone, or take 'prune-obs', layer by layer")

    def _cut(self, run, densities):
        layers = {name: run.matrices[name] for name in densities}
        x, _ = run.labelled(SAMPLES)
        inverse = inverse_hessian(run.model, layers, x, self.damping)
        left = torch.cat([left_of(layer).flatten() for layer in layers.values()])
        weights = torch.cat([layer.weight.detach().flatten() for layer in layers.values()]).double()
        counts = [(layer.weight.numel(), max(1, round(densities[name] * layer.weight.numel())))
                  for name, layer in layers.items()]
        surgery(weights, inverse, left, counts)
        sizes = [n for n, _ in counts]
        for layer, values, kept in zip(layers.values(), weights.split(sizes), left.split(sizes),
                                       strict=True):
            with torch.no_grad():
                latent(layer).copy_(values.view_as(layer.weight))
                form_of(layer, Mask).kept.copy_(kept.view_as(layer.weight))
