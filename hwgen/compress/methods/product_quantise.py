"""Product quantisation: pieces of rows from a codebook for each group of columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from hwgen import ir
from hwgen.numeric import SpecError

from ..form import form_of
from ..frame.step import TrainingStep
from ..frame.storage import bits_for
from .placed import Placed, PlacedStorage

__all__ = ["ProductCodes", "ProductQuantise", "ProductStorage", "kmeans_of_rows", "product_codes"]

ROUNDS = 50


def kmeans_of_rows(rows, count: int, generator):
    """``(centroids (count, d), numbers (n,))`` of rows float64 (n, d): Lloyd's, from drawn rows.

    Ends when nothing changes. Centroids without rows stay where they are; ties take the lower.
    """
    chosen = torch.randperm(len(rows), generator=generator)[:count]
    centroids, numbers = rows[chosen].clone(), None
    for _ in range(ROUNDS):
        before, numbers = numbers, (rows[:, None] - centroids).square().sum(2).argmin(1)
        if before is not None and torch.equal(before, numbers):
            break
        sums = torch.zeros_like(centroids).index_add_(0, numbers, rows)
        sizes = torch.bincount(numbers, minlength=len(centroids))[:, None]
        centroids = torch.where(sizes > 0, sums / sizes.clamp_min(1), centroids)
    return centroids, (rows[:, None] - centroids).square().sum(2).argmin(1)


@torch.no_grad()
def product_codes(weight, length: int, count: int, generator):
    """Codebooks float64 (groups, count, length) and codes int64 (n_out, groups) of a matrix.

    Columns are cut into groups of ``length``, each with a codebook of its own (arXiv 1412.6115,
    section 3.2.3). The last group of a number that ``length`` does not divide is filled with 0.
    """
    n_in = weight.shape[1]
    groups = -(-n_in // length)
    padded = torch.nn.functional.pad(weight.detach().double(), (0, groups * length - n_in))
    found = [kmeans_of_rows(part, count, generator) for part in padded.split(length, dim=1)]
    return torch.stack([book for book, _ in found]), torch.stack([codes for _, codes in found], 1)


class ProductStorage(PlacedStorage):
    """A code for each row and group of columns, and the codebooks.

    Parameters
    ----------
    places : int64 (n_out, n_in)    number of each entry: ``(group * count + code) * length + t``
    length, count : int             columns of a group, rows of its codebook
    """

    kind, text = "product", "a code for each piece of a row, a codebook for each group of columns"

    def __init__(self, places, length: int, count: int):
        super().__init__(places)
        self.length, self.count = length, count

    @property
    def groups(self):
        """The group of each column, int64 (n_in,)."""
        return self.places[0] // (self.length * self.count)

    def matrix(self, values, fmt):
        """A :class:`hwgen.ir.ProductQuantised`, 0 what no code says; None where pieces differ."""
        if not self.says(values):
            return None
        groups = int(self.groups.max()) + 1
        codes = np.zeros((len(self.places), groups), np.int64)
        codes[:, self.groups] = self.places // self.length % self.count
        books = np.zeros(groups * self.count * self.length, np.int64)
        books[self.places] = values
        return ir.ProductQuantised(codes, books.reshape(groups, self.count, self.length),
                                   self.groups * self.length + self.places[0] % self.length, fmt)

    def parts(self, values, entry_bits: int) -> dict[str, int]:
        """Bits of the codes and of the codebooks, also of rows that no code says."""
        if not self.says(values):
            raise SpecError("pieces of a code must be equal to be stored as one, and are not")
        codes = len(self.places) * (int(self.groups.max()) + 1)
        return {"weights": codes * bits_for(self.count),
                "codebook": self.count * self.places.shape[1] * entry_bits}


class ProductCodes(Placed):
    """Entries of codebooks at the places that the codes say; codes are settled, books trained.

    Parameters
    ----------
    weight : Tensor (n_out, ...)    the weights as they are; their columns are those of ``flatten``
    length, count : int             columns of a group, rows of its codebook
    generator : torch.Generator
    """

    made_by = "'product-quantise'"

    def __init__(self, weight, length: int, count: int, generator):
        books, codes = product_codes(weight.flatten(1), length, count, generator)
        columns = torch.arange(weight.flatten(1).shape[1])
        group, at = columns // length, columns % length
        places = (group * books.shape[1] + codes[:, group]) * length + at
        super().__init__(books.flatten(), places.reshape(weight.shape))
        self.codes, self.length, self.count = codes.numel(), length, books.shape[1]

    def storage(self):
        """A :class:`ProductStorage` of the places."""
        return ProductStorage(self.places.flatten(1).cpu().numpy(), self.length, self.count)


@dataclass(frozen=True, kw_only=True)
class ProductQuantise(TrainingStep):
    """Let pieces of rows share the values of a few: a codebook for each group of columns.

    Codes are found by k-means and stay; codebooks are trained. Behind ``quantise``, or by it, they
    become integers, and the network computes with exactly these. Of a convolution, columns are
    those of the matrix of torch, ``(c, kh, kw)``, or ``(kh, kw, c)`` behind ``quantise``. Runs on a
    dense core, which stores every weight; ``product`` in the account counts codes and codebooks.

    Parameters
    ----------
    length : int, or mapping of layer to int    columns of a group; 0 leaves a layer as it is
    count : int, or mapping of layer to int     rows of a codebook; at most the outputs of a layer
    """

    kind: ClassVar[str] = "product-quantise"
    text: ClassVar[str] = "pieces of rows from a codebook for each group of columns (dense core)"
    source: ClassVar[str] = "arXiv 1412.6115"
    needs_sizes: ClassVar[bool] = True
    length: int | Mapping[str, int] = 4
    count: int | Mapping[str, int] = 16

    def check(self):
        self.require_int("length", 0)
        self.require_int("count", 1)

    def validate(self, context):
        """Once for each layer; norms must be folded before."""
        for name, (length, count) in self._layers(context.per_layer).items():
            layer = context.layers[name]
            n_out, n_in = layer.weight.flatten(1).shape
            if length > n_in or count > n_out:
                raise SpecError(f"layer '{name}': length and count must be at most its {n_in}"
                                f" inputs and {n_out} outputs, not {length} and {count}")
            if name in context.norms and not context.is_marked("quantised"):
                raise SpecError(f"must come after 'quantise' where a batch norm follows, as behind"
                                f" '{name}': folded into the weights it gives each output a factor")
        for mark in ("pruned", "shared", "tied", "structured"):
            context.refuse(mark, "codebooks replace all weights: leave one of the two out")
        context.mark("shared")

    def apply(self, run):
        """Find codes and codebooks, then train these."""
        found = {}
        for name, (length, count) in self._layers(run.per_layer).items():
            layer = run.matrices[name]
            if form_of(layer, ProductCodes) is None:
                before = layer.weight.detach().clone()
                form = run.put(name, ProductCodes(before, length, count, run.generator(name)))
                error = (layer.weight.detach() - before).square().sum() / before.square().sum()
                found[name] = {"codes": form.codes, "rows": form.count,
                               "error": float(np.round(float(error), 5))}
        run.train(self)
        run.notes[self.kind] = found

    def _layers(self, per_layer):
        lengths, counts = per_layer("length", self.length), per_layer("count", self.count)
        lacking = [name for name, length in lengths.items() if length and name not in counts]
        if lacking:
            raise SpecError(f"count must be given for '{lacking[0]}', which length names")
        return {name: (length, counts[name]) for name, length in lengths.items() if length}
