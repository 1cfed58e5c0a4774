"""Weights that are powers of two, or sums of a few: INQ, LogNet and ShiftCNN."""

import math

import torch

from hwgen.ir import PowerSums
from hwgen.numeric import Fixed, Format, PowerOfTwo

from .layer import within
from .straight import passed
from .value import int64_of
from .weights import Weights

__all__ = ["LogWeights", "PowerWeights", "ShiftSumWeights", "nearest_power", "rounded_log"]


@torch.no_grad()
def nearest_power(x, lowest: int, count: int):
    """The nearest of 0 and ``+-2**k``, ``k`` in ``lowest .. lowest + count - 1``; ties away from 0.

    So ``+-2**k`` stands where ``3/4 2**k <= |x| < 3/2 2**k``, and 0 below half the least power: the
    rule of INQ (arXiv 1702.03044, eq. 4). Exact in every precision, in the dtype of ``x``.
    """
    mantissa, exponent = torch.frexp(x.abs())           # |x| = mantissa * 2**exponent, 1/2 .. 1
    power = (exponent - (mantissa < 0.75).int()).clamp(lowest, lowest + count - 1)
    found = torch.ldexp(torch.sign(x), power)
    return torch.where(x.abs() >= 2.0 ** (lowest - 1), found, torch.zeros_like(x))


def rounded_log(x):
    """``log2(x)`` rounded to the nearest integer, int32; of ``x`` above 0."""
    mantissa, exponent = torch.frexp(x)
    return exponent - (mantissa < math.sqrt(0.5)).int()


class PowerWeights(Weights):
    """``W`` in 0 and ``+-2**e``, ``e = 0 .. 2**(bits-2) - 1``: weights of INQ (arXiv 1702.03044).

    With ``s = max |w|`` of the weights that the layer began with (the trained ones, after
    :func:`~hwgen.compress.adopt`): the largest power is ``n1 = floor(log2(4 s / 3))``, the least
    ``n2 = n1 + 1 - 2**(bits-1) / 2``, and each weight is the nearest of them and 0. ``W`` is in
    units of ``2**n2``, which a batch norm takes up, or :attr:`~IntegerLinear.out_shift` of ``-n2``.
    5 bits are 8 powers. INQ's schedule, which freezes the largest weights step by step, is no
    matter of the rule. The gradient passes the rounding.

    Parameters
    ----------
    bits : int      of a code: sign, and exponent or zero; 2..6
    """

    def __init__(self, bits: int = 5):
        super().__init__()
        self.bits = within("PowerWeights: bits", bits, 2, 6)
        self.register_buffer("top", torch.tensor(0))

    @property
    def exponents(self) -> int:
        """How many powers there are."""
        return 1 << (self.bits - 2)

    @property
    def lowest(self) -> int:
        """Exponent ``n2`` of the least real power."""
        return int(self.top) + 1 - self.exponents

    @torch.no_grad()
    def start(self, weight):
        peak = float(weight.detach().abs().max())
        if math.isfinite(peak) and peak > 0:
            mantissa, exponent = math.frexp(peak)
            self.top.fill_(exponent - (mantissa < 0.75))

    def format(self, weight) -> Format:
        return PowerOfTwo(self.exponents)

    def integers(self, weight):
        found = nearest_power(weight.detach(), self.lowest, self.exponents)
        return passed(weight * 2.0 ** -self.lowest, found * 2.0 ** -self.lowest)

    def matrix(self, weight):
        return PowerSums.of(int64_of(self.integers(weight)), self.exponents)

    @torch.no_grad()
    def constrain(self, weight) -> None:
        most = 1.5 * 2.0 ** int(self.top)       # all that is nearer to the largest power than to 2
        weight.clamp_(-most, most)

    def extra_repr(self):
        return f"{self.bits}, top={int(self.top)}"


class LogWeights(PowerWeights):
    """``W`` in 0 and ``+-2**e``, rounded in the logarithm: weights of LogNet (arXiv 1603.01025).

    LogQuant, ``sign(w) 2**clip(round(log2 |w|))``: beside the sign a code has ``bits - 1``, of
    which one value is 0 and the others are ``2**(bits-1) - 1`` exponents, so 5 bits are 15 powers.
    The largest is that nearest to the largest weight that the layer began with, which is the
    paper's FSR of the layer, ``2**(FSR - 1)``; what is ``2**(FSR - 2**(bits-1))`` or nearer to 0 is
    0. Between two powers the border is their geometric mean, where that of :class:`PowerWeights` is
    the arithmetic one. The base is 2: the paper's powers of its square root are no shifts. The
    gradient passes the rounding.

    Parameters
    ----------
    bits : int      of a code: sign, and exponent or zero; 2..5
    """

    def __init__(self, bits: int = 5):
        super().__init__(within("LogWeights: bits", bits, 2, 5))

    @property
    def exponents(self) -> int:
        return (1 << (self.bits - 1)) - 1

    @torch.no_grad()
    def start(self, weight):
        peak = weight.detach().abs().max()
        if bool(torch.isfinite(peak)) and float(peak) > 0:
            self.top.fill_(int(rounded_log(peak)))

    def integers(self, weight):
        found = weight.detach()
        power = rounded_log(found.abs()) - self.lowest
        found = torch.ldexp(torch.sign(found), power.clamp(0, self.exponents - 1)) * (power >= 0)
        return passed(weight * 2.0 ** -self.lowest, found)

    @torch.no_grad()
    def constrain(self, weight) -> None:
        most = math.sqrt(2) * 2.0 ** int(self.top)      # all that is nearest to the largest power
        weight.clamp_(-most, most)


class ShiftSumWeights(Weights):
    """``W`` a sum of ``terms`` powers of two or zeros: weights of ShiftCNN (arXiv 1706.02393).

    Weights in [-1, 1] are approached greedily (its algorithm 1): from what is left of ``w``, each
    term in turn takes the nearest value of its codebook of ``bits``, 0 and ``+-2**k`` for
    ``2**(bits-1) - 1`` exponents ``k`` from ``1 - n`` down, in term ``n = 1, 2 ...``. ``W`` is in
    units of the least power of the last term. The gradient passes the rounding.

    Parameters
    ----------
    terms : int     1..4
    bits : int      of one code, 2..5
    """

    def __init__(self, terms: int = 2, bits: int = 4):
        super().__init__()
        self.terms = within("ShiftSumWeights: terms", terms, 1, 4)
        self.bits = within("ShiftSumWeights: bits", bits, 2, 5)

    @property
    def exponents(self) -> int:
        """Powers of one codebook."""
        return (1 << (self.bits - 1)) - 1

    @property
    def frac(self) -> int:
        """The unit is ``2**-frac``."""
        return self.terms + self.exponents - 2

    @property
    def bases(self) -> tuple[int, ...]:
        """Least exponent of each term, in units."""
        return tuple(range(self.terms - 1, -1, -1))

    def _terms(self, weight) -> list:
        """The value of each term, in units."""
        rest, found = weight.detach() * 2.0 ** self.frac, []
        for base in self.bases:
            found.append(nearest_power(rest, base, self.exponents))
            rest = rest - found[-1]
        return found

    def format(self, weight) -> Format:
        if self.terms == 1:
            return PowerOfTwo(self.exponents)
        most = sum(1 << base for base in self.bases) << (self.exponents - 1)
        return Fixed.covering(-most, most)

    def integers(self, weight):
        return passed(weight * 2.0 ** self.frac, sum(self._terms(weight)))

    def matrix(self, weight):
        term = PowerOfTwo(self.exponents)
        codes = [term.encode(int64_of(value) >> base)
                 for value, base in zip(self._terms(weight), self.bases, strict=True)]
        return PowerSums(codes, self.exponents, self.bases)

    def extra_repr(self):
        return f"{self.terms}, {self.bits}"
