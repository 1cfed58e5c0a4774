"""Low rank: a matrix becomes the product of two narrow ones, a convolution that of three."""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from hwgen.numeric import SpecError

from ..between import Between
from ..form import forms_of, maker_of
from ..frame.marks import FIXED
from ..frame.prepare import matrices
from ..frame.step import TrainingStep
from ..graph import as_graph

__all__ = ["Factoring", "LowRank", "Tucker", "chained", "factors", "tucker_factors"]


@torch.no_grad()
def factors(layer, rank: int) -> nn.Sequential:
    """Two layers whose product is the nearest matrix of ``rank`` (Eckart and Young).

    Of a convolution the first one has ``rank`` kernels of its size and the second is 1 x 1: the
    matrix is that from ``(c, kh, kw)`` to outputs (arXiv 1404.0736, 1505.06798).
    """
    u, s, vh = torch.linalg.svd(layer.weight.flatten(1).double(), full_matrices=False)
    root = s[:rank].sqrt()
    narrow, wide = root[:, None] * vh[:rank], u[:, :rank] * root
    has_bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        first = nn.Linear(layer.in_features, rank, bias=False)
        second = nn.Linear(rank, layer.out_features, bias=has_bias)
    else:
        first = nn.Conv2d(layer.in_channels, rank, layer.kernel_size, layer.stride, layer.padding,
                          layer.dilation, bias=False, padding_mode=layer.padding_mode)
        second = nn.Conv2d(rank, layer.out_channels, 1, bias=has_bias)
    return _chain(first, narrow, second, wide, bias=layer.bias)


@torch.no_grad()
def tucker_factors(layer: nn.Conv2d, rank_in: int, rank_out: int) -> nn.Sequential:
    """Three convolutions, 1 x 1, ``k x k`` and 1 x 1, of ``rank_in`` and ``rank_out`` channels.

    Tucker-2 by the singular vectors of both unfoldings (HOSVD; arXiv 1511.06530, eq. 3).
    """
    weight = layer.weight.double()
    ends = []
    for axis, rank in ((0, rank_out), (1, rank_in)):
        unfolded = weight.movedim(axis, 0).flatten(1)
        ends.append(torch.linalg.svd(unfolded, full_matrices=False)[0][:, :rank])
    of_out, of_in = ends
    core = torch.einsum("ocyx,or,cs->rsyx", weight, of_out, of_in)
    return _chain(
        nn.Conv2d(layer.in_channels, rank_in, 1, bias=False), of_in.T,
        nn.Conv2d(rank_in, rank_out, layer.kernel_size, layer.stride, layer.padding,
                  layer.dilation, bias=False, padding_mode=layer.padding_mode), core,
        nn.Conv2d(rank_out, layer.out_channels, 1, bias=layer.bias is not None), of_out,
        bias=layer.bias)


def _chain(*layers_and_weights, bias):
    """The layers with these weights."""
    layers, weights = layers_and_weights[::2], layers_and_weights[1::2]
    for layer, weight in zip(layers, weights, strict=True):
        layer.weight.copy_(weight.reshape(layer.weight.shape))
    return chained(layers, bias)


@torch.no_grad()
def chained(layers, bias) -> nn.Sequential:
    """The layers, a :class:`Between` behind all but the last, which takes ``bias``."""
    parts = OrderedDict()
    for k, layer in enumerate(layers):
        if k:
            parts[f"between{k}"] = Between()
        parts[f"factor{k}"] = layer
    if bias is not None:
        layers[-1].bias.copy_(bias)
    return nn.Sequential(parts)


@dataclass(frozen=True, kw_only=True)
class Factoring(TrainingStep):
    """What steps share that put a chain of layers in the place of one.

    ``_layers(per_layer)`` chooses layers and a value for each; ``_factors(layer, value,
    generator)`` makes the chain, and ``_weights(layer, value)`` says how many numbers it has. What
    takes long is for ``_fit(chain, layer)``, which a look at the shapes alone leaves out.
    """

    noted: ClassVar[str] = "ranks"
    needs_sizes: ClassVar[bool] = True

    def validate(self, context):
        """Before anything is known of single weights; each layer must get smaller."""
        chosen = self._layers(context.per_layer)
        for mark in (FIXED, "pruned", "shared", "tied"):
            context.refuse(mark, "the factors have other weights: factor first")
        for name, rank in chosen.items():
            self._check(name, context.layers[name], rank)
        context.model = self._factored(context.model, chosen, _any_generator, is_fitted=False)
        context.norms = frozenset(_last(name, chosen, context) for name in context.norms)
        context.layers = matrices(context.model)
        context.mark("factored")

    def apply(self, run):
        """Put the factors in the places of the layers, then train them."""
        chosen = self._layers(run.per_layer)
        run.model = self._factored(run.model, chosen, run.generator, is_fitted=True)
        run.train(self)
        run.notes[self.kind] = {self.noted: chosen}

    def _factored(self, model, chosen, generator, *, is_fitted):
        model = copy.deepcopy(model)
        for name, rank in chosen.items():
            *path, last = name.split(".")
            layer = model.get_submodule(name)
            chain = self._factors(layer, rank, generator(name))
            if is_fitted:
                self._fit(chain, layer)
            setattr(model.get_submodule(".".join(path)), last, chain)
        return as_graph(model)

    def _fit(self, chain, layer) -> None:
        """Bring the chain near to the layer, where making it has not."""
        return

    def _check(self, name, layer, rank):
        if not isinstance(layer, nn.Linear | nn.Conv2d) or getattr(layer, "groups", 1) != 1:
            raise SpecError(f"layer '{name}' must be a Linear or a Conv2d of one group, not"
                            f" {layer}")
        if forms_of(layer):
            raise SpecError(f"layer '{name}' must have weights of their own, not"
                            f" those of {maker_of(layer)}")
        before, after = layer.weight.numel(), self._weights(layer, rank)
        if not after < before:
            raise SpecError(f"layer '{name}' must get smaller, but factors of {self._said(rank)}"
                            f" have {after:,} weights and it has {before:,}: take a lower rank, or"
                            f" 0 to leave it")

    def _said(self, rank) -> str:
        """The value of a layer, for errors."""
        return f"rank {rank}"


def _any_generator(purpose):
    """Random numbers for a look at the shapes."""
    return torch.Generator().manual_seed(0)


def _last(name, chosen, context):
    """The layer that the norm behind ``name`` now follows."""
    if name not in chosen:
        return name
    return next(reversed([each for each in matrices(context.model) if each.startswith(f"{name}.")]))


@dataclass(frozen=True, kw_only=True)
class LowRank(Factoring):
    """Put the product of two narrow matrices in the place of one, by singular values.

    Parameters
    ----------
    rank : int, or mapping of layer to int    0 leaves a layer as it is
    """

    kind: ClassVar[str] = "low-rank"
    text: ClassVar[str] = "two narrow matrices in the place of one, by singular values"
    source: ClassVar[str] = "arXiv 1404.0736"
    rank: int | Mapping[str, int]

    def check(self):
        self.require_int("rank", 0)

    def _layers(self, per_layer):
        return {name: rank for name, rank in per_layer("rank", self.rank).items() if rank}

    def _factors(self, layer, rank, generator):
        return factors(layer, rank)

    def _weights(self, layer, rank):
        n_out, n_in = layer.weight.flatten(1).shape
        return rank * (n_out + n_in)


@dataclass(frozen=True, kw_only=True)
class Tucker(Factoring):
    """Put 1 x 1, ``k x k`` and 1 x 1 convolutions in the place of one, by Tucker-2.

    Other layers stay as they are; the paper chooses ranks by variational Bayes, here they are
    given.

    Parameters
    ----------
    rank_in, rank_out : int, or mapping of layer to int    0 leaves a layer as it is
    """

    kind: ClassVar[str] = "tucker"
    text: ClassVar[str] = "three convolutions in the place of one, Tucker-2"
    source: ClassVar[str] = "arXiv 1511.06530"
    rank_in: int | Mapping[str, int]
    rank_out: int | Mapping[str, int]

    def check(self):
        self.require_int("rank_in", 0)
        self.require_int("rank_out", 0)

    def _layers(self, per_layer):
        ranks = (per_layer("rank_in", self.rank_in), per_layer("rank_out", self.rank_out))
        if set(ranks[0]) != set(ranks[1]):
            raise SpecError(f"rank_in and rank_out must name the same layers, not {list(ranks[0])}"
                            f" and {list(ranks[1])}")
        return {name: (rank, ranks[1][name]) for name, rank in ranks[0].items()
                if rank and ranks[1][name]}

    def _check(self, name, layer, rank):
        if not isinstance(layer, nn.Conv2d):
            raise SpecError(f"layer '{name}' must be a Conv2d, not {layer}: name the convolutions,"
                            f" as in rank_in = {{ conv1 = 4 }}")
        if rank[0] > layer.in_channels or rank[1] > layer.out_channels:
            raise SpecError(f"layer '{name}': ranks must be at most its channels"
                            f" ({layer.in_channels}, {layer.out_channels}), not {rank}")
        super()._check(name, layer, rank)

    def _factors(self, layer, rank, generator):
        return tucker_factors(layer, *rank)

    def _weights(self, layer, rank):
        size = layer.kernel_size[0] * layer.kernel_size[1]
        return (layer.in_channels * rank[0] + rank[0] * rank[1] * size
                + rank[1] * layer.out_channels)
