"""Weights and activations of -1 and +1 (BNN, arXiv 1602.02830; XNOR-Net, arXiv 1603.05279)."""

from hwgen.numeric import Bipolar

from .steps import StepLayer
from .straight import binarise
from .weights import Weights

__all__ = ["BinaryWeights", "Sign", "XnorWeights"]


class Sign(StepLayer):
    """``+1`` where ``x >= 0``, else ``-1``, with the gradient ``1{|x| <= 1}``."""

    format = Bipolar()

    def index(self, x):
        return x >= 0

    def forward(self, x):
        return binarise(x)


class BinaryWeights(Weights):
    """Signs: ``W = sign(w)``, and ``sign(0) = +1``.

    With activations of one bit this is BNN; with wider ones BinaryConnect (arXiv 1511.00363). The
    gradient passes where ``|w| <= 1``.
    """

    def format(self, weight):
        return Bipolar()

    def integers(self, weight):
        return binarise(weight)


class XnorWeights(BinaryWeights):
    """Signs with one scale a row: ``W = alpha_k sign(w_k)`` with ``alpha_k = mean |w_k|``.

    Of XNOR-Net (arXiv 1603.05279, eq. 6): alpha is the scale for which ``alpha sign(w)`` is nearest
    to ``w``; a row of a convolution is a filter. The sums stay integers, as alpha is folded into
    the thresholds of the activation that follows. The paper's scale ``K`` of the inputs, the mean
    of ``|x|`` over each window, differs from pixel to pixel and does not fold: it is dropped, which
    the paper puts below 1 % of accuracy.
    """

    def scale(self, weight):
        return weight.abs().mean(dim=1)
