"""LogNet: weights and activations are powers of two, so that products are sums of exponents."""

from dataclasses import dataclass
from typing import ClassVar

from ..log_steps import LogActivation
from ..powers import LogWeights
from .integers import Integers

__all__ = ["LogNet"]


@dataclass(frozen=True, kw_only=True)
class LogNet(Integers):
    """0 and powers of two on both sides of every product; runs on the shift core, of exponents.

    ``LogQuant(x) = sign(x) 2**clip(round(log2 |x|), FSR - 2**b, FSR)`` of arXiv 1603.01025 (eq. 4):
    0 at the lower end of the clip, the upper one is ``FSR - 1``. A product of two is
    ``1 << (w + x)``. FSR of weights follows from each layer's largest; that of activations is one
    for all, as a batch norm stands in front of each and brings its input to a deviation of 1.

    Parameters
    ----------
    bits : int               of a weight, sign included, 2..5: ``2**(bits-1) - 1`` powers and 0
    activation_bits : int    1..5: ``2**activation_bits - 1`` powers and 0
    full_scale : int         FSR of activations, -16..16: the largest is ``2**(full_scale - 1)``
    """

    kind: ClassVar[str] = "log-net"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "weights and activations are powers of two or 0 (LogNet)"
    source: ClassVar[str] = "arXiv 1603.01025"
    bits: int = 5
    activation_bits: int = 4
    full_scale: int = 2

    def check(self):
        self.require_int("bits", 2, 5)
        self.require_int("activation_bits", 1, 5)
        self.require_int("full_scale", -16, 16)

    def weights(self):
        """Powers of two, rounded in the logarithm."""
        return LogWeights(self.bits)

    def activation(self):
        """Powers of two or 0."""
        return LogActivation(self.activation_bits, self.full_scale)
