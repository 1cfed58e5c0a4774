"""Matrix layers and convolutions of the common kinds of weights, by name."""

from .bases import LqWeights
from .binary import BinaryWeights, XnorWeights
from .conv import Convolution
from .kbit import DoReFaWeights, WrpnWeights
from .linear import IntegerLinear
from .ternary import TtqWeights, TwnWeights

__all__ = ["BinaryConv2d", "BinaryLinear", "DoReFaLinear", "MultiBaseLinear",
           "ScaledBinaryLinear", "TernaryConv2d", "TernaryLinear", "TwoScaleTernaryLinear",
           "WrpnLinear"]


class BinaryLinear(IntegerLinear):
    """Matrix of signs: :class:`~hwgen.compress.BinaryWeights`."""

    def __init__(self, n_in: int, n_out: int, **options):
        super().__init__(n_in, n_out, BinaryWeights(), **options)


class ScaledBinaryLinear(IntegerLinear):
    """Signs with one scale a row: :class:`~hwgen.compress.XnorWeights`."""

    def __init__(self, n_in: int, n_out: int, **options):
        super().__init__(n_in, n_out, XnorWeights(), **options)


class DoReFaLinear(IntegerLinear):
    """Odd integers of ``bits`` planes of signs: :class:`~hwgen.compress.DoReFaWeights`."""

    def __init__(self, n_in: int, n_out: int, *, bits: int, **options):
        super().__init__(n_in, n_out, DoReFaWeights(bits), **options)


class WrpnLinear(IntegerLinear):
    """Symmetric two's complement of ``bits``: :class:`~hwgen.compress.WrpnWeights`."""

    def __init__(self, n_in: int, n_out: int, *, bits: int, **options):
        super().__init__(n_in, n_out, WrpnWeights(bits), **options)


class TernaryLinear(IntegerLinear):
    """Weights of -1, 0 and +1: :class:`~hwgen.compress.TwnWeights`."""

    def __init__(self, n_in: int, n_out: int, **options):
        super().__init__(n_in, n_out, TwnWeights(), **options)


class TwoScaleTernaryLinear(IntegerLinear):
    """Two trained scales of ``bits`` bits: :class:`~hwgen.compress.TtqWeights`."""

    def __init__(self, n_in: int, n_out: int, *, bits: int = 4, **options):
        super().__init__(n_in, n_out, TtqWeights(bits), **options)


class MultiBaseLinear(IntegerLinear):
    """Learned bases, one set for the layer: :class:`~hwgen.compress.LqWeights`."""

    def __init__(self, n_in: int, n_out: int, *, bases: int = 2, **options):
        super().__init__(n_in, n_out, LqWeights(bases), **options)


class BinaryConv2d(Convolution, BinaryLinear):
    """Convolution with weights of -1 and +1."""


class TernaryConv2d(Convolution, TernaryLinear):
    """Convolution with weights of -1, 0 and +1."""
