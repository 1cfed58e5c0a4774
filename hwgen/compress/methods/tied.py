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
from .place_hash import places_and_signs
from .placed import PlacedStorage

__all__ = ["Circulant", "Hashed", "Tied", "circulant_places", "hashed"]


class Tied(Form):
    """Each weight is the mean of the latent weights of its group, so all of a group are equal.

    With signs they are equal but for these: ``W = signs * mean of (signs * latent)``. The gradient
    of each latent weight is the mean of those of its group's weights, in the same way.

    Parameters
    ----------
    places : int64 tensor of the weights' shape               number of each weight's group
    signs : tensor of the weights' shape, +1 or -1, optional
    """

    made_by = "'circulant' or 'hash'"

    def __init__(self, places, signs=None):
        super().__init__()
        self.register_buffer("places", places)
        self.register_buffer("signs", signs)
        self.of_weights = ("places",) if signs is None else ("places", "signs")

    def forward(self, weight):
        places = self.places.flatten()
        count = int(places.max()) + 1
        signed = weight if self.signs is None else weight * self.signs
        sums = weight.new_zeros(count).index_add(0, places, signed.flatten())
        sizes = torch.bincount(places, minlength=count).clamp_min(1)
        means = (sums / sizes)[places].view(weight.shape)
        return means if self.signs is None else means * self.signs

    def moved(self, arrange, factor=None):
        """A copy for weights in another order; refused where rows are scaled."""
        if factor is not None:
            raise SpecError("weights that are equal by their place must not have a batch norm"
                            " folded into them, which gives each output a factor: put the step"
                            " behind 'quantise'")
        return super().moved(arrange)

    def storage(self):
        """A :class:`PlacedStorage` of the places and signs."""
        signs = None if self.signs is None else self.signs.flatten(1).cpu().numpy()
        return PlacedStorage(self.places.flatten(1).cpu().numpy(), signs)


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


def hashed(layer, numbers: int, seed: int):
    """Which number and which sign each weight of ``layer`` takes, int64 and int8 of their shape.

    By :func:`~hwgen.compress.methods.place_hash.places_and_signs` of its output, its input or
    channel, and its place in the kernel, 0 of a matrix.
    """
    shape, reshape = _taps(layer)
    return tuple(reshape(torch.from_numpy(each))
                 for each in places_and_signs(shape, numbers, seed))


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
            if form_of(run.matrices[name], Tied) is None:
                run.put(name, self._form(run, name, value))
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

    def _form(self, run, name, block):
        return Tied(circulant_places(run.matrices[name], block))


@dataclass(frozen=True, kw_only=True)
class Hashed(_Tying):
    """Let a hash of its place choose the value of each weight, out of a few: the hashing trick.

    ``W[i, j] = xi(i, j) * w[h(i, j)]``: of one XXH32 of the place, its upper bits say which number
    and its last bit which sign, see :mod:`.place_hash`. ``w`` alone is stored. The seed of each
    layer follows from the recipe's and is in the notes, beside how many numbers there are; one that
    no weight takes is left out of the network. Runs on a dense core, which stores every weight.

    Parameters
    ----------
    share : float, or mapping of layer to it    numbers for each weight, above 0 and below 1
    """

    kind: ClassVar[str] = "hash"
    text: ClassVar[str] = "hashing trick: a hash of the place gives number and sign (dense core)"
    source: ClassVar[str] = "arXiv 1504.04788"
    share: float | Mapping[str, float] = 0.125

    def check(self):
        self.require_real("share", 0, 1, above=True)

    def _layers(self, per_layer):
        return per_layer("share", self.share)

    def _form(self, run, name, share):
        layer, seed = run.matrices[name], run.seed_of(name)
        numbers = max(1, round(share * layer.weight.numel()))
        run.notes.setdefault(self.kind, {})[name] = {"seed": seed, "numbers": numbers}
        return Tied(*hashed(layer, numbers, seed))
