"""Lottery tickets: train, remove the smallest weights, set the others back, and again."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..form import latent
from .mask import PruningTo, keep

__all__ = ["Lottery"]

MASK = ".kept"
"""How the names of what is not rewound end."""


@dataclass(frozen=True, kw_only=True)
class Lottery(PruningTo):
    """Find the weights that could have been trained alone, and train them from where they began.

    In round ``r`` of ``rounds``: train for ``epochs``, leave the share ``density**(r / rounds)`` of
    each layer's weights, those of the largest magnitude, and set all parameters and norms back to
    what they were at the start; then train the ticket for ``epochs``. The start is the model as the
    step finds it, so as the first step of a recipe its random weights, or that model trained for
    ``rewind`` epochs.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the weights that stay
    rounds : int
    rewind : int    0, or the epochs after which the weights are those that are gone back to
                    (arXiv 1903.01611)
    """

    kind: ClassVar[str] = "lottery"
    text: ClassVar[str] = "train, remove the smallest weights, rewind the others, repeat"
    source: ClassVar[str] = "arXiv 1803.03635, 1903.01611"
    rounds: int = 3
    rewind: int = 0

    def check(self):
        super().check()
        self.require_int("rounds", 1)
        self.require_int("rewind", 0)
        self.require_int("epochs", 1)

    def apply(self, run):
        """Rounds of training, cutting and going back; the ticket's own training at the end."""
        densities = run.per_layer("density", self.density)
        self.put(run, densities)
        run.train(self, epochs=self.rewind)
        start = {name: value.clone() for name, value in run.model.state_dict().items()
                 if not name.endswith(MASK)}
        for k in range(1, self.rounds + 1):
            run.train(self)
            if k == 1 and run.recipe.steps[0] is self:
                run.take_origin()       # whole, and trained
            for name, density in densities.items():
                layer = run.matrices[name]
                keep(layer, latent(layer).detach().abs(), density ** (k / self.rounds))
            with torch.no_grad():
                run.model.load_state_dict(start, strict=False)
        run.train(self)
        self.note(run, densities)
