"""Bitwise neural networks (Kim and Smaragdis, arXiv 1601.06071), with their training in two stages.

A network of these parts is first trained with real weights and signals that tanh compresses, then
with bits (:func:`train_bitwise`).
"""

import math

import torch

from hwgen.numeric import Bipolar, Format, SpecError, Ternary

from .phases import Phases
from .settings import Settings
from .steps import StepLayer
from .straight import binarise, passed
from .weights import Weights

__all__ = ["BitwiseSign", "BitwiseWeights", "compress_signals", "train_bitwise"]

_FIRST_STAGE = ("{} must be bits, not the real ones of the first stage: train the second with"
                " hwgen.compress.train_bitwise")


class BitwiseWeights(Weights):
    """Ternary: the share ``sparsity`` of smallest ``|w|`` is 0, the others are signs.

    So ``W = sign(w) 1{|w| > beta}`` with beta the quantile of ``|w|`` over the layer (the
    paper's lambda is ``sparsity``). A weight of 0 is skipped: XNOR and count under a mask. The
    bias is a sign. In the first stage, while ``is_real``, weights are ``tanh(w)`` and biases
    ``tanh(b)``. The gradient of the second stage is that of the bits and moves the
    real weights, which is the paper's noisy backpropagation: the noise is that of the rounding.

    Parameters
    ----------
    sparsity : float    in [0, 1)
    """

    def __init__(self, sparsity: float = 0.3):
        super().__init__()
        if not isinstance(sparsity, (int, float)) or not 0 <= sparsity < 1:
            raise SpecError(f"BitwiseWeights: sparsity must be in [0, 1), not {sparsity!r}")
        self.sparsity, self.is_real = float(sparsity), False

    @torch.no_grad()
    def start(self, weight):
        # Sums of real weights begin with a variance of about 1, where tanh has a slope.
        weight.mul_(math.sqrt(3 / weight.shape[1]))

    def format(self, weight) -> Format:
        if self.is_real:
            raise SpecError(_FIRST_STAGE.format("BitwiseWeights: weights"))
        return Ternary()

    def integers(self, weight):
        if self.is_real:
            return torch.tanh(weight)
        sizes = weight.detach().abs()
        zeros = int(self.sparsity * sizes.numel())
        beta = sizes.flatten().kthvalue(zeros).values if zeros else -1.0
        signs = torch.where(weight.detach() >= 0, 1.0, -1.0)
        return passed(weight, signs * (sizes > beta))

    def bias(self, bias):
        return torch.tanh(bias) if self.is_real else passed(bias, binarise(bias))

    def constrain(self, weight):
        """Nothing: tanh compresses the first stage, and the second only ranks ``|w|``."""

    def extra_repr(self):
        return f"{self.sparsity}, is_real={self.is_real}"


class _TanhSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gain):
        ctx.save_for_backward(x)
        ctx.gain = gain
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ctx.gain * (1 - torch.tanh(ctx.gain * x).square()), None


class BitwiseSign(StepLayer):
    """``sign(x)``, with the gradient of ``tanh(gain x)``; while ``is_real`` that itself.

    The paper has no gain (1) and no batch norm. Sums of bits have a spread of about the root of
    their number, where tanh is flat: put a batch norm before, or set the gain to its inverse.
    """

    def __init__(self, gain: float = 1.0):
        super().__init__()
        if not isinstance(gain, (int, float)) or not 0 < gain < math.inf:
            raise SpecError(f"BitwiseSign: gain must be a number above 0, not {gain!r}")
        self.gain, self.is_real = float(gain), False

    @property
    def format(self) -> Format:
        if self.is_real:
            raise SpecError(_FIRST_STAGE.format("BitwiseSign: signals"))
        return Bipolar()

    def index(self, x):
        return x >= 0

    def forward(self, x):
        return torch.tanh(self.gain * x) if self.is_real else _TanhSign.apply(x, self.gain)

    def extra_repr(self):
        return f"gain={self.gain:g}, is_real={self.is_real}"


def compress_signals(module, on: bool):
    """Put all bitwise parts of ``module`` into the first stage (on) or the second; returns it."""
    parts = [part for part in module.modules() if isinstance(part, (BitwiseSign, BitwiseWeights))]
    if not parts:
        raise SpecError(f"compress_signals: module must have BitwiseWeights or BitwiseSign, not be"
                        f" a {type(module).__name__} without")
    for part in parts:
        part.is_real = bool(on)
    return module


def train_bitwise(phases: Phases, module, *, compressed: Settings, bits: Settings):
    """Both stages of one recipe: real weights under tanh, then the bits that follow from them.

    The module returned is of bits, in evaluation mode. With a folder in ``phases``, each stage has
    its checkpoint and an interrupted training goes on from there.

    Parameters
    ----------
    phases : Phases
    module : torch.nn.Module    with :class:`BitwiseWeights` and :class:`BitwiseSign`
    compressed, bits : Settings
        Of the first and the second stage; the first cannot have ``integer_products``.
    """
    if compressed.integer_products:
        raise SpecError("train_bitwise: integer_products must be False in the first stage, whose"
                        " weights are real, not True")
    phases.run("compressed", compress_signals(module, True), compressed)
    return phases.run("bits", compress_signals(module, False), bits)
