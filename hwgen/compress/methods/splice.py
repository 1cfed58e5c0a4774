"""Dynamic network surgery: weights are removed and spliced in again while the network trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from hwgen.numeric import SpecError

from ..form import Form, form_of, latent
from ..hook import Hook
from ..prune import cubic_density
from .mask import Pruning, largest

__all__ = ["Splice", "Surgery", "surgery"]


class _Masked(torch.autograd.Function):
    """``weight * kept``; the gradient passes to all weights, also to those that are out."""

    @staticmethod
    def forward(ctx, weight, kept):
        return weight * kept

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class Surgery(Form):
    """A mask whose weights go on to learn while they are out, so that they may come back."""

    made_by = "'splice'"
    of_weights = ("kept",)

    def __init__(self, weight):
        super().__init__()
        self.register_buffer("kept", torch.ones_like(weight, dtype=torch.bool))
        self.register_buffer("is_settled", torch.tensor(False))

    def forward(self, weight):
        return weight * self.kept if bool(self.is_settled) else _Masked.apply(weight, self.kept)


def surgery(magnitude, kept, low: float, high: float):
    """The new mask: out below ``low``, in from ``high``, as it was between (eq. 3)."""
    return torch.where(magnitude < low, False, torch.where(magnitude >= high, True, kept))


@dataclass(frozen=True)
class _Surgeon(Hook):
    """Updates masks with a probability that falls with the steps, until they are settled."""

    strengths: dict
    densities: dict
    band: float
    ends: float
    gamma: float
    power: float
    seed: int

    def begin(self, module, steps):
        object.__setattr__(self, "_end", min(steps - 1, int(self.ends * steps)))
        object.__setattr__(self, "_at", {
            name: _threshold(latent(module.get_submodule(name)).detach().abs(), strength)
            for name, strength in self.strengths.items()})

    def after(self, module, step):
        for name in (*self.strengths, *self.densities):
            layer = module.get_submodule(name)
            form = form_of(layer, Surgery)
            if step >= self._end:
                self._settle(name, form, latent(layer))
            elif self._is_due(step):
                magnitude = latent(layer).abs()
                at = self._at.get(name)
                if at is None:
                    at = self._quantile(magnitude, self.densities[name], step)
                form.kept.copy_(surgery(magnitude, form.kept, (1 - self.band) * at,
                                        (1 + self.band) * at))

    @torch.no_grad()
    def _settle(self, name, form, weight):
        """The mask stays from here on; of a given share exactly that.

        With the least change to the network that was trained under the mask: the smallest that are
        in go out, or the largest that are out come in, from 0, as the others learned without them.
        """
        if name in self.densities and not bool(form.is_settled):
            magnitude, before = weight.abs(), form.kept.clone()
            score = torch.where(before, magnitude + magnitude.max(), magnitude)
            form.kept.copy_(largest(score, round(self.densities[name] * magnitude.numel())))
            weight[form.kept & ~before] = 0
        form.is_settled.fill_(True)

    def _is_due(self, step) -> bool:
        """By chance, of the step alone: ``(1 + gamma step)**-power``."""
        drawn = torch.rand((), generator=torch.Generator().manual_seed(
            self.seed * 1_000_003 + step))
        return float(drawn) < (1 + self.gamma * step) ** -self.power

    def _quantile(self, magnitude, density, step) -> float:
        """The threshold that leaves the share of the cubic schedule."""
        share = cubic_density(step, begin=0, end=max(1, self._end * 2 // 3), final=density)
        count = min(magnitude.numel() - 1, int((1 - share) * magnitude.numel()))
        return float(magnitude.flatten().kthvalue(count + 1).values)


def _threshold(magnitude, strength: float) -> float:
    """``mean + strength * deviation`` of the magnitudes, 0 at least."""
    return max(0.0, float(magnitude.mean() + strength * magnitude.std()))


@dataclass(frozen=True, kw_only=True)
class Splice(Pruning):
    """Prune and splice: a weight below a threshold is out, one above a higher one is in again.

    Dynamic network surgery: all weights are trained by the gradient of the masked network, so that
    one taken out by mistake grows back. Masks are looked at with a probability
    ``(1 + gamma step)**-power``, and settled after a share ``ends`` of the training.

    Parameters
    ----------
    strength : float, or mapping    thresholds around ``mean + strength * std`` of the magnitudes
                                    at the start, as the paper has them; or
    density : float, or mapping     around the magnitude that leaves this share, which falls along
                                    the cubic schedule; exactly this share when they are settled
    band : float                    the lower one is ``1 - band`` times that, the higher one
                                    ``1 + band`` times
    gamma, power, ends : float
    """

    mask: ClassVar[type[Form]] = Surgery
    verb: ClassVar[str] = "splice"
    kind: ClassVar[str] = "splice"
    text: ClassVar[str] = "dynamic network surgery: remove weights, and splice them in again"
    source: ClassVar[str] = "arXiv 1608.04493"
    strength: float | Mapping[str, float] | None = None
    density: float | Mapping[str, float] | None = None
    band: float = 0.1
    gamma: float = 1e-3
    power: float = 1.0
    ends: float = 0.7
    epochs: int = 1

    def check(self):
        if (self.strength is None) == (self.density is None):
            raise SpecError("splice: one of strength and density must be given, not"
                            f" {'none' if self.density is None else 'both'}")
        if self.density is None:
            self.require_real("strength", -100, 100)
        else:
            self.require_real("density", 0, 1, above=True)
        self.require_int("epochs", 1)
        self.require_real("band", 0, 1)
        self.require_real("ends", 0, 1, above=True)
        self.require_real("gamma", 0)
        self.require_real("power", 0)

    def validate(self, context):
        """Of floats or integers, before weights are shared."""
        name = "density" if self.strength is None else "strength"
        context.per_layer(name, getattr(self, name))
        super().validate(context)

    def apply(self, run):
        """Train under masks that come and go; they are settled behind."""
        found = {name: {} if value is None else run.per_layer(name, value)
                 for name, value in (("strength", self.strength), ("density", self.density))}
        names = (*found["strength"], *found["density"])
        self.put(run, names)
        hook = _Surgeon(found["strength"], found["density"], self.band, self.ends, self.gamma,
                        self.power, run.seed)
        run.train(self, hooks=(hook,))
        for name in names:
            form_of(run.matrices[name], Surgery).is_settled.fill_(True)
        self.note(run, names)
