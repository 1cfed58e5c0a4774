"""A float network to one of small integer weights and stepped activations, to be trained on."""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from hwgen.numeric import Bipolar, SpecError

from .conv import BatchNorm2d, Flatten, IntegerConv2d, padding_of
from .fixed import QuantInput
from .form import forms_of, maker_of
from .linear import IntegerLinear
from .normalise import BatchNorm
from .twin import PLAIN, flattened, twin_of, unchanged

__all__ = ["SPREAD", "integerise"]

SPREAD = 3.0
"""Deviation of the scores that the shift of the last layer aims at, for the softmax."""


@torch.no_grad()
def integerise(module, samples, *, weights, activation, last=None):
    """The twin of ``module`` whose weights are of one kind, before training.

    Each ``Linear`` and ``Conv2d`` becomes an IntegerLinear or IntegerConv2d of the same name, with
    its weights divided by the largest of them (:func:`~hwgen.compress.adopt`), and a batch norm
    behind it, which begins anew; each ``ReLU`` an activation of a few levels. The last layer has
    raw scores, and a shift that brings them into the range of a softmax.

    Parameters
    ----------
    module : torch.nn.Module           as :func:`~hwgen.compress.quantise` takes it, without sums
    samples : integers (batch, ...)    training samples
    weights : callable(name) -> Weights
    activation : callable() -> layer   such as ``Sign`` or ``lambda: StepActivation.dorefa(2)``
    last : callable(name) -> Weights, optional    of the last layer; ``weights`` unless given

    Raises
    ------
    SpecError    For a layer that has no such twin.
    """
    names = [name for name, layer in module.named_modules()
             if isinstance(layer, nn.Linear | nn.Conv2d)]
    kinds = dict.fromkeys(names[:-1], weights) | {names[-1]: last or weights}

    def options(name):
        return {"weights": kinds.get(name), "name": name, "is_last": name == names[-1],
                "activation": activation}

    twin = twin_of(module, samples, TWINS, options, verb="integerise", **PLAIN)
    _fit_scores(twin, samples, names[-1])
    return twin


def _fit_scores(twin, samples, last):
    """Shift the last layer's scores so that they spread as a softmax needs it."""
    layer = twin.get_submodule(last)
    twin.train()        # norms measure the batch
    scores = twin(torch.tensor(np.asarray(samples)).float())
    twin.eval()
    spread = float(scores.std())
    layer.out_shift = round(np.log2(spread / SPREAD)) if spread > 0 else 0


def _matrix(layer, state, weight, made, norm):
    """``made`` with the weights of ``layer``, and its norm."""
    if forms_of(layer):
        raise SpecError(f"must have weights of their own, not those of {maker_of(layer)}:"
                        f" integer weights follow from the latent ones alone")
    if state.is_open:
        raise SpecError("must have an activation between it and the matrix before it")
    made.weight.copy_(weight / weight.abs().max().clamp_min(torch.finfo(weight.dtype).tiny))
    made.quantiser.start(made.weight)
    state.is_open = True
    if state.options["is_last"]:
        return made
    return nn.Sequential(OrderedDict(matrix=made, norm=norm(made.n_out))).eval()


def _linear(layer: nn.Linear, state):
    flattened, state.flattened = state.flattened, None
    weight = layer.weight
    if flattened is not None:
        weight = weight.unflatten(1, flattened).permute(0, 2, 3, 1).flatten(1)
    made = IntegerLinear(layer.in_features, layer.out_features,
                         state.options["weights"](state.options["name"]),
                         bias=state.options["is_last"])
    return _matrix(layer, state, weight, made, BatchNorm)


def _convolution(layer: nn.Conv2d, state):
    if layer.groups != 1:
        raise SpecError(f"must have one group, not {layer}")
    padding = padding_of(layer)
    made = IntegerConv2d(layer.in_channels, layer.out_channels, layer.kernel_size,
                         state.options["weights"](state.options["name"]), stride=layer.stride,
                         dilation=layer.dilation, padding=padding,
                         pad_value=_pad_value(padding, state), bias=state.options["is_last"])
    weight = layer.weight.permute(0, 2, 3, 1).flatten(1)
    return _matrix(layer, state, weight, made, BatchNorm2d)


def _pad_value(padding, state) -> int:
    """0 where values are numbers; signs have none, and are padded with -1."""
    if state.scaled and any(padding):
        raise SpecError(f"padding must be 0 behind {state.scaled}, of whose levels, which training"
                        f" moves, none stays to pad with, not {padding}: take activations of"
                        f" one sign, or of levels from 0")
    return -1 if state.has_signs and any(padding) else 0


def _activation(layer: nn.ReLU, state):
    if not state.is_open:
        raise SpecError("must follow a matrix: levels are thresholds of its sums")
    state.is_open = False
    made = state.options["activation"]()
    state.has_signs = made.format.min < 0
    state.scaled = made if state.has_signs and not isinstance(made.format, Bipolar) else None
    return made


TWINS = {
    QuantInput: unchanged, nn.Linear: _linear, nn.Conv2d: _convolution, nn.ReLU: _activation,
    nn.MaxPool2d: unchanged, nn.Flatten: flattened, Flatten: unchanged,
}
"""``TWINS[kind](layer, state)``; see :func:`hwgen.compress.twin.twin_of`."""
