"""ThiNet: channels go whose absence changes the next layer's sums least."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from ..channels import channels_of, inputs_of
from .narrow import ToDensity

__all__ = ["Thinet", "contributions", "greedy", "scales"]

SAMPLES = 500
"""Training samples that are looked at."""

PLACES = 10
"""Sums of the next layer that are looked at of each sample, each of a random output and place."""


def greedy(gram, count: int):
    """Which ``count`` channels stay, bool (n,): one after another goes that costs least.

    ``gram`` is ``X'X`` of the contributions ``X`` (samples, n). Those that are gone, ``T``, cost
    ``sum over samples of (sum over T of x)**2``: eq. 6 and algorithm 1 of arXiv 1707.06342.
    """
    kept, cost = torch.ones(len(gram), dtype=torch.bool), gram.diagonal().clone()
    for _ in range(len(gram) - count):
        k = int(torch.where(kept, cost, torch.inf).argmin())
        kept[k] = False
        cost += 2 * gram[k]
    return kept


def scales(x, kept):
    """Factors of the channels that stay so that their sum is nearest to that of all (eq. 7).

    float64 (samples, n) and bool (n,); least squares, of all solutions the one nearest to ones.
    """
    gone = x[:, ~kept].sum(1, keepdim=True)
    return 1 + torch.linalg.lstsq(x[:, kept], gone, driver="gelsd").solution[:, 0]


@torch.no_grad()
def contributions(layer, x, generator):
    """What each input channel adds to sums of a Linear or Conv2d; float64 (PLACES * n, n_in).

    Of each sample ``x[k]`` at PLACES random outputs, of a convolution at a random place each.
    """
    found, weight = [], layer.weight.detach()
    for j in torch.randint(len(weight), (PLACES,), generator=generator):
        if not isinstance(layer, nn.Conv2d):
            found.append(x * weight[j])
            continue
        maps = F.conv2d(x, weight[j][:, None], None, layer.stride, layer.padding, layer.dilation,
                        groups=x.shape[1]).flatten(2)
        place = torch.randint(maps.shape[2], (len(x), 1, 1), generator=generator)
        found.append(maps.gather(2, place.expand(-1, maps.shape[1], 1))[:, :, 0])
    return torch.cat(found).double()


@dataclass(frozen=True, kw_only=True)
class Thinet(ToDensity):
    """Remove channels by what the next layer's sums lose, and scale the others to make up for it.

    Layer after layer channels go greedily, so that what they add to sums at random places is
    least; a factor for each of the others, by least squares, goes into the weights of its readers.
    Then it trains, ``epochs`` behind each layer; the longer training at the end is a ``train``
    step.

    Parameters
    ----------
    density : float in (0, 1], or mapping of layer to it    share of the outputs that stay
    rounds : int    in each of which a part is removed of every layer
    """

    kind: ClassVar[str] = "thinet"
    text: ClassVar[str] = "remove channels that the next layer's sums miss least, scale the others"
    source: ClassVar[str] = "arXiv 1707.06342"

    def remove(self, run, counts):
        """One set of channels after another."""
        for layers, count in counts.items():
            found = channels_of(run.model, run.labelled(1)[0])
            each = next(each for each in found.sets if each.layers == layers)
            if count < len(each.numbers):
                self._thin(run, found, each, count)
                run.train(self)

    @torch.no_grad()
    def _thin(self, run, found, each, count):
        read, _ = inputs_of(run.model, each.readers, run.labelled(SAMPLES)[0])
        parts = {}
        for name in each.readers:
            layer = run.model.get_submodule(name)
            x = contributions(layer, read[name], run.generator(name))
            parts[name] = found.totals_read({name: x})[:, each.numbers]
        kept = greedy(sum(x.T @ x for x in parts.values()), count)
        for name, x in parts.items():
            factors = torch.ones(found.count, dtype=torch.float64)
            factors[each.numbers[kept]] = scales(x, kept)
            weight = run.model.get_submodule(name).weight
            weight *= factors[found.columns[name]].to(weight).view(
                1, -1, *[1] * (weight.dim() - 2))
        self.cut(run, found, [each.numbers[~kept]])
