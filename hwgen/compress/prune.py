"""Gradual magnitude pruning (Zhu & Gupta, arXiv 1710.01878)."""

from collections.abc import Mapping

import torch

from hwgen.numeric import SpecError, did_you_mean

from .layer import within

__all__ = ["GradualPruning", "cubic_density"]


def cubic_density(step: int, *, begin: int, end: int, final: float) -> float:
    """Density after ``step``: ``final + (1 - final) (1 - t)**3``.

    ``t = (step - begin) / (end - begin)``, kept in 0..1; eq. 1 of arXiv 1710.01878 with initial
    sparsity 0.
    """
    t = min(max((step - begin) / (end - begin), 0.0), 1.0)
    return final + (1 - final) * (1 - t) ** 3


class GradualPruning:
    """Masks that keep the largest weights, fewer and fewer of them, re-applied after every step.

    A weight once removed stays removed. Each tensor keeps its own share.

    Parameters
    ----------
    densities : mapping of parameter name to final density in (0, 1]
    begin, end : int
        Steps between which the density falls.
    every : int
        Steps between two updates of the masks.
    """

    def __init__(self, densities: Mapping[str, float], *, begin: int, end: int, every: int = 10):
        for name, density in densities.items():
            if not 0 < density <= 1:
                raise SpecError(f"pruning: density of '{name}' must be in (0, 1], not {density!r}")
        if not densities:
            raise SpecError("pruning: densities must name at least one parameter, not {}")
        self.densities = dict(densities)
        self.begin = within("pruning: begin", begin, 0)
        self.end = within("pruning: end", end, begin + 1)
        self.every = within("pruning: every", every, 1)
        self.masks = {}

    def attach(self, module) -> None:
        """Start with full masks for the named parameters of ``module``."""
        known = dict(module.named_parameters())
        for name in self.densities:
            if name not in known:
                raise SpecError(f"pruning: parameter must be one of {sorted(known)}, not '{name}'"
                                + did_you_mean(name, known))
        self.masks = {name: torch.ones_like(known[name], dtype=torch.bool)
                      for name in self.densities}

    @torch.no_grad()
    def step(self, module, step: int) -> None:
        """Update the masks when due, then set the masked weights of ``module`` to zero."""
        parameters = dict(module.named_parameters())
        due = (step - self.begin) % self.every == 0 or step == self.end
        for name, mask in self.masks.items():
            if due and self.begin <= step <= self.end:
                self._shrink(name, parameters[name], step)
            parameters[name].mul_(mask)

    def _shrink(self, name, weight, step):
        mask = self.masks[name]
        density = cubic_density(step, begin=self.begin, end=self.end, final=self.densities[name])
        keep = max(1, int(density * mask.numel()))
        score = torch.where(mask, weight.abs(), -1.0).flatten()
        order = torch.argsort(score, descending=True, stable=True)
        mask.logical_and_(torch.zeros_like(mask.flatten()).index_fill_(0, order[:keep], True)
                          .reshape(mask.shape))

    def state_dict(self) -> dict:
        return {name: mask.clone() for name, mask in self.masks.items()}

    def load_state_dict(self, state: dict) -> None:
        self.masks = {name: mask.clone() for name, mask in state.items()}
