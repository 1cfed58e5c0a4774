"""Fixed-point activations of every form of a Requantise: rounded, clipped, leaky, rescaled."""

import numpy as np
import torch

from hwgen.numeric import DOUBLING_HIGH, MAX_SHIFT, ROUNDINGS, Fixed, SpecError, as_int, scale_of

from .fixed import MAX_BITS, best_frac
from .layer import Layer, within
from .straight import passed

__all__ = ["QuantActivation", "QuantRescale"]

ROUND = {
    "half_up": lambda v: torch.floor(v + 0.5),
    "half_even": torch.round,
    "half_away": lambda v: torch.sign(v) * torch.floor(v.abs() + 0.5),
    "floor": torch.floor,
    "toward_zero": torch.trunc,
}


class QuantActivation(Layer):
    """``(clamp(round(leaky(x) * 2**frac) + z, least, most) - z) * 2**-frac``, ``z`` the zero point.

    Saturating, never wrapping.

    ``leaky(x)`` is ``x * 2**-slope_shift`` where x is negative: a leaky ReLU, rounded once. Without
    ``signed`` it is a ReLU, with ``high`` a clipped one. The gradient is that of the real function
    within the bounds and 0 where the value saturates.

    Parameters
    ----------
    bits : int              1..16
    frac : int              fraction bits of the result; :func:`~hwgen.compress.calibrate` sets it
    signed : bool
    rounding : str          one of :data:`hwgen.numeric.ROUNDINGS`
    slope_shift : int       0..15
    low, high : float, optional
        Real bounds: the multiples of the step that are nearest to them on their inner side, and
        never beyond what ``bits`` hold.
    zero_point : int        the integer that stands for 0 (arXiv 1712.05877, eq. 1): an unsigned
                            one then reaches down to ``-zero_point * 2**-frac``
    """

    def __init__(self, bits: int, *, frac: int = 0, signed: bool = True, rounding: str = "half_up",
                 slope_shift: int = 0, low: float | None = None, high: float | None = None,
                 zero_point: int = 0):
        super().__init__()
        self.bits = within("QuantActivation: bits", bits, 1, MAX_BITS)
        if rounding not in ROUNDINGS:
            raise SpecError(f"QuantActivation: rounding must be one of {list(ROUNDINGS)}, not"
                            f" {rounding!r}")
        self.slope_shift = within("QuantActivation: slope_shift", slope_shift, 0, 15)
        if low is not None and high is not None and not low < high:
            raise SpecError(f"QuantActivation: low must be below high, not {low} and {high}")
        self.signed, self.rounding, self.low, self.high = bool(signed), rounding, low, high
        self.register_buffer("frac", torch.tensor(as_int(frac, "QuantActivation: frac")))
        fmt = self.format
        self.zero_point = within("QuantActivation: zero_point", zero_point, fmt.min, fmt.max)

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
        self.frac.fill_(best_frac(y, lambda v: torch.clamp(torch.floor(v + 0.5), least, most),
                                  max(-least - 1, most).bit_length(), rule))

    def extra_repr(self):
        return (f"{self.bits}, frac={int(self.frac)}, signed={self.signed},"
                f" rounding={self.rounding!r}, slope_shift={self.slope_shift}, low={self.low},"
                f" high={self.high}, zero_point={self.zero_point}")


class QuantRescale(Layer):
    """``clamp(x * scale)`` on the grid ``2**-frac``, by an integer multiplier and a shift.

    Integer-only inference (Jacob et al., arXiv 1712.05877): the real ``scale``, of the tensor or of
    each channel, becomes a multiplier of ``multiplier_bits`` bits, off by at most
    ``2**-multiplier_bits`` of itself (:func:`hwgen.numeric.scale_of`). With ``twice`` the result
    is that of gemmlowp bit for bit: saturating rounding doubling high multiply of int32, then a
    rounding shift; else the one exact product rounded once, ties up. The forward computes these
    very integers in int64; the gradient is that of ``clamp(x * scale)``.

    Parameters
    ----------
    bits : int                  1..16
    scale : float or sequence of floats, positive
    frac, in_frac : int         fraction bits of result and input; calibrate sets ``in_frac``
    signed, twice : bool
    multiplier_bits : int       31 where rounded twice
    tolerance : number, optional
        Largest relative error of a multiplier to take; 0 where it must be exact.

    Raises
    ------
    SpecError    On use, if no multiplier and shift reproduce a scale.
    """

    def __init__(self, bits: int, scale, *, frac: int = 0, in_frac: int = 0, signed: bool = False,
                 twice: bool = True, multiplier_bits: int = 31, tolerance=None):
        super().__init__()
        self.bits = within("QuantRescale: bits", bits, 1, MAX_BITS)
        self.multiplier_bits = within("QuantRescale: multiplier_bits", multiplier_bits,
                                      31 if twice else 1, 31)
        self.signed, self.twice, self.tolerance = bool(signed), bool(twice), tolerance
        # Not a buffer: a module that is taken to another precision keeps its scales.
        self.scale = tuple(map(float, np.atleast_1d(scale)))
        self.register_buffer("frac", torch.tensor(as_int(frac, "QuantRescale: frac")))
        self.register_buffer("in_frac", torch.tensor(as_int(in_frac, "QuantRescale: in_frac")))

    @property
    def format(self) -> Fixed:
        """Of the result."""
        return Fixed(self.bits, int(self.frac), self.signed)

    @property
    def rounding(self) -> str:
        return DOUBLING_HIGH if self.twice else "half_up"

    @property
    def integers(self) -> tuple[np.ndarray, np.ndarray]:
        """Multipliers and shifts of the Requantise, int64 (1,) or (n,) each."""
        step, found = 2.0 ** (int(self.frac) - int(self.in_frac)), []
        for k, scale in enumerate(self.scale):
            what = f"scale of channel {k}" if len(self.scale) > 1 else "scale"
            multiplier, shift, _ = scale_of(
                scale * step, bits=self.multiplier_bits, tolerance=self.tolerance, what=what,
                shifts=(0, 62 if self.twice else MAX_SHIFT))
            while not self.twice and multiplier % 2 == 0 and shift:
                multiplier, shift = multiplier // 2, shift - 1
            found.append((multiplier, shift - 31 * self.twice))
        multipliers, shifts = np.array(found, np.int64).T
        return multipliers, shifts

    def forward(self, x):
        y = torch.round(x.detach().double() * 2.0 ** int(self.in_frac)).long()
        along = (-1, *[1] * (x.dim() - 2))
        multiplier, shift = (torch.from_numpy(n).to(x.device).view(along) for n in self.integers)
        if self.twice:
            y = y << (-shift).clamp(min=0)
            y = ((y * multiplier + (1 << 30)) >> 31).clamp(max=(1 << 31) - 1)
            shift = shift.clamp(min=0)
            half = (torch.ones_like(shift) << shift) >> 1
            y = (y + half - ((y < 0) & (shift > 0)).long()) >> shift
        else:
            y = (y * multiplier + ((torch.ones_like(shift) << shift) >> 1)) >> shift
        fmt, step = self.format, 2.0 ** -int(self.frac)
        scale = torch.tensor(self.scale, dtype=x.dtype, device=x.device).view(along)
        bounded = torch.clamp(x * scale, fmt.min * step, fmt.max * step)
        return passed(bounded, y.clamp(fmt.min, fmt.max) * step)

    def extra_repr(self):
        return (f"{self.bits}, scale={self.scale}, frac={int(self.frac)},"
                f" in_frac={int(self.in_frac)}, signed={self.signed}, twice={self.twice},"
                f" multiplier_bits={self.multiplier_bits}")
