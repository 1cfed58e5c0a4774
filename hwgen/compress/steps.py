"""Activations of a few levels: what they share, and k-bit ones with even steps."""

from abc import abstractmethod

import torch

from hwgen.numeric import Fixed, Format, SpecError

from .layer import Layer, within

__all__ = ["StepActivation", "StepLayer"]

MAX_BITS = 8

HWGQ_STEPS = {2: 0.538, 3: 0.322, 4: 0.181}
"""Lloyd's even steps for the positive half of a Gaussian, by bits."""


class StepLayer(Layer):
    """An activation whose result is one of the levels of its ``format``.

    ``forward(x) = levels[index(x)]`` and ``index`` does not fall with ``x``, so that
    :func:`~hwgen.compress.step_thresholds` finds its exact integer form behind any batch norm.
    """

    format: Format

    @abstractmethod
    def index(self, x):
        """Number of the level, 0 .. T, of each element of ``x``."""


def _levels(x, step, top, positive_from_zero):
    index = torch.floor(x / step + 0.5).clamp_(0, top)
    return torch.maximum(index, (x > 0).to(x.dtype)) if positive_from_zero else index


class _Levels(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, step, top, positive_from_zero):
        ctx.save_for_backward(x)
        ctx.high, ctx.slope = (top + 0.5) * step, 1 / step
        return _levels(x, step, top, positive_from_zero)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ((x >= 0) & (x <= ctx.high)) * ctx.slope, None, None, None


class StepActivation(StepLayer):
    """Unsigned k-bit activation ``clamp(floor(x / step + 1/2), 0, 2**k - 1)``: integers.

    The real value is ``step`` times that; the factor is left to the batch norm that follows. Ties
    go up. The gradient passes where ``0 <= x <= (2**k - 1/2) step``, as of the clipped ReLU.

    :meth:`dorefa` has the step of DoReFa-Net (arXiv 1606.06160, eq. 6 on inputs clipped to [0, 1]),
    which is that of QNN and WRPN (arXiv 1709.01134) too. :meth:`hwgq` is half-wave Gaussian
    quantisation (arXiv 1702.00953), for inputs of a batch norm.

    Parameters
    ----------
    bits : int         1..8
    step : float
    positive_from_zero : bool
        Every positive ``x`` is at least level 1, as in HWGQ, where level 0 is that of the ReLU.
    """

    def __init__(self, bits: int, step: float, *, positive_from_zero: bool = False):
        super().__init__()
        self.bits = within("StepActivation: bits", bits, 1, MAX_BITS)
        if not isinstance(step, (int, float)) or not 0 < step < float("inf"):
            raise SpecError(f"StepActivation: step must be a number above 0, not {step!r}")
        self.step, self.format = float(step), Fixed(self.bits, 0, False)
        self.positive_from_zero = bool(positive_from_zero)

    @classmethod
    def dorefa(cls, bits: int) -> "StepActivation":
        """Steps of ``1 / (2**bits - 1)``: 0..1 in ``2**bits`` levels."""
        return cls(bits, 1 / ((1 << within("StepActivation: bits", bits, 1, MAX_BITS)) - 1))

    @classmethod
    def hwgq(cls, bits: int) -> "StepActivation":
        """The steps that lose least of a Gaussian's positive half; 2 to 4 bits."""
        if bits not in HWGQ_STEPS:
            raise SpecError(f"StepActivation: bits of hwgq must be in 2..4, not {bits!r}")
        return cls(bits, HWGQ_STEPS[bits], positive_from_zero=True)

    @property
    def _top(self) -> int:
        return (1 << self.bits) - 1

    def index(self, x):
        return _levels(x, self.step, self._top, self.positive_from_zero)

    def forward(self, x):
        return _Levels.apply(x, self.step, self._top, self.positive_from_zero)

    def extra_repr(self):
        return (f"{self.bits}, step={self.step:.6g},"
                f" positive_from_zero={self.positive_from_zero}")
