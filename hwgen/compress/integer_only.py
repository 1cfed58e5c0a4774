"""A float network to its twin of affine numbers, to be trained."""

import torch
from torch import nn

from hwgen.numeric import SpecError

from .affine import AffineRange, AffineWeights, ranges_of
from .between import Between
from .conv import Flatten
from .fixed import QuantInput
from .form import baked, forms_of, latent, put
from .graph import as_graph, layer_of
from .normalise import fold_batch_norm
from .twin import PLAIN, twin_of, unchanged

__all__ = ["SCORES", "affine"]

SCORES = "scores"
"""Name of the layer that is put behind the last matrix."""


@torch.no_grad()
def affine(module, samples, *, weight_bits, activation_bits, weights: str, momentum: float):
    """The float twin of ``module`` that rounds to affine grids, to be trained; ranges are measured.

    Batch norms are folded, weights get :class:`AffineWeights` behind their forms, each ``ReLU`` and
    the scores an :class:`AffineRange`, whose ends are those of ``samples`` in the float module.

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
        return {"bits": weight_bits.get(name), "kind": weights,
                "range": lambda relu: AffineRange(activation_bits, relu=relu, momentum=momentum)}

    whole = as_graph(twin_of(module, samples, TWINS, options, verb="integer-only", **PLAIN))
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
    if isinstance(layer_of(whole, last), AffineRange):
        return
    name = SCORES
    while hasattr(whole, name):
        name += "_"
    whole.add_module(name, layer)
    with whole.graph.inserting_after(last):
        scores = whole.graph.call_module(name, (last,))
    output.replace_input_with(last, scores)
    whole.recompile()


def _matrix(layer, state):
    if state.is_open:
        raise SpecError("must have an activation between it and the matrix before it")
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
        raise SpecError("must follow a matrix")
    state.is_open = False
    return state.options["range"](isinstance(layer, nn.ReLU))


TWINS = {
    QuantInput: unchanged, nn.Linear: _matrix, nn.Conv2d: _matrix, nn.ReLU: _range,
    Between: _range, nn.MaxPool2d: unchanged, nn.Flatten: unchanged, Flatten: unchanged,
}
"""``TWINS[kind](layer, state)`` of the module to train."""
