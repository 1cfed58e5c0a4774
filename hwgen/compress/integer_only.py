"""A float network to its twin of affine numbers, to be trained."""

import math
from functools import partial

import torch
from torch import nn

from hwgen.numeric import SpecError

from .add import QuantAdd
from .affine import AffineAverage, AffineRange, AffineWeights, average_of, ranges_of
from .between import Between
from .conv import Flatten
from .fixed import QuantInput
from .form import baked, forms_of, latent, put
from .graph import as_graph, layer_of, put_between
from .normalise import fold_batch_norm
from .quantise import TWINS as FIXED_TWINS
from .twin import LEFT_OUT, NORMS, twin_of, unchanged

__all__ = ["SCORES", "affine"]

SCORES = "scores"
"""Name of the layer that is put behind the last matrix."""

KNOWN = {"known": "QuantInput, Linear, Conv2d, a batch norm behind one of these, ReLU, ReLU6,"
                  " Hardtanh from 0, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten, Dropout"
                  " or a sum",
         "instead": ", or take 'quantise'"}
"""What errors say of the layers that there may be."""

PASSING = (*LEFT_OUT, *NORMS, nn.MaxPool2d, nn.Flatten, Flatten)
"""Layers behind which sums are sums."""


@torch.no_grad()
def affine(module, samples, *, weight_bits, activation_bits, weights: str, momentum: float):
    """The float twin of ``module`` that rounds to affine grids, to be trained; ranges are measured.

    Batch norms are folded, weights get :class:`AffineWeights` behind their forms; each ``ReLU``,
    the scores and what an addition reads that no activation has bounded get an
    :class:`AffineRange`, whose ends are those of ``samples`` in the float module.

    Parameters
    ----------
    module : torch.nn.Module            begins with QuantInput; not changed
    samples : integers (batch, ...)
    weight_bits : mapping of layer name to int
    activation_bits : int
    weights : str                       one of :data:`hwgen.compress.affine.WEIGHTS`
    momentum : float                    of the ranges

    Raises
    ------
    SpecError    For a layer that has no such twin.
    """
    def options(name):
        return {"bits": weight_bits.get(name), "kind": weights, "activation_bits": activation_bits,
                "range": partial(AffineRange, activation_bits, momentum=momentum)}

    whole = as_graph(module)
    _bound_additions(whole)
    whole = as_graph(twin_of(whole, samples, TWINS, options, verb="integer-only", **KNOWN))
    _put_scores(whole, AffineRange(activation_bits, relu=False, momentum=momentum))
    parts = ranges_of(whole).values()
    for part in parts:
        part.start, part.momentum = 1, 0.0              # the one batch that is all samples
    whole.train()(torch.tensor(samples).float())
    for part in parts:
        part.start, part.momentum = 0, momentum
        part.seen.zero_()
    return whole.eval()


def _put_scores(whole, layer):
    """Put ``layer`` in front of the output, unless one of its kind is there."""
    output = next(node for node in whole.graph.nodes if node.op == "output")
    (last,) = output.all_input_nodes
    if not isinstance(layer_of(whole, last), AffineRange):
        put_between(whole, last, output, layer, SCORES)


def _bound_additions(whole):
    """Put a :class:`Between` in front of each addition's values that are sums themselves."""
    for node in list(whole.graph.nodes):
        if isinstance(layer_of(whole, node), QuantAdd):
            for k, source in enumerate(node.all_input_nodes):
                if _is_sum(whole, source):
                    name = f"{node.target}_in{k}".replace(".", "_")
                    put_between(whole, source, node, Between(), name)


def _is_sum(whole, node) -> bool:
    """Whether sums come from a node, which no activation has bounded."""
    while isinstance(layer_of(whole, node), PASSING):
        node = node.args[0]
    return isinstance(layer_of(whole, node), nn.Linear | nn.Conv2d | QuantAdd)


def _matrix(layer, state):
    if state.is_open:
        raise SpecError("must have an activation between it and the sums that it reads: put a ReLU"
                        " there")
    state.is_open = True
    made = baked(layer)
    weight, factor = latent(layer).detach(), None
    if state.norm is not None:
        rows, bias = fold_batch_norm(weight.flatten(1), layer.bias, state.norm)
        factor = fold_batch_norm(torch.ones(len(weight), 1), None, state.norm)[0][:, 0]
        weight, made.bias = rows.view_as(weight).float(), nn.Parameter(bias.float())
    made.weight = nn.Parameter(weight.clone())
    for form in forms_of(layer):
        put(made, form.moved(lambda w: w, factor))
    put(made, AffineWeights(state.options["bits"], state.options["kind"]))
    return made


def _range(layer, state):
    if not state.is_open:
        raise SpecError("must follow a matrix or an addition")
    state.is_open = False
    state.bounded = state.options["range"](relu=not isinstance(layer, Between),
                                           most=getattr(layer, "max_val", math.inf))
    return state.bounded


def _clipped(layer: nn.Hardtanh, state):
    """A range of a ReLU6, or of another that is clipped from 0 on."""
    if layer.min_val != 0:
        raise SpecError(f"min_val must be 0, not {layer.min_val}, to be part of the clamp: take"
                        f" 'quantise'")
    return _range(layer, state)


def _input(layer: QuantInput, state):
    state.bounded = unchanged(layer, state)
    return state.bounded


def _addition(layer: QuantAdd, state):
    state.is_open = True
    return QuantAdd()


def _average(convert, layer, state):
    """Of the pool that ``convert(layer, state)`` makes; of pixels it is exact as it is."""
    if state.is_open:
        raise SpecError("must follow an activation, whose scale its averages keep: put the ReLU in"
                        " front of it")
    pool = convert(layer, state)
    if isinstance(state.bounded, AffineRange):
        return AffineAverage(pool, state.bounded)
    state.bounded = average_of(pool, state.bounded)
    return state.bounded


TWINS = {
    QuantInput: _input, nn.Linear: _matrix, nn.Conv2d: _matrix, nn.ReLU: _range,
    nn.Hardtanh: _clipped, Between: _range, QuantAdd: _addition,
    **{kind: partial(_average, FIXED_TWINS[kind]) for kind in (nn.AvgPool2d,
                                                               nn.AdaptiveAvgPool2d)},
    nn.MaxPool2d: unchanged, nn.Flatten: unchanged, Flatten: unchanged,
}
"""``TWINS[kind](layer, state)`` of the module to train."""
