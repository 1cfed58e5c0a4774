"""Weights of k bits: DoReFa-Net, WRPN and QNN."""

import torch

from hwgen.numeric import Bipolar, Fixed, Format, Planes

from .layer import within
from .straight import round_half_even
from .weights import Weights

__all__ = ["DoReFaWeights", "LinearQuantWeights", "WrpnWeights"]

MAX_BITS = 8


class _Bits(Weights):
    """Two's complement of ``bits`` bits, unless a kind says otherwise."""

    fewest = 2

    def __init__(self, bits: int):
        super().__init__()
        self.bits = within(f"{type(self).__name__}: bits", bits, self.fewest, MAX_BITS)

    def format(self, weight) -> Format:
        return Fixed(self.bits, 0, True)

    def extra_repr(self):
        return f"{self.bits}"


class DoReFaWeights(_Bits):
    """Odd integers ``W = 2 round((2**k - 1) u) - (2**k - 1)`` of ``bits`` = k bits.

    ``u = tanh(w) / (2 max |tanh w|) + 1/2`` in [0, 1]; the weights of DoReFa-Net (arXiv 1606.06160,
    eq. 9) are ``W / (2**k - 1)``. Every bit plane is of signs: 2 bits are -3, -1, 1, 3. The
    gradient passes the rounding.
    """

    fewest = 1

    def format(self, weight) -> Format:
        if self.bits == 1:
            return Bipolar()
        return Planes.of_bases(tuple(1 << i for i in range(self.bits)))

    def integers(self, weight):
        top = (1 << self.bits) - 1
        bent = torch.tanh(weight)
        peak = bent.abs().max().clamp_min(torch.finfo(bent.dtype).tiny)
        return 2 * round_half_even(top * (bent / (2 * peak) + 0.5)) - top


class WrpnWeights(_Bits):
    """``W = round((2**(k-1) - 1) clip(w, -1, 1))``: symmetric two's complement of k bits.

    Of WRPN (arXiv 1709.01134); 2 bits are -1, 0, 1. The gradient passes the rounding.
    """

    def integers(self, weight):
        return round_half_even(weight.clamp(-1, 1) * ((1 << (self.bits - 1)) - 1))


class LinearQuantWeights(_Bits):
    """``W = clip(round(w / s), -2**(k-1), 2**(k-1) - 1)`` with the step ``s = 2**(1-k)``.

    LinearQuant of QNN (arXiv 1609.07061) on weights in [-1, 1]: unlike WRPN's, the step is
    a power of two and the range is all of two's complement, so 2 bits are -2, -1, 0, 1. QNN's
    weights of one bit are ``BinaryWeights``. The gradient passes the rounding, and the clip where
    it does not saturate.
    """

    def integers(self, weight):
        half = 1 << (self.bits - 1)
        return round_half_even(weight * half).clamp(-half, half - 1)
