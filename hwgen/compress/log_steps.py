"""Activations by their logarithm: LogQuant."""

import math

import torch

from hwgen.numeric import Logarithmic, as_int

from .layer import within
from .powers import rounded_log
from .steps import StepLayer

__all__ = ["LogActivation"]


class _Log(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, layer):
        index = layer.index(x)
        ctx.save_for_backward(x)
        ctx.high, ctx.slope = math.sqrt(2) * 2.0 ** (layer.full_scale - 1), 2.0 ** -layer.lowest
        return torch.where(index > 0, 2.0 ** (index - 1), torch.zeros_like(x))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ((x >= 0) & (x <= ctx.high)) * ctx.slope, None


class LogActivation(StepLayer):
    """ReLU to zero or a power of two: LogQuant of arXiv 1603.01025, the activations of LogNet.

    ``2**round(log2(x))``, the exponent clipped to ``full_scale - 1`` from above; 0 where it is
    ``full_scale - 2**bits`` or less, and where ``x`` is not above 0. So a code has ``bits``. The
    result is in units of the least power, which the batch norm that follows takes up. Export makes
    thresholds of it, which hold every rounding of the logarithm exactly. The gradient passes where
    ``x`` is not below 0 and does not saturate.

    Parameters
    ----------
    bits : int          1..5
    full_scale : int    FSR of the paper: ``2**full_scale`` is where the range ends
    """

    def __init__(self, bits: int = 3, full_scale: int = 2):
        super().__init__()
        self.bits = within("LogActivation: bits", bits, 1, 5)
        self.full_scale = as_int(full_scale, "LogActivation: full_scale")
        self.format = Logarithmic((1 << self.bits) - 1)

    @property
    def lowest(self) -> int:
        """Exponent of the least power."""
        return self.full_scale - self.format.exponents

    def index(self, x):
        level = rounded_log(x.clamp_min(0)) - self.lowest + 1
        level = torch.where(x > 0, level, torch.zeros_like(level))
        return level.clamp(0, self.format.exponents).to(x.dtype)

    def forward(self, x):
        return _Log.apply(x, self)

    def extra_repr(self):
        return f"{self.bits}, full_scale={self.full_scale}"
