"""A compressed module beside the float one that it was made of, layer by layer."""

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from ..activation import Bounded
from ..conv import Flatten
from ..export import values_of
from ..fixed import QuantLinear
from ..form import baked
from ..frame.prepare import matrices
from ..graph import as_graph, layer_of
from ..linear import IntegerLinear
from ..methods.integer_only import IntegerOnly
from ..tracing import INPUT
from ..twin import NORMS

__all__ = ["LayerWeights", "Stage", "decibels", "layer_weights", "stages"]

BATCH = 500
"""Samples at a time: bounds the memory."""

PASSING = (Flatten, nn.Flatten, nn.MaxPool2d, nn.Dropout, nn.Identity)
"""Layers that make no new numbers."""


def decibels(signal: float, noise: float) -> float | None:
    """``10 log10(signal / noise)``; None where there is no noise at all, or no signal."""
    return round(10 * math.log10(signal / noise), 3) if noise > 0 and signal > 0 else None


@dataclass(frozen=True)
class Stage:
    """One layer of the compressed module, and how far what it returns is from float.

    Members
    -------
    layer, node : str        path of the layer, and the node that holds its result
    frac : int or None       ``scale`` is ``2**-frac``; None where it may be any number
    zero : int
    scale : float or None    the result is ``(integer - zero) * scale``; None where channels differ,
                             or what a norm makes of it has no node of its own
    sqnr_db : float or None  ``10 log10(sum float**2 / sum (exact - float)**2)``; None where there
                             is no such layer in float, or both are equal
    max_error, rms_error, rms : float or None
                             largest and root mean square of the difference, and of the float value
    """

    layer: str
    node: str
    frac: int | None
    zero: int
    scale: float | None = None
    sqnr_db: float | None = None
    max_error: float | None = None
    rms_error: float | None = None
    rms: float | None = None

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return asdict(self)


class _Sums:
    """Of differences, batch by batch."""

    def __init__(self):
        self.signal = self.noise = self.largest = 0.0
        self.count = 0

    def add(self, exact, reference):
        difference = exact - reference
        self.signal += float(reference.square().sum())
        self.noise += float(difference.square().sum())
        self.largest = max(self.largest, float(difference.abs().max()))
        self.count += reference.numel()

    def to_dict(self) -> dict:
        return {"sqnr_db": decibels(self.signal, self.noise), "max_error": self.largest,
                "rms_error": math.sqrt(self.noise / self.count),
                "rms": math.sqrt(self.signal / self.count)}


@torch.no_grad()
def stages(compressed, x) -> list[Stage]:
    """Every layer of a :class:`~hwgen.compress.Compressed` that makes numbers, in order.

    Values are torch's in float64, which the golden integers equal, times their scale where they are
    affine. The float ones are those of ``compressed.reference``, behind the batch norm where one
    was folded in; a layer that rounds where float has none is compared with what it reads there.

    Parameters
    ----------
    x : integers (batch, ...)    as the module takes them
    """
    uses = values_of(compressed.module, x[:1])
    kept = [(step, value) for step, value in uses if not isinstance(step.layer, PASSING)]
    found, value_of = {step.node: _Sums() for step, _ in kept}, {s.node: v for s, v in uses}
    grids = compressed.notes.get(IntegerOnly.kind, {})
    reference = None if compressed.reference is None else as_graph(baked(compressed.reference))
    for part in np.split(x, range(BATCH, len(x), BATCH)) if reference is not None else ():
        floats = _float_values(reference.double().eval(), part, {step.path for step, _ in uses})
        paths = _paths(uses, floats)
        for step, exact, order in _exact_values(uses, part):
            there = _ordered(floats.get(paths[step.node]), order)
            if step.node in found and there is not None and there.shape == exact.shape:
                found[step.node].add(_real(exact, value_of[step.node], grids.get(step.path)), there)
    return [_stage(step, value, found[step.node], grids.get(step.path)) for step, value in kept]


def _stage(step, value, sums, grid) -> Stage:
    has_unit = not value.pending and value.channel_frac is None
    frac = value.frac if has_unit and grid is None else None
    scale = None if frac is None else 2.0 ** -frac
    if grid is not None and not isinstance(grid["scale"], list):
        scale = grid["scale"]
    return Stage(step.path, value.node, frac, value.zero, scale,
                 **(sums.to_dict() if sums.count else {}))


def _real(exact, value, grid):
    """What ``(integer - zero) * 2**-frac`` stands for: times its scale, of each channel."""
    if grid is None:
        return exact
    scale = torch.tensor(grid["scale"], dtype=torch.float64) * 2.0 ** value.frac
    return exact * scale.reshape(-1, *[1] * (exact.dim() - 2))


def _paths(uses, floats) -> dict:
    """Path of the float layer that each result is compared with."""
    paths = {INPUT: INPUT}
    for step, _ in uses:
        rounds = isinstance(step.layer, Bounded) and step.path not in floats
        paths[step.node] = paths[step.sources[0]] if rounds else step.path
    return paths


def _exact_values(uses, x):
    """Yield ``(step, value, order)``; ``order`` (c, h, w) of the map that a vector was."""
    values, orders = {INPUT: torch.from_numpy(x.astype(np.float64))}, {INPUT: None}
    for step, _ in uses:
        read = [values[name] for name in step.sources]
        value = values[step.node] = step.layer(*read)
        order = orders[step.sources[0]]
        if isinstance(step.layer, Flatten) and read[0].dim() == 4:
            order = tuple(read[0].shape[1:])
        elif isinstance(step.layer, QuantLinear | IntegerLinear):
            order = None
        orders[step.node] = order
        yield step, value, order


def _float_values(graph, x, paths) -> dict:
    """Path of each layer -> what it returns, or what the norm behind it that is no layer does."""
    values, found = {}, {}
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            values[node] = torch.from_numpy(x.astype(np.float64))
        elif node.op == "call_module":
            layer = layer_of(graph, node)
            values[node] = layer(*(values[source] for source in node.args))
            found[node.target] = values[node]
            source = node.args[0]
            if isinstance(layer, NORMS) and node.target not in paths:
                found[source.target] = values[node]
    return found


def _ordered(value, order):
    """A float vector in the order of ours, channels last, where it was a map."""
    if value is None or order is None or value.dim() != 2:
        return value
    return value.unflatten(1, order).permute(0, 2, 3, 1).flatten(1)


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """Weights of one layer before they are rounded, and where they may lie.

    Members
    -------
    layer, node : str
    bits : int
    values : float64 (n,)      behind all forms, those that are not 0
    zeros : int                how many are
    step : float               the weights are rounded to multiples of it
    low, high : float          ends of what can be represented
    clipped : int              how many lie more than half a step beyond an end
    sqnr_db : float or None    of rounding them
    """

    layer: str
    node: str
    bits: int
    values: np.ndarray
    zeros: int
    step: float
    low: float
    high: float
    clipped: int
    sqnr_db: float | None

    def to_dict(self) -> dict:
        """Ready for JSON, without the values."""
        return {k: v for k, v in vars(self).items() if k != "values"}


@torch.no_grad()
def layer_weights(compressed, x) -> list[LayerWeights]:
    """Weights of the layers in fixed point with one step; others round in ways of their own.

    So do affine ones, which are integers when they come here.
    """
    if IntegerOnly.kind in compressed.notes:
        return []
    nodes = {step.path: value.node for step, value in values_of(compressed.module, x[:1])}
    return [_weights(name, nodes[name], layer) for name, layer in
            matrices(compressed.module).items()
            if isinstance(layer, QuantLinear) and layer.frac.numel() == 1]


def _weights(name, node, layer) -> LayerWeights:
    step = 2.0 ** -int(layer.frac)
    weight = layer.weight.detach().double().cpu()
    rounded = layer.integer_weight().double().cpu() * step
    low, high = (end * step for end in layer.limits)
    beyond = (weight < low - step / 2) | (weight > high + step / 2)
    values = weight.flatten().numpy()
    return LayerWeights(
        name, node, layer.bits, values[values != 0], int(np.count_nonzero(values == 0)), step, low,
        high, int(beyond.sum()), decibels(float(weight.square().sum()),
                                          float((rounded - weight).square().sum())))
