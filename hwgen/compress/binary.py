"""Binarised layers: weights and activations of -1 and +1 (BNN, arXiv 1602.02830)."""

from hwgen.numeric import Bipolar

from .linear import IntegerLinear
from .steps import StepLayer
from .straight import binarise

__all__ = ["BinaryLinear", "ScaledBinaryLinear", "Sign"]


class Sign(StepLayer):
    """``+1`` where ``x >= 0``, else ``-1``, with the gradient ``1{|x| <= 1}``."""

    format = Bipolar()

    def index(self, x):
        return x >= 0

    def forward(self, x):
        return binarise(x)


class BinaryLinear(IntegerLinear):
    """Matrix of signs: ``W = sign(w)``, and ``sign(0) = +1``.

    With activations of one bit this is BNN; with wider ones BinaryConnect (arXiv 1511.00363). The
    gradient passes where ``|w| <= 1``.
    """

    format = Bipolar()

    def integer_weight(self):
        return binarise(self.weight)


class ScaledBinaryLinear(IntegerLinear):
    """Signs with one scale a row: ``W = alpha_k sign(w_k)`` with ``alpha_k = mean |w_k|``.

    The binary weight network of XNOR-Net (arXiv 1603.05279, eq. 6): alpha is the scale for which
    ``alpha sign(w)`` is nearest to ``w``. The sums stay integers; alpha is folded into the
    thresholds of the activation that follows, so there is no bias and no exact form as last layer.
    """

    format = Bipolar()

    def __init__(self, n_in: int, n_out: int):
        super().__init__(n_in, n_out)

    def integer_weight(self):
        return binarise(self.weight)

    def scale(self):
        """alpha, shape (n_out,)."""
        return self.weight.abs().mean(dim=1)

    def rescale(self, x):
        """What is done to the integer sums ``x`` (batch, n_out)."""
        return x * self.scale()

    def forward(self, x):
        return self.rescale(super().forward(x))
