"""Fixed-point activations: rounded, clipped and leaky, about a zero point."""

import numpy as np
import torch

from hwgen.numeric import ROUNDINGS, Fixed, SpecError, as_int

from .fixed import MAX_BITS, best_frac, extent_of
from .layer import Layer, within
from .straight import passed

__all__ = ["Bounded", "QuantActivation"]

ROUND = {
    "half_up": lambda v: torch.floor(v + 0.5),
    "half_even": torch.round,
    "half_away": lambda v: torch.sign(v) * torch.floor(v.abs() + 0.5),
    "floor": torch.floor,
    "toward_zero": torch.trunc,
}


class Bounded(Layer):
    """What layers share whose results are integers of a few bits within bounds.

    Parameters
    ----------
    bits : int              1..16
    frac : int              fraction bits of the result
    signed : bool
    slope_shift : int       0..15: negative inputs are divided by ``2**slope_shift``
    low, high : float, optional
        Real bounds: the multiples of the step that are nearest to them on their inner side, and
        never beyond what ``bits`` hold.
    zero_point : int        the integer that stands for 0 (arXiv 1712.05877, eq. 1): an unsigned
                            one then reaches down to ``-zero_point * 2**-frac``
    """

    def __init__(self, bits: int, *, frac: int, signed: bool, slope_shift: int,
                 low: float | None, high: float | None, zero_point: int):
        super().__init__()
        name = type(self).__name__
        self.bits = within(f"{name}: bits", bits, 1, MAX_BITS)
        self.slope_shift = within(f"{name}: slope_shift", slope_shift, 0, 15)
        if low is not None and high is not None and not low < high:
            raise SpecError(f"{name}: low must be below high, not {low} and {high}")
        self.signed, self.low, self.high = bool(signed), low, high
        self.register_buffer("frac", torch.tensor(as_int(frac, f"{name}: frac")))
        fmt = self.format
        self.zero_point = within(f"{name}: zero_point", zero_point, fmt.min, fmt.max)

    @property
    def format(self) -> Fixed:
        """Of the result's integers."""
        return Fixed(self.bits, int(self.frac), self.signed)

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and most integer of the result; SpecError where no multiple is between them."""
        fmt, step, zero = self.format, 2.0 ** int(self.frac), self.zero_point
        least = fmt.min if self.low is None else max(fmt.min, int(np.ceil(self.low * step)) + zero)
        most = fmt.max if self.high is None else min(fmt.max,
                                                     int(np.floor(self.high * step)) + zero)
        if least > most:
            raise SpecError(f"low and high must hold a multiple of 2**-{int(self.frac)} that"
                            f" {self.bits} bits reach, not be {self.low} and {self.high}")
        return least, most

    def _leaky(self, x):
        return torch.where(x < 0, x * 2.0 ** -self.slope_shift, x)

    def extra_repr(self):
        return (f"{self.bits}, frac={int(self.frac)}, signed={self.signed},"
                f" slope_shift={self.slope_shift}, low={self.low}, high={self.high},"
                f" zero_point={self.zero_point}")


class QuantActivation(Bounded):
    """``(clamp(round(leaky(x) * 2**frac) + z, least, most) - z) * 2**-frac``, ``z`` the zero point.

    Saturating, never wrapping.

    ``leaky(x)`` is ``x * 2**-slope_shift`` where x is negative: a leaky ReLU, rounded once. Without
    ``signed`` it is a ReLU, with ``high`` a clipped one. The gradient is that of the real function
    within the bounds and 0 where the value saturates.

    Parameters
    ----------
    bits : int
    frac : int              :func:`~hwgen.compress.calibrate` sets it
    rounding : str          one of :data:`hwgen.numeric.ROUNDINGS`
    signed, slope_shift, low, high, zero_point
        As of :class:`~hwgen.compress.activation.Bounded`.
    """

    def __init__(self, bits: int, *, frac: int = 0, signed: bool = True, rounding: str = "half_up",
                 slope_shift: int = 0, low: float | None = None, high: float | None = None,
                 zero_point: int = 0):
        if rounding not in ROUNDINGS:
            raise SpecError(f"QuantActivation: rounding must be one of {list(ROUNDINGS)}, not"
                            f" {rounding!r}")
        super().__init__(bits, frac=frac, signed=signed, slope_shift=slope_shift, low=low,
                         high=high, zero_point=zero_point)
        self.rounding = rounding

    def forward(self, x):
        step, (least, most) = 2.0 ** -int(self.frac), (n - self.zero_point for n in self.bounds)
        real = self._leaky(x) / step
        bounded = torch.clamp(real, least, most)
        return passed(bounded, torch.clamp(ROUND[self.rounding](real.detach()), least, most)) * step

    @torch.no_grad()
    def calibrate(self, x, rule: str = "least_squares") -> None:
        """Choose ``frac`` on samples ``x``; see :func:`~hwgen.compress.calibrate` for the rules."""
        y, (least, most) = self._leaky(x), (n - self.zero_point for n in (self.format.min,
                                                                          self.format.max))
        y = y.clamp(0 if least == 0 else self.low, self.high) if (
            least == 0 or self.low is not None or self.high is not None) else y
        bits = max(-least - 1, most).bit_length()
        self.frac.fill_(best_frac(
            y, lambda v: torch.clamp(torch.floor(v + 0.5), least, most), bits, rule,
            extent=extent_of(y, (least, most), bits) if self.zero_point else None))

    def extra_repr(self):
        return f"{super().extra_repr()}, rounding={self.rounding!r}"
