"""A float network to one of affine numbers, to be trained on, and that to integers."""

from functools import partial

import torch
from torch import nn

from hwgen.numeric import SpecError

from .affine import AffineRange, AffineWeights, ranges_of
from .between import Between
from .conv import Flatten
from .fixed import QuantInput
from .form import baked, form_of, forms_of, latent, put
from .graph import as_graph, layer_of
from .normalise import fold_batch_norm
from .quantise import TWINS as FIXED_TWINS
from .rescale import QuantRescale
from .twin import PLAIN, flattened, twin_of, unchanged

__all__ = ["SCORES", "affine", "as_integers"]

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


@torch.no_grad()
def as_integers(module, samples):
    """The integer layers of what :func:`affine` gave: every fraction at 0, scales in rescales."""
    return as_graph(twin_of(module, samples, INTEGER_TWINS, lambda name: {},
                            verb="integer-only", **PLAIN))


def _input_integers(layer: QuantInput, state):
    state.scale = torch.tensor([2.0 ** -int(layer.frac)]).double()
    return QuantInput(bits=layer.bits, signed=layer.signed, zero_point=layer.zero_point)


def _matrix_integers(convert, layer, state):
    """The layer that ``convert(layer, state)`` makes of integers, its fraction at 0."""
    form, plain = form_of(layer, AffineWeights), baked(layer)
    integers, scale, zero = form.integers(_behind(layer, form))
    state.scale = state.scale * scale.double()
    plain.weight.copy_(integers)
    if plain.bias is not None:
        plain.bias.copy_(torch.round(plain.bias.double() / state.scale))
    state.options = {"weight_bits": form.bits}
    made = convert(plain, state)
    made.frac.fill_(0)
    made.zero_point = zero if form.kind == "affine" else None
    return made


def _behind(layer, last):
    """The weights behind all forms of a layer but ``last``."""
    weight = latent(layer).detach()
    for form in forms_of(layer):
        weight = weight if form is last else form(weight)
    return weight


def _range_integers(layer: AffineRange, state):
    scale, zero = layer.grid()
    made = QuantRescale(layer.bits, (state.scale / scale).tolist(), zero_point=zero)
    state.scale = torch.tensor([scale]).double()
    return made


INTEGER_TWINS = {
    QuantInput: _input_integers,
    **{kind: partial(_matrix_integers, FIXED_TWINS[kind]) for kind in (nn.Linear, nn.Conv2d)},
    AffineRange: _range_integers, nn.MaxPool2d: unchanged, nn.Flatten: flattened,
    Flatten: unchanged,
}
"""The same of the integer layers."""
