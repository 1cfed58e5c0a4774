"""Weights that are equal by their place: block-circulant matrices, and the hashing trick."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from hwgen.numeric import SpecError

from ..conv import QuantConv2d, QuantDepthwiseConv2d
from ..form import Form, form_of
from ..frame.step import TrainingStep
from .placed import PlacedStorage

__all__ = ["Circulant", "Hashed", "Tied", "circulant_places", "hashed_places"]


class Tied(Form):
    """Each weight is the mean of the latent weights of its group, so all of a group are equal.

    The gradient of each latent weight is the mean of those of its group's weights.

    Parameters
    ----------
    places : int64 tensor of the weights' shape    number of each weight's group
    """

    made_by = "'circulant' or 'hash'"
    of_weights = ("places",)

    def __init__(self, places):
        super().__init__()
        self.register_buffer("places", places)

    def forward(self, weight):
        places = self.places.flatten()
        count = int(places.max()) + 1
        sums = weight.new_zeros(count).index_add(0, places, weight.flatten())
        sizes = torch.bincount(places, minlength=count).clamp_min(1)
        return (sums / sizes)[places].view(weight.shape)

    def moved(self, arrange, factor=None):
        """A copy for weights in another order; refused where rows are scaled."""
        if factor is not None:
            raise SpecError("weights that are equal by their place must not have a batch norm"
                            " folded into them, which gives each output a factor: put the step"
                            " behind 'quantise'")
        return super().moved(arrange)

    def storage(self):
        """A :class:`PlacedStorage` of the places."""
        return PlacedStorage(self.places.flatten(1).cpu().numpy())


def _taps(layer):
    """``(places of the weights (n_out, c, taps), how to bring them into the weights' shape)``."""
    shape = layer.weight.shape
    if isinstance(layer, QuantDepthwiseConv2d) or getattr(layer, "groups", 1) != 1:
        raise SpecError("must not be depthwise: each of its outputs reads one channel")
    if isinstance(layer, nn.Conv2d):
        return (shape[0], shape[1], shape[2] * shape[3]), lambda places: places.reshape(shape)
    if isinstance(layer, QuantConv2d):
        c = layer.c_in
        return ((shape[0], c, shape[1] // c),
                lambda places: places.transpose(1, 2).reshape(shape))
    return (shape[0], shape[1], 1), lambda places: places.reshape(shape)


def circulant_places(layer, block: int):
    """Groups of a block-circulant matrix, int64 in the shape of ``layer``'s weights.

    ``W[i, j]`` of a block depends on ``(i - j) mod block`` alone. Of a convolution the matrix from
    channels to channels is, at each place of the kernel (CirCNN, arXiv 1708.08917). Blocks at the
    ends are cut where ``block`` does not divide the sizes.
    """
    (n_out, c, taps), reshape = _taps(layer)
    i, j, tap = torch.arange(n_out)[:, None, None], torch.arange(c)[:, None], torch.arange(taps)
    blocks = (i // block) * -(-c // block) + j // block
    return reshape((blocks * block + (i - j) % block) * taps + tap)


def hashed_places(layer, groups: int, generator):
    """Groups drawn at random for each weight (HashedNets, arXiv 1504.04788), int64."""
    return torch.randint(groups, tuple(layer.weight.shape), generator=generator)


@dataclass(frozen=True, kw_only=True)
class _Tying(TrainingStep):
    """What both steps share."""

    def validate(self, context):
        """Before weights are removed or shared, and behind ``quantise`` where norms follow."""
        found = self._layers(context.per_layer)
        for mark in ("pruned", "shared", "tied"):
            context.refuse(mark, "its weights are no longer each of their own: tie all weights of"
                                 " a layer first, or leave one of the two out")
        for name in found:
            try:
                _taps(context.layers[name])
            except SpecError as error:
                raise SpecError(f"layer '{name}' {error}") from error
            if name in context.norms and not context.is_marked("quantised"):
                raise SpecError(f"must come after 'quantise' where a batch norm follows, as behind"
                                f" '{name}': folded into the weights it gives each output a factor")
        context.mark("tied")

    def apply(self, run):
        """Tie the weights of each layer, then train them."""
        for name, value in self._layers(run.per_layer).items():
            layer = run.matrices[name]
            if form_of(layer, Tied) is None:
                run.put(name, Tied(self._places(layer, value, run.generator(name))))
        run.train(self)


@dataclass(frozen=True, kw_only=True)
class Circulant(_Tying):
    """Make matrices block-circulant: each block of ``block`` x ``block`` is one rotated row.

    The latent weights are projected onto the nearest such matrix, the means along the diagonals,
    in each evaluation. Runs on a dense core, which stores every weight; ``placed`` in the account
    counts what a core for such matrices stores.

    Parameters
    ----------
    block : int, or mapping of layer to int    2 or more; 1 leaves a layer as it is
    """

    kind: ClassVar[str] = "circulant"
    text: ClassVar[str] = "block-circulant matrices (on a dense core)"
    source: ClassVar[str] = "arXiv 1708.08917"
    block: int | Mapping[str, int] = 8

    def check(self):
        self.require_int("block", 1)

    def _layers(self, per_layer):
        return {name: k for name, k in per_layer("block", self.block).items() if k > 1}

    def _places(self, layer, block, generator):
        return circulant_places(layer, block)


@dataclass(frozen=True, kw_only=True)
class Hashed(_Tying):
    """Let a hash of its place choose the value of each weight, out of a few: the hashing trick.

    The hash is drawn from the recipe's seed, so nothing but the values is stored. Runs on a dense
    core, which stores every weight. The paper's second hash, a sign, is left out.

    Parameters
    ----------
    share : float, or mapping of layer to it    values for each weight, above 0 and below 1
    """

    kind: ClassVar[str] = "hash"
    text: ClassVar[str] = "hashing trick: a hash of its place chooses a weight's value (dense core)"
    source: ClassVar[str] = "arXiv 1504.04788"
    share: float | Mapping[str, float] = 0.125

    def check(self):
        self.require_real("share", 0, 1, above=True)

    def _layers(self, per_layer):
        return per_layer("share", self.share)

    def _places(self, layer, share, generator):
        return hashed_places(layer, max(1, round(share * layer.weight.numel())), generator)
