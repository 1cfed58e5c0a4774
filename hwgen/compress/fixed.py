"""Fixed-point layers with power-of-two steps, so that evaluation is exact on integers.

Every tensor between these layers is ``integer * 2**-frac`` with one ``frac`` per tensor. The
fractions are buffers: set by :func:`~hwgen.compress.calibrate`, or by hand, and saved with the
weights.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import Fixed, SpecError, as_int

from .form import latent
from .layer import Layer, within
from .straight import round_half_even, round_half_up

__all__ = ["QuantInput", "QuantLinear", "QuantReLU", "RULES", "best_frac"]

MAX_BITS = 16

RULES = ("least_squares", "min_max", "percentile", "ristretto")
"""How a power-of-two step may be chosen; see :func:`best_frac`."""

PERCENTILE = 99.9
"""Percent of the magnitudes that the rule of that name does not clip."""


def _limits(bits, signed):
    low = -(1 << (bits - 1)) if signed else 0
    return low, low + (1 << bits) - 1


class QuantInput(Layer):
    """First layer: reads the integers of the data set as ``(integer - zero_point) * 2**-frac``.

    Integers outside ``bits`` saturate; export declares the range and golden refuses them.
    """

    def __init__(self, *, bits: int, frac: int = 0, signed: bool = False, zero_point: int = 0):
        super().__init__()
        self.bits, self.signed = within("QuantInput: bits", bits, 1, MAX_BITS), bool(signed)
        self.zero_point = within("QuantInput: zero_point", zero_point,
                                 *_limits(self.bits, self.signed))
        self.register_buffer("frac", torch.tensor(as_int(frac, "QuantInput: frac")))

    def forward(self, x):
        x = torch.clamp(round_half_even(x), *_limits(self.bits, self.signed))
        return (x - self.zero_point) * 2.0 ** -int(self.frac)

    def extra_repr(self):
        return (f"bits={self.bits}, frac={int(self.frac)}, signed={self.signed},"
                f" zero_point={self.zero_point}")


class QuantReLU(Layer):
    """Unsigned ``bits``-bit activation: ``clamp(floor(x * 2**frac + 1/2), 0, 2**bits - 1)``.

    Ties round towards +infinity, which costs hardware one added constant and a shift.
    The gradient is 1 inside the range and 0 where the value saturates.
    """

    def __init__(self, *, bits: int, frac: int = 0):
        super().__init__()
        self.bits = within("QuantReLU: bits", bits, 1, MAX_BITS)
        self.register_buffer("frac", torch.tensor(as_int(frac, "QuantReLU: frac")))

    def forward(self, x):
        step = 2.0 ** -int(self.frac)
        return torch.clamp(round_half_up(x / step), *_limits(self.bits, False)) * step

    @torch.no_grad()
    def calibrate(self, x, rule: str = "least_squares") -> None:
        """Choose the power-of-two step on samples ``x``."""
        y = torch.relu(x)
        self.frac.fill_(best_frac(y, lambda v: torch.clamp(
            torch.floor(v + 0.5), *_limits(self.bits, False)), self.bits, rule))

    def extra_repr(self):
        return f"bits={self.bits}, frac={int(self.frac)}"


class QuantLinear(Layer):
    """Linear layer with ``bits``-bit weights on the symmetric range ``+-(2**(bits-1) - 1)``.

    Or, with a ``zero_point`` z, affine ones (arXiv 1712.05877, eq. 1), ``q - z`` with ``q`` in
    ``0 .. 2**bits - 1``. These are exported as they are, and so take a bit more than ``bits``
    unless they fit: a z of ``2**(bits-1)`` costs nothing.

    ``y = W x + b`` with ``W = integer * 2**-frac`` (ties to even) and ``b`` rounded to the
    accumulator's step ``2**-(frac + in_frac)``, so the sum is exact.

    Parameters
    ----------
    n_in, n_out : int
    bits : int
        2..16, sign included.
    bias : bool
    in_frac : int
        Fraction bits of the input; :func:`~hwgen.compress.calibrate` sets it.
    zero_point : int, optional
        The code that stands for 0, 0 .. 2**bits - 1. Of signed codes, as of int8, it is theirs
        plus 2**(bits-1).
    """

    def __init__(self, n_in: int, n_out: int, *, bits: int, bias: bool = True, in_frac: int = 0,
                 zero_point: int | None = None):
        super().__init__()
        self.n_in = within("QuantLinear: n_in", n_in, 1)
        self.n_out = within("QuantLinear: n_out", n_out, 1)
        self.bits = within("QuantLinear: bits", bits, 2, MAX_BITS)
        self.zero_point = None if zero_point is None else within(
            "QuantLinear: zero_point", zero_point, *_limits(self.bits, False))
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        self.register_buffer("frac", torch.tensor(self.bits - 1))
        self.register_buffer("in_frac", torch.tensor(as_int(in_frac, "QuantLinear: in_frac")))

    @property
    def limit(self) -> int:
        """Largest magnitude of an integer weight."""
        if self.zero_point is not None:
            return max(self.zero_point, (1 << self.bits) - 1 - self.zero_point)
        return (1 << (self.bits - 1)) - 1

    @property
    def limits(self) -> tuple[int, int]:
        """Least and largest integer weight."""
        if self.zero_point is None:
            return -self.limit, self.limit
        return -self.zero_point, (1 << self.bits) - 1 - self.zero_point

    def weight_format(self, frac: int) -> Fixed:
        """Of the integer weights with ``frac`` fraction bits."""
        if self.zero_point is None:
            return Fixed(self.bits, frac, True)
        return Fixed.covering(*self.limits, frac=frac)

    @property
    def out_frac(self) -> int:
        """Fraction bits of the result."""
        return int(self.frac) + int(self.in_frac)

    def integer_weight(self):
        """Integer weights, shape (n_out, n_in), in the parameter's dtype."""
        return torch.clamp(round_half_even(self.weight * 2.0 ** int(self.frac)), *self.limits)

    def integer_bias(self):
        """Integer bias, shape (n_out,), in the units of the accumulator; None without bias."""
        if self.bias is None:
            return None
        return round_half_even(self.bias * 2.0 ** self.out_frac)

    def forward(self, x):
        bias = self.integer_bias()
        bias = None if bias is None else bias * 2.0 ** -self.out_frac
        return F.linear(x, self.integer_weight() * 2.0 ** -int(self.frac), bias)

    @torch.no_grad()
    def calibrate(self, rule: str = "least_squares") -> None:
        """Choose the power-of-two step of the weights."""
        self.frac.fill_(self.best_frac(self.weight, rule))

    def best_frac(self, weight, rule: str) -> int:
        """The fraction bits of ``weight``, or of a part of it, by ``rule``."""
        return best_frac(weight, lambda v: torch.clamp(torch.round(v), *self.limits),
                         self.bits - 1, rule,
                         extent=None if self.zero_point is None else
                         extent_of(weight, self.limits, self.bits - 1))

    @torch.no_grad()
    def constrain(self) -> None:
        latent(self).clamp_(*(end * 2.0 ** -int(self.frac) for end in self.limits))

    def extra_repr(self):
        return (f"{self.n_in}, {self.n_out}, bits={self.bits}, bias={self.bias is not None},"
                f" frac={int(self.frac)}, in_frac={int(self.in_frac)}"
                + ("" if self.zero_point is None else f", zero_point={self.zero_point}"))


def extent_of(values, limits: tuple[int, int], magnitude_bits: int):
    """``values`` as far from 0 as they are within limits that are not those of the bits.

    Each side is stretched so that its limit becomes ``2**magnitude_bits - 1``; what has no room at
    all is left out.
    """
    full, (least, most) = (1 << magnitude_bits) - 1, limits
    below, above = (full / end if end else 0.0 for end in (-least, most))
    return torch.where(values < 0, values * below, values * above)


def best_frac(values, quantise, magnitude_bits, rule: str = "least_squares", *, extent=None) -> int:
    """The ``frac`` of ``values`` in ``magnitude_bits`` bits beside the sign, by one of RULES.

    ``least_squares``: ``quantise(values * 2**frac) * 2**-frac`` is nearest to them. Tries the
    widest step that saturates nothing and the four below it (L2-optimal step of arXiv 1512.01322,
    on powers of two).

    ``min_max``: the smallest step with which nothing saturates, but for half a step.

    ``percentile``: the same for the :data:`PERCENTILE` smallest magnitudes that are not 0; what is
    above saturates (arXiv 1712.05877 has it of running ends; 2004.09602 compares the rules).

    ``ristretto``: ``ceil(log2(max abs(values)))`` integer bits, the others are fraction
    (arXiv 1604.03168): at most a largest value that is a power of two saturates, by one step.

    ``extent`` is what stands for ``values`` where their largest magnitude is asked for, as limits
    that are not symmetric need it (:func:`extent_of`).
    """
    if rule not in RULES:
        raise SpecError(f"rule must be one of {list(RULES)}, not {rule!r}")
    extent = values if extent is None else extent
    peak = float(extent.abs().max())
    if peak == 0:
        return magnitude_bits
    if rule in ("min_max", "percentile"):
        end = peak if rule == "min_max" else _percentile(extent)
        return math.floor(math.log2(((1 << magnitude_bits) - 0.5) / end))
    if rule == "ristretto":
        return magnitude_bits - math.ceil(math.log2(peak))
    first = magnitude_bits - math.ceil(math.log2(peak)) - 1
    values = values.double()
    errors = [
        float(((quantise(values * 2.0 ** f) * 2.0 ** -f) - values).square().sum())
        for f in range(first, first + 5)
    ]
    return first + errors.index(min(errors))


def _percentile(values) -> float:
    """The magnitude that :data:`PERCENTILE` percent of those that are not 0 do not exceed."""
    magnitudes = values.abs().flatten()
    magnitudes = magnitudes[magnitudes > 0]
    place = math.ceil(PERCENTILE / 100 * len(magnitudes))
    return float(magnitudes.kthvalue(place).values)
