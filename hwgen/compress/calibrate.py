"""Power-of-two steps for all layers of a module, from samples."""

import numpy as np
import torch

from hwgen.numeric import SpecError

from .activation import QuantActivation, QuantRescale
from .add import QuantAdd
from .average import QuantAvgPool2d
from .fixed import QuantInput, QuantLinear, QuantReLU
from .linear import IntegerLinear
from .lookup import TableLayer
from .steps import StepLayer
from .thermometer import ThermometerInput
from .tracing import INPUT, trace

__all__ = ["calibrate"]

WITH_FRAC = (QuantActivation, QuantAvgPool2d, QuantInput, QuantReLU, QuantRescale, TableLayer)
"""Layers whose results have fraction bits of their own."""


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
        frac = max(fracs[name] for name in step.sources)    # of a sum, that of the smallest step
        fracs[step.node] = _fit(step.layer, frac, read[0], rule)
        values[step.node] = step.layer(*read)
    return module


def _fit(layer, frac, value, rule) -> int:
    """Calibrate one layer; returns the fraction bits of its result."""
    if isinstance(layer, (IntegerLinear, QuantAvgPool2d, QuantLinear, QuantRescale)):
        layer.in_frac.fill_(frac)
    if isinstance(layer, QuantLinear):
        layer.calibrate(rule)
        return layer.out_frac
    if isinstance(layer, IntegerLinear):
        return frac + layer.out_shift
    if isinstance(layer, (QuantActivation, QuantAvgPool2d, QuantReLU)):
        layer.calibrate(value, rule)
    if isinstance(layer, (StepLayer, ThermometerInput)):
        return 0
    return int(layer.frac) if isinstance(layer, WITH_FRAC) else frac
