"""Fastfood and Toeplitz-like matrices: chains of factors of a few numbers each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from .placed import Placed, Structured, placed_chain

__all__ = ["Fastfood", "LowDisplacement", "circulant_of", "fastfood_parts", "fit_chain", "hadamard",
           "toeplitz_parts"]

FIT_STEPS = 300


def hadamard(n: int):
    """Walsh-Hadamard matrix, int64 (n, n) of +1 and -1; ``n`` is a power of two."""
    h = torch.ones(1, 1, dtype=torch.int64)
    while len(h) < n:
        h = torch.cat([torch.cat([h, h], 1), torch.cat([h, -h], 1)])
    return h


def fastfood_parts(n_out: int, n_in: int, generator) -> list:
    """``(numbers, places, signs)`` of ``H B``, ``H G P`` and ``S``, of which ``W = S H G P H B``.

    ``S``, ``G`` and ``B`` are diagonal, ``P`` is a permutation drawn from ``generator``, ``H`` is
    Walsh-Hadamard of the power of two ``n`` that holds ``n_in`` and ``n_out``: the rows and
    columns beyond these are left out (Adaptive Fastfood, arXiv 1412.7149, eq. 3). Factors begin
    with ``1 / sqrt(n)`` in ``B`` and ``G``, signs drawn, so that all but ``S`` is orthogonal.
    """
    n = 1 << max(1, (max(n_out, n_in) - 1).bit_length())
    h, order = hadamard(n), torch.randperm(n, generator=generator)
    drawn = [1 - 2.0 * torch.randint(2, (size,), generator=generator) for size in (n_in, n)]
    diagonal = torch.full((n_out, n_out), -1)
    diagonal.fill_diagonal_(0)
    diagonal = torch.where(diagonal == 0, torch.arange(n_out), diagonal)
    # (H G P)[i, order[k]] = H[i, k] g[k], since (P x)[k] = x[order[k]].
    of_column = torch.empty_like(order)
    of_column[order] = torch.arange(n)
    return [(drawn[0] * n ** -0.5, torch.arange(n_in).repeat(n, 1), h[:, :n_in].clone()),
            (drawn[1] * n ** -0.5, of_column.repeat(n_out, 1), h[:n_out][:, of_column]),
            (torch.ones(n_out), diagonal, None)]


def circulant_of(n: int, f: int):
    """Places and signs of the ``f``-circulant matrix ``Z_f(v)``, f = +1 or -1, int64 (n, n).

    ``Z_f(v)[i, j] = v[i - j]``, and ``f v[i - j + n]`` above the diagonal.
    """
    apart = torch.arange(n)[:, None] - torch.arange(n)
    return apart % n, torch.where(apart < 0, f, 1)


def toeplitz_parts(n_out: int, n_in: int, rank: int, generator) -> list:
    """The two factors of ``W = sum_j Z_1(g_j) Z_-1(h_j)``, ``j`` below ``rank``.

    Matrices of displacement rank ``rank``, Toeplitz-like (arXiv 1510.01722, eq. 5). Of a matrix
    that is not square it is the corner of that of the larger size. ``g_j`` and ``h_j`` are drawn.
    """
    n = max(n_out, n_in)
    (first, minus), (second, plus) = circulant_of(n, -1), circulant_of(n, 1)
    later = n * torch.arange(rank)
    scale = (n * n * rank) ** -0.25
    return [(scale * torch.randn(n * rank, generator=generator),
             (later[:, None, None] + first[:, :n_in]).flatten(0, 1),
             minus[:, :n_in].repeat(rank, 1)),
            (scale * torch.randn(n * rank, generator=generator),
             (later[:, None] + second[:n_out, None, :]).flatten(1),
             plus[:n_out].repeat(1, rank))]


def fit_chain(chain, weight, steps: int = FIT_STEPS) -> None:
    """Bring the product of a chain's factors near to ``weight`` by Adam on the squared error."""
    layers = [layer for layer in chain if isinstance(layer, nn.Linear)]
    numbers = [form.numbers for layer in layers for form in layer.parametrizations.weight
               if isinstance(form, Placed)]
    weight = weight.detach()
    scale = float(weight.square().mean().sqrt()) or 1.0
    optimiser = torch.optim.Adam(numbers, lr=0.02)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 0.02 * (1 - step / steps)
        product = layers[0].weight
        for layer in layers[1:]:
            product = layer.weight @ product
        optimiser.zero_grad()
        ((product * scale - weight) / scale).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        for each in numbers:
            each.mul_(scale ** (1 / len(numbers)))
            each.grad = None


@dataclass(frozen=True, kw_only=True)
class _Fitted(Structured):
    """What both steps share."""

    def _factors(self, layer, value, generator):
        return placed_chain(self._parts(layer, value, generator), layer.bias)

    def _fit(self, chain, layer):
        with torch.enable_grad():
            fit_chain(chain, layer.weight)


@dataclass(frozen=True, kw_only=True)
class Fastfood(_Fitted):
    """Put ``S H G P H B`` in the place of a Linear and train the three diagonals.

    Adaptive Fastfood. ``H B``, ``H G P`` and ``S`` are three layers, results between them rounded
    to the bits of an activation; each stores as many numbers as its diagonal has, which ``placed``
    in the account counts. They begin as near to the layer as Adam on the squared error comes. Runs
    on dense cores, which store the matrices: there is no core of log n additions.

    Parameters
    ----------
    layers : list of str, or None    all Linear layers, unless given
    """

    kind: ClassVar[str] = "fastfood"
    text: ClassVar[str] = "three trained diagonals between Hadamard matrices (on a dense core)"
    source: ClassVar[str] = "arXiv 1412.7149"
    noted: ClassVar[str] = "layers"
    layers: list[str] | tuple[str, ...] | None = None

    def check(self):
        if self.layers is not None:
            self.require_names("layers")

    def _layers(self, per_layer):
        named = None if self.layers is None else dict.fromkeys(self.layers, 1)
        return per_layer("layers", 1 if named is None else named)

    def _parts(self, layer, value, generator):
        return fastfood_parts(layer.out_features, layer.in_features, generator)

    def _weights(self, layer, value):
        n = 1 << max(1, (max(layer.out_features, layer.in_features) - 1).bit_length())
        return layer.in_features + n + layer.out_features

    def _said(self, value):
        return "three diagonals"


@dataclass(frozen=True, kw_only=True)
class LowDisplacement(_Fitted):
    """Put a Toeplitz-like matrix, ``sum_j Z_1(g_j) Z_-1(h_j)``, in the place of a Linear.

    ``Z_f`` is f-circulant. All ``Z_-1(h_j)`` are one layer and all ``Z_1(g_j)`` a second; the
    result between is rounded to the bits of an activation. They store the vectors alone, which
    ``placed`` in the account counts; begin as near to the layer as Adam on the squared error comes;
    and run on dense cores, which store the matrices.

    Parameters
    ----------
    rank : int, or mapping of layer to int    displacement rank; 0 leaves a layer as it is
    """

    kind: ClassVar[str] = "low-displacement"
    text: ClassVar[str] = "Toeplitz-like matrices of low displacement rank (on a dense core)"
    source: ClassVar[str] = "arXiv 1510.01722"
    rank: int | Mapping[str, int] = 1

    def check(self):
        self.require_int("rank", 0)

    def _layers(self, per_layer):
        return {name: rank for name, rank in per_layer("rank", self.rank).items() if rank}

    def _parts(self, layer, value, generator):
        return toeplitz_parts(layer.out_features, layer.in_features, value, generator)

    def _weights(self, layer, value):
        return 2 * value * max(layer.out_features, layer.in_features)
