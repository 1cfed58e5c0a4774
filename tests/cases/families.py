"""One small torch network for each kind of weights and activations, as after a training."""

import numpy as np
import torch
from torch import nn

from hwgen.compress import (
    AbcActivation,
    AbcWeights,
    AlternatingWeights,
    BatchNorm,
    BinaryWeights,
    BitwiseSign,
    BitwiseWeights,
    DoReFaWeights,
    FixedTernaryWeights,
    HorqSign,
    IntegerLinear,
    LinearQuantWeights,
    LogActivation,
    LqActivation,
    LqWeights,
    PowerWeights,
    ResidualSign,
    SharedWeights,
    ShiftSumWeights,
    Sign,
    StepActivation,
    TtqWeights,
    TwnWeights,
    WrpnWeights,
    XnorWeights,
)

__all__ = ["ACTIVATIONS", "LOGARITHMS", "MULTIPLIER_FREE", "SCALED", "WEIGHTS",
           "as_after_training", "last", "layers", "sequential"]

WEIGHTS = {
    "binary": BinaryWeights,
    "bitwise": BitwiseWeights,
    "twn": TwnWeights,
    "ternary": FixedTernaryWeights,
    "ttq": TtqWeights,
    **{f"dorefa{bits}": lambda bits=bits: DoReFaWeights(bits) for bits in (2, 3)},
    **{f"wrpn{bits}": lambda bits=bits: WrpnWeights(bits) for bits in (2, 3, 4)},
    "linear3": lambda: LinearQuantWeights(3),
    "lq3": lambda: LqWeights(3),
    "alternating2": lambda: AlternatingWeights(2),
    "abc3": lambda: AbcWeights(3),
    "xnor": XnorWeights,
    "lq2-channel": lambda: LqWeights(2, per_channel=True),
    "alternating2-channel": lambda: AlternatingWeights(2, per_channel=True, scale_bits=3),
}
"""What makes weights integers, by name."""

MULTIPLIER_FREE = {
    "power4": lambda: PowerWeights(4),
    "shift-sum2": lambda: ShiftSumWeights(2, 3),
    "shared3": lambda: SharedWeights(3, centroid_bits=6),
}
"""Those whose matrices have cores of their own."""

LOGARITHMS = {"log2": lambda: LogActivation(2)}
"""Activations that only such cores take in."""

SCALED = ("xnor", "lq2-channel", "alternating2-channel")
"""Those with a scale for each output, which only a threshold can take in: not for last layers."""

ACTIVATIONS = {
    "sign": Sign,
    "bitwise": lambda: BitwiseSign(0.3),
    "dorefa2": lambda: StepActivation.dorefa(2),
    "dorefa8": lambda: StepActivation.dorefa(8),
    "hwgq3": lambda: StepActivation.hwgq(3),
    "residual2": ResidualSign,
    "residual3": lambda: ResidualSign(3),
    "horq2": HorqSign,
    "abc2": AbcActivation,
    "lq2": LqActivation,
    "lq3-signs": lambda: LqActivation(3, signs=True),
}


def layers(weights: str, activation: str, n_in: int, n_out: int):
    """A matrix, a batch norm and an activation."""
    made = (ACTIVATIONS | LOGARITHMS)[activation]()
    return [last(weights, n_in, n_out), BatchNorm(n_out), made]


def last(weights: str, n_in: int, n_out: int):
    """A matrix whose sums are the scores."""
    return IntegerLinear(n_in, n_out, (WEIGHTS | MULTIPLIER_FREE)[weights]())


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
