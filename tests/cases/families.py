"""One small torch network for each kind of weights and activations, as after a training."""

import numpy as np
import torch
from torch import nn

from hwgen.compress import (
    BatchNorm,
    BinaryLinear,
    DoReFaLinear,
    MultiBaseLinear,
    ResidualSign,
    Sign,
    StepActivation,
    TernaryLinear,
    TwoScaleTernaryLinear,
    WrpnLinear,
)

__all__ = ["ACTIVATIONS", "LINEAR", "as_after_training", "layers", "sequential"]

LINEAR = {
    "binary": BinaryLinear,
    "twn": TernaryLinear,
    "ttq": TwoScaleTernaryLinear,
    **{f"dorefa{bits}": lambda n, m, bits=bits: DoReFaLinear(n, m, bits=bits) for bits in (2, 3)},
    **{f"wrpn{bits}": lambda n, m, bits=bits: WrpnLinear(n, m, bits=bits) for bits in (2, 3, 4)},
    "bases3": lambda n, m: MultiBaseLinear(n, m, bases=3),
}
"""Weights: ``(n_in, n_out)`` to a layer."""

ACTIVATIONS = {
    "sign": Sign,
    "dorefa2": lambda: StepActivation.dorefa(2),
    "hwgq3": lambda: StepActivation.hwgq(3),
    "residual2": ResidualSign,
}


def layers(linear: str, activation: str, n_in: int, n_out: int):
    """A matrix, a batch norm and an activation."""
    return [LINEAR[linear](n_in, n_out), BatchNorm(n_out), ACTIVATIONS[activation]()]


def as_after_training(module, x=None, *, seed: int = 0):
    """Norms with gammas of both signs, one of 0, and the statistics of inputs ``x``; in eval mode.

    Without ``x`` means and variances are drawn.
    """
    rng = np.random.default_rng(seed)
    norms = [part for part in module.modules() if isinstance(part, BatchNorm)]
    for norm in norms:
        n = norm.num_features
        gamma = rng.choice([-1.5, -1, 0.6, 1], n)
        gamma[0] = 0
        _set(norm.weight.data, gamma)
        _set(norm.bias.data, rng.choice([-0.25, 0.25, 0.75], n))
        _set(norm.running_mean, rng.integers(-4, 5, n) / 2)
        _set(norm.running_var, (np.abs(rng.normal(6, 4, n)) + 1)**2)
        norm.momentum = 1.0
    if x is not None:
        with torch.no_grad():
            module.train()(torch.from_numpy(np.asarray(x)).float())
    return module.eval()


def _set(tensor, values):
    tensor.copy_(torch.from_numpy(np.asarray(values, float)))


def sequential(*parts) -> nn.Sequential:
    """One module of all parts, lists of layers among them."""
    return nn.Sequential(*(layer for part in parts
                           for layer in (part if isinstance(part, list) else [part])))
