"""Weights of k bits (DoReFa-Net, arXiv 1606.06160; WRPN, arXiv 1709.01134)."""

import torch

from hwgen.numeric import Bipolar, Fixed, Format, Planes

from .layer import within
from .linear import IntegerLinear
from .straight import round_half_even

__all__ = ["DoReFaLinear", "WrpnLinear"]

MAX_BITS = 8


class DoReFaLinear(IntegerLinear):
    """Odd integers ``W = 2 round((2**k - 1) u) - (2**k - 1)`` of ``bits`` = k bits.

    ``u = tanh(w) / (2 max |tanh w|) + 1/2`` in [0, 1]; the paper's weights (eq. 9) are
    ``W / (2**k - 1)``. Every bit plane is of signs: 2 bits are -3, -1, 1, 3. The gradient passes
    the rounding.
    """

    def __init__(self, n_in: int, n_out: int, *, bits: int, **options):
        super().__init__(n_in, n_out, **options)
        self.bits = within("DoReFaLinear: bits", bits, 1, MAX_BITS)

    @property
    def format(self) -> Format:
        if self.bits == 1:
            return Bipolar()
        return Planes.of_bases(tuple(1 << i for i in range(self.bits)))

    def integer_weight(self):
        top = (1 << self.bits) - 1
        bent = torch.tanh(self.weight)
        peak = bent.abs().max().clamp_min(torch.finfo(bent.dtype).tiny)
        return 2 * round_half_even(top * (bent / (2 * peak) + 0.5)) - top

    def extra_repr(self):
        return f"{super().extra_repr()}, bits={self.bits}"


class WrpnLinear(IntegerLinear):
    """``W = round((2**(k-1) - 1) clip(w, -1, 1))``: symmetric two's complement of k bits.

    2 bits are -1, 0, 1. The gradient passes the rounding.
    """

    def __init__(self, n_in: int, n_out: int, *, bits: int, **options):
        super().__init__(n_in, n_out, **options)
        self.bits = within("WrpnLinear: bits", bits, 2, MAX_BITS)

    @property
    def format(self) -> Format:
        return Fixed(self.bits, 0, True)

    def integer_weight(self):
        return round_half_even(self.weight.clamp(-1, 1) * ((1 << (self.bits - 1)) - 1))

    def extra_repr(self):
        return f"{super().extra_repr()}, bits={self.bits}"
