"""Pruning in patterns that hardware likes: N of M, blocks, as many weights for each element."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from hwgen.numeric import SpecError

from ..conv import Flatten
from ..form import form_of, latent
from ..frame.step import named
from ..graph import layer_of
from .mask import Mask, Pruning, largest, left_of
from .prune import Cubic

__all__ = ["PruneBalanced", "PruneBlock", "PruneNM", "keep_balanced", "keep_balanced_columns",
           "keep_blocks", "keep_nm"]


def keep_nm(score, n: int, m: int):
    """The ``n`` largest of each ``m`` columns in a row, bool in the shape of ``score``.

    ``score`` is (n_out, n_in), ``m`` divides n_in; of equals the first.
    """
    groups = score.unflatten(1, (-1, m))
    order = torch.argsort(groups, dim=2, descending=True, stable=True)
    return torch.zeros_like(groups, dtype=torch.bool).scatter_(2, order[:, :, :n], True).flatten(1)


def keep_blocks(score, rows: int, columns: int, density: float):
    """The blocks of ``rows`` x ``columns`` of the largest sums, a share ``density`` of them."""
    sums = score.unflatten(0, (-1, rows)).unflatten(2, (-1, columns)).sum((1, 3))
    kept = largest(sums, round(density * sums.numel()))
    return kept.repeat_interleave(rows, 0).repeat_interleave(columns, 1)


def keep_balanced(score, elements: int, density: float):
    """The same number for each element, which has rows ``i mod elements`` (ESE, section 3.2)."""
    kept = torch.zeros_like(score, dtype=torch.bool)
    share = round(density * score.numel() / elements)
    for k in range(elements):
        kept[k::elements] = largest(score[k::elements], share)
    return kept


def keep_balanced_columns(score, elements: int, density: float):
    """In each column the same number for every element, in two columns one more or less at most.

    Which columns have one more: those in which the elements' next largest scores sum up to most.
    An element with fewer rows than the others has as many as its rows are, where that is less.
    """
    mean = density * score.shape[0] / elements
    count = int(mean)
    spare = round((mean - count) * score.shape[1])
    sorted_by_element = [torch.sort(score[k::elements], dim=0, descending=True, stable=True)
                         for k in range(elements)]
    gains = sum(values[count] if count < len(values) else torch.full_like(values[0], -1.0)
                for values, _ in sorted_by_element)
    counts = torch.full_like(gains, count, dtype=torch.int64)
    if spare:
        counts[largest(gains, spare)] += 1
    kept = torch.zeros_like(score, dtype=torch.bool)
    for k, (values, order) in enumerate(sorted_by_element):
        first = torch.arange(len(values), device=score.device)[:, None] < counts
        kept[k::elements] = torch.zeros_like(first).scatter_(0, order, first)
    return kept


def _as_matrix(layer, weight):
    """``weight`` as the matrix that is exported: of torch's convolution, channels last."""
    if isinstance(layer, nn.Conv2d):
        return weight.permute(0, 2, 3, 1).flatten(1)
    return weight


def _as_weight(layer, matrix):
    """Undoes :func:`_as_matrix`."""
    if isinstance(layer, nn.Conv2d):
        n_out, c, *kernel = layer.weight.shape
        return matrix.unflatten(1, (*kernel, c)).permute(0, 3, 1, 2)
    return matrix


@dataclass(frozen=True)
class _Pattern(Cubic):
    """As :class:`Cubic`, with the largest of a pattern; ``step`` says which."""

    step: "_Patterned"

    @torch.no_grad()
    def shrink(self, layer, density):
        """None that is out comes back: it counts as less than nothing."""
        score = _as_matrix(layer, torch.where(left_of(layer), latent(layer).abs(), -1.0))
        form_of(layer, Mask).kept.logical_and_(_as_weight(layer, self.step.keep(score, density)))


@dataclass(frozen=True, kw_only=True)
class _Patterned(Pruning):
    """What the steps share.

    Parameters
    ----------
    ends : float    share of the training in which the density falls
    every : int     steps between two updates of the masks
    layers : list of str, optional    those that are pruned; all unless given
    """

    needs_sizes: ClassVar[bool] = True
    ends: float = 0.6
    every: int = 20
    layers: tuple[str, ...] | list[str] | None = None

    def check(self):
        self.require_real("ends", 0, 1, above=True)
        self.require_int("every", 1)
        if self.layers is not None:
            self.require_names("layers")

    def validate(self, context):
        """The pattern must divide each layer, in the order in which columns are exported."""
        super().validate(context)
        for name in named(self.layers, context.layers):
            layer = context.layers[name]
            if not context.is_marked("quantised") and _reads_flattened(context.model, name):
                raise SpecError(f"must come after 'quantise' for layer '{name}', whose columns are"
                                f" put into another order there; or name others in layers")
            self.fits(name, _as_matrix(layer, layer.weight))

    def apply(self, run):
        """Put the masks, train while they shrink, and end at the pattern exactly."""
        names = named(self.layers, run.matrices)
        self.put(run, names)
        final = dict.fromkeys(names, self.final)
        hook = _Pattern(final, self.ends, self.every, self)
        run.train(self, hooks=(hook,))
        for name in names:
            hook.shrink(run.matrices[name], self.final)
        self.note(run, names)


def _reads_flattened(model, name) -> bool:
    node = next(node for node in model.graph.nodes if node.target == name)
    while node.op == "call_module":
        layer = layer_of(model, node)
        if isinstance(layer, nn.Flatten | Flatten):
            return True
        if layer is not model.get_submodule(name) and isinstance(layer, nn.Linear | nn.Conv2d):
            return False
        node = node.all_input_nodes[0]
    return False


@dataclass(frozen=True, kw_only=True)
class PruneNM(_Patterned):
    """Leave at most ``n`` of each ``m`` weights that follow one another in a row.

    Columns are in the order of the exported matrix; of a convolution ``m`` channels at one place of
    the kernel. Runs on the core ``nm``.

    Parameters
    ----------
    n, m : int    n below m; m divides each layer's inputs
    """

    kind: ClassVar[str] = "prune-nm"
    text: ClassVar[str] = "leave n of each m weights in a row"
    source: ClassVar[str] = "arXiv 2104.08378"
    n: int = 2
    m: int = 4

    def check(self):
        super().check()
        self.require_int("m", 2)
        self.require_int("n", 1, self.m - 1)

    @property
    def final(self) -> float:
        """Share of the weights that stays."""
        return self.n / self.m

    def keep(self, score, density):
        """As many of each group as the schedule has reached, rounded up."""
        return keep_nm(score, max(self.n, -int(-density * self.m // 1)), self.m)

    def fits(self, name, matrix):
        """SpecError unless m divides the inputs."""
        if matrix.shape[1] % self.m:
            raise SpecError(f"m must divide the {matrix.shape[1]} inputs of layer '{name}', not be"
                            f" {self.m}")


@dataclass(frozen=True, kw_only=True)
class PruneBlock(_Patterned):
    """Remove whole blocks of ``rows`` x ``columns`` weights, those of the smallest sums.

    Parameters
    ----------
    density : float in (0, 1]    share of the blocks that stay
    rows, columns : int          sizes of a block; they divide each layer's outputs and inputs
    """

    kind: ClassVar[str] = "prune-block"
    text: ClassVar[str] = "remove blocks of weights that share one index"
    source: ClassVar[str] = "arXiv 1705.08922"
    density: float
    rows: int = 4
    columns: int = 1

    def check(self):
        super().check()
        self.require_real("density", 0, 1, above=True)
        self.require_int("rows", 1)
        self.require_int("columns", 1)

    @property
    def final(self) -> float:
        """Share of the weights that stays."""
        return self.density

    def keep(self, score, density):
        """The blocks of the largest sums; those that are out have negative ones."""
        return keep_blocks(score, self.rows, self.columns, density)

    def fits(self, name, matrix):
        """SpecError unless blocks fill the matrix."""
        if matrix.shape[0] % self.rows or matrix.shape[1] % self.columns:
            raise SpecError(f"rows and columns must divide the {matrix.shape[0]} outputs and"
                            f" {matrix.shape[1]} inputs of layer '{name}', not be {self.rows} and"
                            f" {self.columns}")


_BALANCED = {"matrix": keep_balanced, "column": keep_balanced_columns}


@dataclass(frozen=True, kw_only=True)
class PruneBalanced(_Patterned):
    """Leave as many weights for each processing element: none waits for another (ESE).

    Element ``k`` of the sparse core has rows ``k, k + elements, ...``; with ``pe`` of that layer as
    many as ``elements`` here, each has as much to do in a frame whose activations are all used.
    With ``per="column"`` each has as many weights in every column, too, so that none waits for
    another whichever activations are zero, and short queues are enough (docs/sparse.md).

    Parameters
    ----------
    density : float in (0, 1]    share of the weights that stay
    elements : int               processing elements, at most a layer's outputs
    per : {"matrix", "column"}   of what each element has the same number
    """

    kind: ClassVar[str] = "prune-balanced"
    text: ClassVar[str] = "leave as many weights for each element of the sparse core"
    source: ClassVar[str] = "arXiv 1612.00694"
    density: float
    elements: int = 4
    per: str = "matrix"

    def check(self):
        super().check()
        self.require_real("density", 0, 1, above=True)
        self.require_int("elements", 1)
        self.require_choice("per", tuple(_BALANCED))

    @property
    def final(self) -> float:
        """Share of the weights that stays."""
        return self.density

    def keep(self, score, density):
        """The same count for each element."""
        return _BALANCED[self.per](score, self.elements, density)

    def fits(self, name, matrix):
        """SpecError if there are more elements than rows."""
        if self.elements > matrix.shape[0]:
            raise SpecError(f"elements must be at most the {matrix.shape[0]} outputs of layer"
                            f" '{name}', not {self.elements}")
