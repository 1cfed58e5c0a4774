"""Weight sharing: each layer's weights take the values of a few centroids, trained as such."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from hwgen.numeric import SpecError

from ..form import Form, form_of
from ..frame.step import TrainingStep
from .curvature import hessian_diagonal, second_moments

__all__ = ["IMPORTANCES", "STARTS", "Codebook", "Share", "kmeans", "started"]

STARTS = ("linear", "density", "random")
"""How centroids begin; section 3.2 of arXiv 1510.00149."""

IMPORTANCES = ("equal", "hessian", "adam")
"""What a weight's squared distance from its centroid is multiplied by; see :class:`Share`."""

ROUNDS = 50

SAMPLES = 200
"""Training samples on which the Hessian's diagonal is found."""


def started(values, count: int, start: str, generator) -> torch.Tensor:
    """``count`` centroids, ascending: spread over the range, over the share of weights, or drawn.

    ``values`` are the weights to be shared, float64 (n,).
    """
    if start == "linear":
        return torch.linspace(float(values.min()), float(values.max()), count, dtype=values.dtype)
    if start == "density":
        shares = (torch.arange(count, dtype=values.dtype) + 0.5) / count
        at = (shares * len(values)).long().clamp_max(len(values) - 1)
        return values.sort().values[at]
    return values[torch.randint(len(values), (count,), generator=generator)].sort().values


def kmeans(values, centroids, rounds: int = ROUNDS, importance=None):
    """``(centroids, numbers)``: each value to its nearest, each centroid to the mean of its own.

    Ends when nothing changes. Centroids without values stay where they are; ties take the lower.
    Means are weighted by ``importance`` (n,), at least 0, if it is given: of ``h`` they minimise
    ``sum h (w - c)**2`` (Hessian-weighted k-means, arXiv 1612.01543, eq. 6).
    """
    importance = torch.ones_like(values) if importance is None else importance.to(values.dtype)
    numbers = None
    for _ in range(rounds):
        before, numbers = numbers, nearest(values, centroids)
        if before is not None and torch.equal(before, numbers):
            break
        shares = torch.zeros_like(centroids).index_add_(0, numbers, importance)
        sums = torch.zeros_like(centroids).index_add_(0, numbers, values * importance)
        means = sums / torch.where(shares > 0, shares, 1.0)
        centroids = torch.where(shares > 0, means, centroids).sort().values
    return centroids, nearest(values, centroids)


def nearest(values, centroids):
    """Number of the nearest of ascending ``centroids``, int64; ties take the lower one."""
    return torch.searchsorted((centroids[1:] + centroids[:-1]) / 2, values.contiguous())


class Codebook(Form):
    """Weights that are not 0 become their centroid; numbers are settled, centroids are trained.

    The gradient of a centroid is the sum of those of its weights (eq. 3 of arXiv 1510.00149);
    the latent weights get none, and are of use no more. Pruned weights stay 0.

    Parameters
    ----------
    weight : Tensor           the weights as they are, behind the forms before this one
    count : int               centroids, 0 not counted
    start : str               one of :data:`STARTS`
    generator : torch.Generator
    importance : Tensor       of each weight, at least 0; all alike unless given
    """

    made_by = "'share'"
    of_weights = ("numbers",)
    is_shared = True

    @torch.no_grad()
    def __init__(self, weight, count: int, start: str, generator, importance=None):
        super().__init__()
        weight = weight.detach()
        kept = weight != 0
        values = weight[kept].double()
        importance = None if importance is None or not len(values) else importance[kept].double()
        if not len(values):
            values = torch.zeros(1, dtype=torch.float64)
        centroids, numbers = kmeans(values, started(values, count, start, generator),
                                    importance=importance)
        self.centroids = torch.nn.Parameter(centroids.to(weight.dtype))
        self.register_buffer("numbers", torch.full(weight.shape, -1, dtype=torch.int16))
        self.numbers[kept] = numbers.to(torch.int16)[: int(kept.sum())]

    def forward(self, weight):
        """The centroid of each weight, 0 where it was removed; ``weight`` itself is not read."""
        numbers = self.numbers.long()
        values = self.centroids[numbers.clamp_min(0)]
        return torch.where(numbers >= 0, values, torch.zeros((), dtype=values.dtype)).to(
            weight.dtype)

    def moved(self, arrange, factor=None):
        """A copy for weights in another order; refused where rows are scaled."""
        if factor is not None:
            raise SpecError("shared weights must not have a batch norm folded into them, which"
                            " gives each output a factor: quantise before 'share'")
        return super().moved(arrange, factor)


@dataclass(frozen=True, kw_only=True)
class Share(TrainingStep):
    """Let each layer's weights share a few values, found by k-means; train these.

    Behind ``quantise`` centroids are rounded as its weights are; before it they stay floats until
    then. Weights that are 0, removed ones, take no centroid.

    Parameters
    ----------
    bits : int, or mapping of layer to int    ``2**bits`` centroids: 1..8; 0 leaves a layer as it is
    start : str                               ``linear``, ``density`` or ``random``
    zero : bool         whether 0 takes the place of one of them, so that codes of ``bits`` say it
                        too: where runs of zeros are long, relative indices have padding
    importance : str    a weight's part in the mean: ``equal``; ``hessian``, the diagonal of the
                        loss's Hessian (arXiv 1612.01543); ``adam``, the root of the second moment
                        of its gradient, which that paper takes for it where training gives it
    """

    kind: ClassVar[str] = "share"
    text: ClassVar[str] = "weights share the values of a codebook, k-means, then trained"
    source: ClassVar[str] = "arXiv 1510.00149, 1612.01543"
    bits: int | Mapping[str, int] = 5
    start: str = "linear"
    importance: str = "equal"
    zero: bool = False

    def check(self):
        self.require_int("bits", 0, 8)
        self.require_bool("zero")
        self.require_choice("start", STARTS)
        self.require_choice("importance", IMPORTANCES)

    def validate(self, context):
        """Once for each layer; norms must be folded before."""
        bits = context.per_layer("bits", self.bits)
        context.refuse("shared", "leave one of the two out")
        if self.importance != "equal":
            for mark in ("structured", "integers"):
                context.refuse(mark, "what trains there is not the weights, whose importance is"
                                     " asked for: take importance = 'equal'")
        norm = next((name for name in bits if name in context.norms and bits[name]), None)
        if norm and not context.is_marked("quantised"):
            raise SpecError(f"must come after 'quantise' where a batch norm follows, as behind"
                            f" '{norm}': folded into the weights it gives each output a factor")
        context.mark("shared")

    def apply(self, run):
        """Find the centroids, then train them with everything else that there is."""
        found = {}
        chosen = {name: bits for name, bits in run.per_layer("bits", self.bits).items() if bits}
        importance = self._importances(run, {name: run.matrices[name] for name in chosen})
        for name, bits in chosen.items():
            layer = run.matrices[name]
            if form_of(layer, Codebook) is None:
                count = (1 << bits) - self.zero
                form = Codebook(layer.weight, count, self.start, run.generator(name),
                                importance.get(name))
                run.put(name, form)
                found[name] = len(form.centroids)
        run.train(self)
        run.notes[self.kind] = {"centroids": found}

    def _importances(self, run, layers) -> dict:
        """Of each weight of the layers; none where all are equal."""
        if self.importance == "equal" or not layers:
            return {}
        if self.importance == "hessian":
            x = run.labelled(SAMPLES)[0]
            return hessian_diagonal(run.model, layers, x)
        found = second_moments(run.model, layers, *run.labelled(None), self.batch)
        return {name: moments.sqrt() for name, moments in found.items()}
