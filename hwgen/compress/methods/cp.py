"""CP: four thin convolutions in the place of one, a sum of products of vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from hwgen.numeric import SpecError

from .low_rank import Factoring, chained

__all__ = ["Cp", "cp_als", "cp_factors"]

ROUNDS = 200
SETTLED = 1e-7
"""Change of the relative error below which a round is the last."""

RIDGE = 1e-9
"""Share of the largest diagonal entry that is added to the normal equations."""


@torch.no_grad()
def cp_als(tensor, rank: int, generator, rounds: int = ROUNDS) -> list:
    """Factors ``(n_k, rank)`` with ``T[i, j, ..] ~ sum_r A[i, r] B[j, r] ..``, least squares.

    By alternating least squares: each in turn is ``T_(k) KR (G1 * G2 * ..)^-1``, with the
    Khatri-Rao product ``KR`` of the others and their Gram matrices ``G``. Begins with the singular
    vectors of the unfoldings, filled up with ``generator``'s normal numbers. Columns are of equal
    norm in all factors.

    Parameters
    ----------
    tensor : float tensor of two axes or more
    rank : int
    generator : torch.Generator
    """
    tensor = tensor.detach().double()
    unfolded = [tensor.movedim(k, 0).flatten(1) for k in range(tensor.dim())]
    factors = []
    for each in unfolded:
        u = torch.linalg.svd(each, full_matrices=False)[0][:, :rank]
        drawn = torch.randn(len(each), rank - u.shape[1], generator=generator, dtype=u.dtype)
        factors.append(torch.cat([u, drawn], 1))
    norm, before = float(tensor.norm()) or 1.0, float("inf")
    for _ in range(rounds):
        for k, each in enumerate(unfolded):
            others = [factor for j, factor in enumerate(factors) if j != k]
            product = _khatri_rao(others)
            gram = product.T @ product
            gram.diagonal().add_(RIDGE * (float(gram.diagonal().max()) or 1.0))
            factors[k] = torch.linalg.solve(gram, (each @ product).T).T
        error = float((unfolded[-1] - factors[-1] @ product.T).norm()) / norm
        if abs(before - error) < SETTLED:
            break
        before = error
    return _balanced(factors)


def _khatri_rao(factors):
    """``(n_1 * n_2 * .., rank)``: products of the columns, the last axis counts fastest."""
    product = factors[0]
    for each in factors[1:]:
        product = (product[:, None] * each).flatten(0, 1)
    return product


def _balanced(factors):
    norms = [factor.norm(dim=0).clamp_min(1e-30) for factor in factors]
    mean = torch.stack(norms).log().mean(0).exp()
    return [factor / norm * mean for factor, norm in zip(factors, norms, strict=True)]


@torch.no_grad()
def cp_factors(layer: nn.Conv2d, rank: int, generator) -> nn.Sequential:
    """Convolutions 1 x 1, ``kh`` x 1 and 1 x ``kw`` (depthwise), and 1 x 1, through ``rank`` maps.

    ``W[o, c, y, x] ~ sum_r O[o, r] C[c, r] Y[y, r] X[x, r]`` (arXiv 1412.6553, eq. 2 to 6).
    """
    of_out, of_in, of_y, of_x = cp_als(layer.weight, rank, generator)
    thin = []
    for axis, kernel in enumerate(((layer.kernel_size[0], 1), (1, layer.kernel_size[1]))):
        stride, padding, dilation = [1, 1], [0, 0], [1, 1]
        stride[axis], dilation[axis] = layer.stride[axis], layer.dilation[axis]
        padding[axis] = layer.padding[axis]
        thin.append(nn.Conv2d(rank, rank, kernel, tuple(stride), tuple(padding), tuple(dilation),
                              groups=rank, bias=False))
    layers = [nn.Conv2d(layer.in_channels, rank, 1, bias=False), *thin,
              nn.Conv2d(rank, layer.out_channels, 1, bias=layer.bias is not None)]
    for each, weight in zip(layers, (of_in.T, of_y.T, of_x.T, of_out), strict=True):
        each.weight.copy_(weight.reshape(each.weight.shape))
    return chained(layers, layer.bias)


@dataclass(frozen=True, kw_only=True)
class Cp(Factoring):
    """Put 1 x 1, two depthwise and 1 x 1 convolutions in the place of one, by CP.

    Found by alternating least squares from singular vectors, then trained. Other layers stay as
    they are.

    Parameters
    ----------
    rank : int, or mapping of layer to int    0 leaves a layer as it is
    """

    kind: ClassVar[str] = "cp"
    text: ClassVar[str] = "pointwise, two depthwise, pointwise convolutions in the place of one, CP"
    source: ClassVar[str] = "arXiv 1412.6553"
    rank: int | Mapping[str, int]

    def check(self):
        self.require_int("rank", 0)

    def _layers(self, per_layer):
        return {name: rank for name, rank in per_layer("rank", self.rank).items() if rank}

    def _check(self, name, layer, rank):
        if not isinstance(layer, nn.Conv2d):
            raise SpecError(f"layer '{name}' must be a Conv2d, not {layer}: name the convolutions,"
                            f" as in rank = {{ conv1 = 4 }}")
        if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
            raise SpecError(f"layer '{name}' must have a padding of zeros in numbers, not"
                            f" {layer.padding!r} of {layer.padding_mode!r}")
        super()._check(name, layer, rank)

    def _factors(self, layer, rank, generator):
        return cp_factors(layer, rank, generator)

    def _weights(self, layer, rank):
        return rank * (layer.in_channels + sum(layer.kernel_size) + layer.out_channels)
