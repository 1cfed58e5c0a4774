"""Weights that share a few values: the codebook of Deep Compression."""

import torch

from hwgen.ir import Shared
from hwgen.numeric import Codebook, Format

from .layer import within
from .straight import passed
from .value import int64_of
from .weights import Weights

__all__ = ["SharedWeights"]

ROUNDS = 20


class SharedWeights(Weights):
    """``W`` the nearest of at most ``2**bits`` integer centroids (Deep Compression, 1510.00149).

    The real centroids begin in even distances between the least and the largest weight and move to
    the mean of their weights, :data:`ROUNDS` times (k-means) when the layer takes up its weights,
    and once before each product in training, so that they follow. As integers they are rounded to
    a step of ``2**(1 - centroid_bits)``; those that become one are one, and those without weights
    are left out. ``W`` is in units of that step. The gradient passes the rounding; the paper's of a
    centroid is the sum of those of its weights, which its mean follows too.

    Parameters
    ----------
    bits : int              of an index, 1..8
    centroid_bits : int     of a centroid, sign included, 2..16
    with_zero : bool
        One centroid, the nearest, stays at 0: pruned weights stay so, and no product is spent.
    """

    def __init__(self, bits: int = 4, *, centroid_bits: int = 8, with_zero: bool = True):
        super().__init__()
        self.bits = within("SharedWeights: bits", bits, 1, 8)
        self.centroid_bits = within("SharedWeights: centroid_bits", centroid_bits, 2, 16)
        self.with_zero = bool(with_zero)
        self.register_buffer("centroids", torch.zeros(1 << self.bits))

    @property
    def frac(self) -> int:
        """The unit is ``2**-frac``."""
        return self.centroid_bits - 1

    @torch.no_grad()
    def start(self, weight):
        low, high = float(weight.detach().min()), float(weight.detach().max())
        self.centroids.copy_(self._placed(torch.linspace(low, high, len(self.centroids))))
        for _ in range(ROUNDS):
            self.fit(weight)

    @torch.no_grad()
    def fit(self, weight) -> None:
        """One round: each weight to its nearest centroid, each centroid to the mean of these."""
        values = weight.detach().flatten().double()
        centroids = self.centroids.double()
        index = _nearest(values, centroids)
        count = torch.bincount(index, minlength=len(centroids))
        total = torch.zeros_like(centroids).index_add_(0, index, values)
        moved = torch.where(count > 0, total / count.clamp_min(1), centroids)
        self.centroids.copy_(self._placed(moved.sort().values))

    def _placed(self, centroids):
        if self.with_zero:
            centroids[centroids.abs().argmin()] = 0
        return centroids

    @torch.no_grad()
    def integer_centroids(self, weight):
        """The integers that are used, ascending, float64."""
        return torch.unique(self._integers(weight).double())

    @torch.no_grad()
    def _integers(self, weight):
        half = 1 << self.frac
        rounded = torch.round(self.centroids.double() * half).clamp(-half, half - 1)
        values = weight.detach().double()
        return rounded[_nearest(values, self.centroids.double())].to(weight.dtype)

    def format(self, weight) -> Format:
        return Codebook(tuple(self.integer_centroids(weight).long().tolist()))

    def integers(self, weight):
        return passed(weight * 2.0 ** self.frac, self._integers(weight))

    def matrix(self, weight):
        return Shared.of(int64_of(self.integers(weight)))

    def extra_repr(self):
        return f"{self.bits}, centroid_bits={self.centroid_bits}, with_zero={self.with_zero}"


def _nearest(values, centroids):
    """Number of the nearest of ascending ``centroids``; ties take the lower one."""
    return torch.searchsorted((centroids[1:] + centroids[:-1]) / 2, values.contiguous())
