"""Power-of-two steps for all layers of a module, from samples."""

import numpy as np
import torch
from torch import nn

from hwgen.numeric import SpecError

from .activation import QuantActivation
from .add import QuantAdd
from .average import QuantAvgPool2d
from .fixed import QuantInput, QuantLinear, QuantReLU
from .linear import IntegerLinear
from .lookup import TableLayer
from .rescale import QuantRescale
from .steps import StepLayer
from .thermometer import ThermometerInput
from .tracing import INPUT, trace

__all__ = ["calibrate"]

WITH_FRAC = (QuantActivation, QuantAvgPool2d, QuantInput, QuantReLU, QuantRescale, TableLayer)
"""Layers whose results have fraction bits of their own."""

PER_CHANNEL = (QuantRescale, nn.Dropout, nn.Identity, nn.MaxPool2d)
"""Layers that take fraction bits of each channel, or hand them on."""


@torch.no_grad()
def calibrate(module, x, *, rule: str = "least_squares"):
    """Set ``frac`` and ``in_frac`` of every fixed-point layer of ``module``; returns ``module``.

    Works from the first layer to the last, so each step is chosen on activations that are already
    quantised. Weights and activations take the step that ``rule`` gives.

    Parameters
    ----------
    module : torch.nn.Module
        Of the layers of hwgen.compress; in evaluation mode if it has a BatchNorm.
    x : integers (batch, n_in)
        Training samples.
    rule : str
        ``least_squares``, or ``ristretto``: as many integer bits as the largest value needs, of
        weights and activations, layer by layer; see :func:`hwgen.compress.fixed.best_frac`.
    """
    steps, _ = trace(module)
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    values = {INPUT: torch.tensor(np.asarray(x)).to(dtype)}
    fracs = {INPUT: 0}
    for step in steps:
        is_sum = isinstance(step.layer, QuantAdd)
        if step.layer is None or len(step.sources) != 1 and not is_sum:
            raise SpecError(f"calibrate: '{step.path}' must be a layer with one input, not a bare"
                            f" operation")
        read = [values[name] for name in step.sources]
        # Of a sum, that of the smallest step.
        frac = fracs[step.sources[0]] if len(read) == 1 else max(
            int(np.max(fracs[name])) for name in step.sources)
        fracs[step.node] = _fit(step.layer, frac, read[0], rule)
        try:
            values[step.node] = step.layer(*read)
        except SpecError as error:
            raise SpecError(f"calibrate: module '{step.path}': {error}") from error
    return module


def _fit(layer, frac, value, rule):
    """Calibrate one layer; returns the fraction bits of its result, an int or one per channel.

    ``frac`` are those of its input.
    """
    if isinstance(layer, QuantRescale):
        layer.in_frac = torch.as_tensor(frac)
    frac = frac if isinstance(layer, PER_CHANNEL) else int(np.max(frac))
    if isinstance(layer, (IntegerLinear, QuantAvgPool2d, QuantLinear)):
        layer.in_frac.fill_(frac)
    if isinstance(layer, QuantLinear):
        layer.calibrate(rule)
        return _fracs_of(layer)
    if isinstance(layer, IntegerLinear):
        return frac + layer.out_shift
    if isinstance(layer, (QuantActivation, QuantAvgPool2d, QuantReLU)):
        layer.calibrate(value, rule)
    if isinstance(layer, (StepLayer, ThermometerInput)):
        return 0
    return int(layer.frac) if isinstance(layer, WITH_FRAC) else frac


def _fracs_of(layer: QuantLinear):
    """Fraction bits of the result: one, or where they differ, as many as channels."""
    fracs = layer.frac.cpu().numpy().reshape(-1) + int(layer.in_frac)
    return fracs if len(set(fracs.tolist())) > 1 else int(fracs[0])
