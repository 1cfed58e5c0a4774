"""Matrices whose entries are a few numbers set at known places: factors of structured matrices."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from hwgen import ir
from hwgen.numeric import SpecError

from ..form import Form, put
from ..frame.storage import Storage
from .low_rank import Factoring, chained

__all__ = ["Placed", "PlacedStorage", "Structured", "placed_chain"]


class PlacedStorage(Storage):
    """Each number once; which place is of which number, and with which sign, costs no bits.

    Parameters
    ----------
    places : int64 (n_out, n_in)          number of each entry, -1 where it is always 0
    signs : int (n_out, n_in), optional   +1 or -1, by which the number is multiplied

    Raises
    ------
    SpecError    By :meth:`parts`, if entries are not as the places say.
    """

    kind, text = "placed", "one entry for each number of a structured matrix"

    def __init__(self, places, signs=None):
        self.places = np.asarray(places)
        self.signs = np.ones_like(self.places) if signs is None else np.asarray(signs)

    def matrix(self, values, fmt):
        """A :class:`hwgen.ir.Placed`; None where entries are not as the places say."""
        if not self.says(values):
            return None
        return ir.Placed.of(values, self.places, fmt, self.signs)

    def says(self, values) -> bool:
        """Whether all entries of each number are that number, and the others 0."""
        used = self.places >= 0
        plain = (np.asarray(values) * self.signs)[used]
        _, first, which = np.unique(self.places[used], return_index=True, return_inverse=True)
        return (not np.asarray(values)[~used].any()
                and np.array_equal(plain[first][which], plain))

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of the numbers that have places."""
        if not self.says(values):
            raise SpecError("entries of a number must be equal to be stored as one, and are not")
        return {"weights": int(np.count_nonzero(np.unique(self.places) >= 0)) * entry_bits}


class Placed(Form):
    """``W[i, j] = signs[i, j] * numbers[places[i, j]]``, 0 where the place is -1.

    The numbers are what is trained: the gradient of each is the signed sum of those of its
    entries. The latent weights get none, and are not read.

    Parameters
    ----------
    numbers : float tensor (n,)
    places : int64 tensor of the weights' shape              -1 where an entry is always 0
    signs : tensor of the weights' shape, +1 or -1, optional
    """

    made_by = "'tensor-train', 'fastfood' or 'low-displacement'"
    of_weights = ("places", "signs")

    def __init__(self, numbers, places, signs=None):
        super().__init__()
        self.numbers = nn.Parameter(numbers.detach().clone().float())
        self.register_buffer("places", places)
        self.register_buffer("signs", (torch.ones_like(places) if signs is None else signs).to(
            torch.int8))

    def forward(self, weight):
        """The entries; ``weight`` gives the dtype alone."""
        numbers = F.pad(self.numbers, (0, 1))          # place -1 reads the last one, which is 0
        return (numbers[self.places] * self.signs).to(weight.dtype)

    def moved(self, arrange, factor=None):
        """A copy for weights in another order; refused where rows are scaled."""
        if factor is not None:
            raise SpecError("the numbers of a structured matrix must not have a batch norm folded"
                            " into them, which gives each output a factor")
        return super().moved(arrange)

    def storage(self):
        """A :class:`PlacedStorage` of the places."""
        return PlacedStorage(self.places.flatten(1).cpu().numpy(),
                             self.signs.flatten(1).cpu().numpy())


def placed_chain(parts, bias) -> nn.Sequential:
    """Linear layers one behind another, each of ``(numbers, places, signs or None)``.

    The last one has ``bias`` (None for none); between them stands a
    :class:`~hwgen.compress.between.Between`.
    """
    layers = []
    for k, (numbers, places, signs) in enumerate(parts):
        n_out, n_in = places.shape
        layer = nn.Linear(n_in, n_out, bias=bias is not None and k == len(parts) - 1)
        nn.init.zeros_(layer.weight)                   # not read: random ones differ in each run
        put(layer, Placed(numbers, places, signs))
        layers.append(layer)
    return chained(layers, bias)


@dataclass(frozen=True, kw_only=True)
class Structured(Factoring):
    """What steps share that put a chain of such factors in the place of a Linear."""

    def validate(self, context):
        """Linear layers alone, without a batch norm behind."""
        normed = next((name for name in self._layers(context.per_layer) if name in context.norms),
                      None)
        if normed:
            raise SpecError(f"layer '{normed}' must have no batch norm behind it: folded into the"
                            f" factors it gives each output a factor of its own")
        super().validate(context)
        context.mark("structured")

    def _check(self, name, layer, value):
        if not isinstance(layer, nn.Linear):
            raise SpecError(f"layer '{name}' must be a Linear, not {layer}: name those layers"
                            f" alone")
        super()._check(name, layer, value)
