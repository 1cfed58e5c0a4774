"""Pruning by ADMM: training is drawn towards matrices of few weights, then held to them."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..form import Form, form_of
from ..hook import Hook
from .mask import PruningTo, largest, to_mask

__all__ = ["Admm", "Duals", "projected"]


def projected(weight, density: float):
    """The nearest matrix with a share ``density`` of weights that are not 0: the largest stay."""
    return weight * largest(weight.abs(), round(density * weight.numel()))


class Duals(Form):
    """Leaves weights as they are; holds ``Z``, the sparse copy, and ``U``, the scaled dual."""

    made_by = "'admm'"
    of_weights = ("sparse", "dual")

    def __init__(self, weight, density: float):
        super().__init__()
        self.register_buffer("sparse", projected(weight.detach(), density))
        self.register_buffer("dual", torch.zeros_like(weight.detach()))

    def forward(self, weight):
        return weight

    def distance(self, weight):
        """``||W - Z + U||**2``, a scalar."""
        return (weight - self.sparse + self.dual).square().sum()

    @torch.no_grad()
    def update(self, weight, density: float) -> None:
        """``Z = P(W + U)``, then ``U = U + W - Z``."""
        self.sparse.copy_(projected(weight + self.dual, density))
        self.dual.add_(weight - self.sparse)


@dataclass(frozen=True)
class _Augmented(Hook):
    """Adds ``rho / 2 ||W - Z + U||**2`` of each layer; updates Z and U ``rounds`` times."""

    densities: dict
    rho: float
    rounds: int

    def begin(self, module, steps):
        object.__setattr__(self, "_every", max(1, steps // self.rounds))

    def penalty(self, module, step):
        layers = (module.get_submodule(name) for name in self.densities)
        return self.rho / 2 * sum(form_of(each, Duals).distance(each.weight) for each in layers)

    def after(self, module, step):
        if (step + 1) % self._every == 0:
            for name, density in self.densities.items():
                layer = module.get_submodule(name)
                form_of(layer, Duals).update(layer.weight, density)


@dataclass(frozen=True, kw_only=True)
class Admm(PruningTo):
    """Alternate training with projection onto matrices of few weights, then prune and retrain.

    ``min f(W) + g(Z)`` under ``W = Z``, ``g`` the constraint of the density: training moves ``W``
    by ``f(W) + rho / 2 ||W - Z + U||**2`` (eq. 7), at times ``Z = P(W + U)`` (eq. 9, 10) and
    ``U = U + W - Z``. Behind ``epochs`` of that the smallest weights are removed, most of which are
    near 0, and the others trained for ``retrain`` epochs.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the weights that stay
    rho : float      of the penalty
    rounds : int     updates of Z and U
    retrain : int    epochs
    """

    kind: ClassVar[str] = "admm"
    text: ClassVar[str] = "drawn to few weights by an augmented Lagrangian, then pruned, retrained"
    source: ClassVar[str] = "arXiv 1804.03294"
    rho: float = 0.01
    rounds: int = 10
    retrain: int = 1
    epochs: int = 1

    def check(self):
        super().check()
        self.require_real("rho", 0, above=True)
        self.require_int("rounds", 1)
        self.require_int("retrain", 0)
        self.require_int("epochs", 1)

    def apply(self, run):
        """Train towards the sparse copies, cut, train what is left."""
        densities = run.per_layer("density", self.density)
        for name, density in densities.items():
            run.put(name, Duals(run.matrices[name].weight, density))
        run.train(self, hooks=(_Augmented(densities, float(self.rho), self.rounds),))
        for name, density in densities.items():
            layer = run.matrices[name]
            weight = layer.weight.detach()
            to_mask(layer, form_of(layer, Duals),
                    largest(weight.abs(), round(density * weight.numel())))
        run.train(self, epochs=self.retrain)
        self.note(run, densities)
