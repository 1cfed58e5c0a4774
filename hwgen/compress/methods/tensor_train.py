"""Tensor train: a matrix as a chain of small cores, one for each pair of its modes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from hwgen.numeric import SpecError

from ..layer import within
from .placed import Structured, placed_chain

__all__ = ["TensorTrain", "core_places", "tt_cores"]


@torch.no_grad()
def tt_cores(weight, modes_out, modes_in, ranks) -> list:
    """Cores ``G_k`` of shape ``(r_k-1, m_k, n_k, r_k)`` of a matrix, by singular values (TT-SVD).

    ``W[(i_1 .. i_d), (j_1 .. j_d)] = G_1[:, i_1, j_1, :] .. G_d[:, i_d, j_d, :]``, matrices, with
    ``r_0 = r_d = 1`` (arXiv 1509.06569, eq. 3). Modes are in row-major order, the last one counts
    fastest. ``ranks`` are ``r_1 .. r_d-1``; higher than there can be are cut.
    """
    d = len(modes_out)
    tensor = weight.detach().double().reshape(*modes_out, *modes_in)
    rest = tensor.permute(*(axis for k in range(d) for axis in (k, d + k)))
    cores, before = [], 1
    for m, n, most in zip(modes_out[:-1], modes_in[:-1], ranks, strict=True):
        u, s, vh = torch.linalg.svd(rest.reshape(before * m * n, -1), full_matrices=False)
        rank = min(most, len(s))
        root = s[:rank].sqrt()
        cores.append((u[:, :rank] * root).reshape(before, m, n, rank))
        rest, before = root[:, None] * vh[:rank], rank
    return [*cores, rest.reshape(before, modes_out[-1], modes_in[-1], 1)]


def core_places(shape, before: int, behind: int):
    """Places of a core's numbers in the matrix that contracts it, int64, -1 where that is 0.

    ``shape`` is ``(r, m, n, s)``. The matrix takes ``(before, n, s, behind)`` to
    ``(before, r, m, behind)``: ``I[p, p'] G[r, m, n, s] I[q, q']``.
    """
    r, m, n, s = shape
    numbers = torch.arange(r * m * n * s).reshape(r, m, n, s)
    places = torch.full((before, behind, r, m, n, s, before, behind), -1)
    p, q = torch.arange(before)[:, None], torch.arange(behind)
    places[p, q, :, :, :, :, p, q] = numbers
    return places.permute(0, 2, 3, 1, 6, 4, 5, 7).reshape(before * r * m * behind,
                                                          before * n * s * behind)


@dataclass(frozen=True, kw_only=True)
class TensorTrain(Structured):
    """Put the cores of a tensor train in the place of a Linear, and train these.

    They begin as the TT-SVD of the layer. Each core becomes a layer that contracts it with what
    comes in, the last core first: a matrix with the core's numbers at known places and zeros
    elsewhere, whose result is rounded to the bits of an activation. So exactly the cores, in
    integers, are what the network computes with, and ``placed`` in the account counts them alone;
    it runs on dense or sparse cores, which store the matrices.

    Parameters
    ----------
    modes_out, modes_in : list of int, or mapping of layer to it
        As many factors of the numbers of outputs and of inputs; name the layers, others stay.
    rank : int or list of int, or mapping of layer to it
        ``r_1 .. r_d-1``, one for all where it is an int; 0 leaves a layer as it is.
    """

    kind: ClassVar[str] = "tensor-train"
    text: ClassVar[str] = "a chain of tensor-train cores in the place of a matrix (on a dense core)"
    source: ClassVar[str] = "arXiv 1509.06569"
    modes_out: Sequence[int] | Mapping[str, Sequence[int]]
    modes_in: Sequence[int] | Mapping[str, Sequence[int]]
    rank: int | Sequence[int] | Mapping[str, int | Sequence[int]]

    def check(self):
        for name in ("modes_out", "modes_in", "rank"):
            for what, value in self._values(name):
                for each in value if isinstance(value, list | tuple) else [value]:
                    within(what, each, 0 if name == "rank" else 1)

    def _layers(self, per_layer):
        modes = [per_layer(name, getattr(self, name)) for name in ("modes_out", "modes_in")]
        ranks = per_layer("rank", self.rank)
        if set(modes[0]) != set(modes[1]):
            raise SpecError(f"modes_out and modes_in must name the same layers, not"
                            f" {list(modes[0])} and {list(modes[1])}")
        return {name: _ranked(name, tuple(out), tuple(modes[1][name]), ranks[name])
                for name, out in modes[0].items() if ranks.get(name)}

    def _check(self, name, layer, value):
        super()._check(name, layer, value)
        modes_out, modes_in, _ = value
        for what, modes, size in (("modes_out", modes_out, layer.out_features),
                                  ("modes_in", modes_in, layer.in_features)):
            if math.prod(modes) != size:
                raise SpecError(f"layer '{name}': {what} must have the product {size}, not"
                                f" {math.prod(modes)} of {list(modes)}")

    def _factors(self, layer, value, generator):
        modes_out, modes_in, ranks = value
        parts, cores = [], tt_cores(layer.weight, modes_out, modes_in, ranks)
        for k in reversed(range(len(cores))):
            places = core_places(cores[k].shape, math.prod(modes_in[:k]),
                                 math.prod(modes_out[k + 1:]))
            parts.append((cores[k].flatten(), places, None))
        return placed_chain(parts, layer.bias)

    def _weights(self, layer, value):
        modes_out, modes_in, ranks = value
        ends = (1, *ranks, 1)
        return sum(ends[k] * m * n * ends[k + 1]
                   for k, (m, n) in enumerate(zip(modes_out, modes_in, strict=True)))

    def _said(self, value):
        return f"ranks {list(value[2])}"


def _ranked(name, modes_out, modes_in, rank):
    """``(modes_out, modes_in, ranks)`` of a layer, ranks at most what there can be."""
    d = len(modes_out)
    if len(modes_in) != d or d < 2:
        raise SpecError(f"layer '{name}': modes_out and modes_in must be as many, two at least, not"
                        f" {list(modes_out)} and {list(modes_in)}")
    ranks = tuple(rank) if isinstance(rank, list | tuple) else (rank,) * (d - 1)
    if len(ranks) != d - 1 or 0 in ranks:
        raise SpecError(f"layer '{name}': rank must be {d - 1} numbers of 1 or more, one less than"
                        f" modes, not {list(ranks)}")
    pairs = [m * n for m, n in zip(modes_out, modes_in, strict=True)]
    most, cut = 1, []
    for k, each in enumerate(ranks):
        most = min(each, most * pairs[k], math.prod(pairs[k + 1:]))
        cut.append(most)
    return modes_out, modes_in, tuple(cut)
