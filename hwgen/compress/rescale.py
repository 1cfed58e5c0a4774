"""Real scales by an integer multiplier and a shift: what affine inference is made of."""

from fractions import Fraction
from functools import lru_cache
from numbers import Real

import numpy as np
import torch

from hwgen.numeric import DOUBLING_HIGH, MAX_SHIFT, SCALINGS, SpecError, as_int, scale_of

from .activation import Bounded
from .layer import within
from .straight import passed

__all__ = ["QuantRescale"]

DOUBLING_SHIFT = 31
"""Of the high half that is taken before the shift; the shift itself is at most as long."""


class QuantRescale(Bounded):
    """``(clamp(round(leaky(x) * scale * 2**frac) + z, least, most) - z) * 2**-frac`` in integers.

    Integer-only affine inference (Jacob et al., arXiv 1712.05877): the real ``scale``, of the
    tensor or of each channel, becomes a multiplier of ``multiplier_bits`` bits, off by at most
    ``2**-multiplier_bits`` of itself (:func:`hwgen.numeric.scale_of`). With ``doubling_high`` the
    result is that of gemmlowp and TFLite bit for bit: saturating rounding doubling high multiply of
    int32, then a rounding shift; else the one exact product rounded once. The forward computes
    these very integers in int64; the gradient is that of the real function within the bounds.

    Where all steps are 1 (``frac = 0``), ``scale`` is ``S_1 S_2 / S_3`` of that paper's eq. 5.

    Parameters
    ----------
    bits : int                  1..16
    scale : number or sequence of numbers
        Positive; with ``doubling_high`` also 0, of channels that are always 0, or below.
    frac : int                  fraction bits of the result
    in_frac : int or sequence of ints
        Of the input, or of each of its channels; :func:`~hwgen.compress.calibrate` sets it.
    rounding : str              one of :data:`hwgen.numeric.SCALINGS`
    multiplier_bits : int       31 with ``doubling_high``, else 1..31
    tolerance : number, optional
        Largest relative error of a multiplier to take; 0 where it must be exact.
    signed, slope_shift, low, high, zero_point
        As of :class:`~hwgen.compress.activation.Bounded`: of the result, as of QuantActivation.

    Raises
    ------
    TypeError    If a scale or the tolerance is no number.
    SpecError    On use, if no multiplier and shift reproduce a scale.
    """

    def __init__(self, bits: int, scale, *, frac: int = 0, in_frac=0, signed: bool = False,
                 rounding: str = DOUBLING_HIGH, multiplier_bits: int = 31, tolerance=None,
                 slope_shift: int = 0, low: float | None = None, high: float | None = None,
                 zero_point: int = 0):
        if rounding not in SCALINGS:
            raise SpecError(f"QuantRescale: rounding must be one of {list(SCALINGS)}, not"
                            f" {rounding!r}")
        super().__init__(bits, frac=frac, signed=signed, slope_shift=slope_shift, low=low,
                         high=high, zero_point=zero_point)
        self.rounding = rounding
        self.multiplier_bits = within("QuantRescale: multiplier_bits", multiplier_bits, 1, 31)
        if self.is_doubling and multiplier_bits != 31:
            raise SpecError(f"QuantRescale: multiplier_bits must be 31 with rounding"
                            f" 'doubling_high', which multiplies int32, not {multiplier_bits}:"
                            f" round once, by 'half_up', for shorter multipliers")
        self.tolerance = _tolerance(tolerance)
        # Not a buffer: a module that is taken to another precision keeps its scales.
        self.scale = _scales(scale)
        for what, number in self._named_scales():
            self._check_sign(what, number)
        fracs = in_frac if np.ndim(in_frac) else [in_frac]
        fracs = [as_int(n, "QuantRescale: in_frac") for n in fracs]
        self.register_buffer("in_frac", torch.tensor(fracs if np.ndim(in_frac) else fracs[0]))

    @property
    def is_doubling(self) -> bool:
        """Whether it rounds twice."""
        return self.rounding == DOUBLING_HIGH

    def _named_scales(self):
        for k, number in enumerate(self.scale):
            yield f"scale of channel {k}" if len(self.scale) > 1 else "scale", number

    def _check_sign(self, what, number):
        if number <= 0 and not self.is_doubling:
            raise SpecError(f"QuantRescale: {what} must be above 0 with rounding"
                            f" {self.rounding!r}, not {number}: only 'doubling_high' takes 0, of a"
                            f" channel that is always 0, and negative scales")
        if number < 0 and self.slope_shift:
            raise SpecError(f"QuantRescale: {what} must be at least 0 beside a slope_shift, not"
                            f" {number}: the slope is of negative inputs")

    @property
    def integers(self) -> tuple[np.ndarray, np.ndarray]:
        """Multipliers and shifts of the Requantise, int64 (1,) or (n,) each."""
        steps = np.atleast_1d(int(self.frac) - self.in_frac.cpu().numpy()).tolist()
        multipliers, shifts = _integers(self.scale, tuple(steps), self.is_doubling,
                                        self.multiplier_bits, self.slope_shift, self.tolerance)
        return np.array(multipliers, np.int64), np.array(shifts, np.int64)

    def require_channels(self, n: int) -> None:
        """SpecError unless there is one scale, and one ``in_frac``, for all or each of ``n``."""
        for what, found in (("scale", len(self.scale)), ("in_frac", self.in_frac.numel())):
            if found not in (1, n):
                raise SpecError(f"{what} must be one or {n}, the channels of its input, not"
                                f" {found}")

    def forward(self, x):
        self.require_channels(x.shape[min(1, x.dim() - 1)])
        along = (-1, *[1] * (x.dim() - 2))
        y = torch.round(x.detach().double() * 2.0 ** self.in_frac.double().view(along)).long()
        multiplier, shift = (torch.from_numpy(n).to(x.device).view(along) for n in self.integers)
        slope = (y < 0).long() * self.slope_shift
        if self.is_doubling:
            y = ((y << (-shift).clamp(min=0)) * multiplier + (1 << 30)) >> DOUBLING_SHIFT
            y = _shifted(y.clamp(max=(1 << 31) - 1), shift.clamp(min=0) + slope, "half_away")
        else:
            y = _shifted(y * multiplier, shift + slope, self.rounding)
        step, (least, most) = 2.0 ** -int(self.frac), (n - self.zero_point for n in self.bounds)
        scale = torch.tensor(self.scale, dtype=x.dtype, device=x.device).view(along)
        bounded = torch.clamp(self._leaky(x) * scale, least * step, most * step)
        return passed(bounded, y.clamp(least, most) * step)

    def _load_from_state_dict(self, state, prefix, *args):
        # Fraction bits may be one or of each channel.
        if (saved := state.get(f"{prefix}in_frac")) is not None:
            self.in_frac = torch.zeros_like(saved)
        super()._load_from_state_dict(state, prefix, *args)

    def extra_repr(self):
        return (f"{super().extra_repr()}, scale={self.scale}, in_frac={self.in_frac.tolist()},"
                f" rounding={self.rounding!r}, multiplier_bits={self.multiplier_bits}")


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _scales(scale) -> tuple[float, ...]:
    """``scale`` as finite floats, one or more."""
    values = scale.tolist() if isinstance(scale, np.ndarray | torch.Tensor) else scale
    values = list(values) if isinstance(values, list | tuple) else [values]
    if not all(map(_is_number, values)):
        raise TypeError(f"QuantRescale: scale must be a number, or one for each channel, not"
                        f" {scale!r}")
    if not values:
        raise SpecError("QuantRescale: scale must be a number, or one for each channel, not an"
                        " empty sequence")
    for k, value in enumerate(values):
        if not np.isfinite(float(value)):
            what = f"scale of channel {k}" if len(values) > 1 else "scale"
            raise SpecError(f"QuantRescale: {what} must be finite, not {float(value)}")
    return tuple(map(float, values))


def _tolerance(tolerance):
    if tolerance is None:
        return None
    if not _is_number(tolerance):
        raise TypeError(f"QuantRescale: tolerance must be a number, not {tolerance!r}")
    if not 0 <= tolerance < float("inf"):
        raise SpecError(f"QuantRescale: tolerance must be a relative error of at least 0, not"
                        f" {tolerance!r}")
    return tolerance


@lru_cache(maxsize=256)
def _integers(scales, steps, is_doubling, bits, slope, tolerance):
    """Multipliers and shifts of ``scales * 2**steps``, one or of each channel."""
    n, found = max(len(scales), len(steps)), []
    for k in range(n):
        scale, step = scales[k % len(scales)], steps[k % len(steps)]
        most = (2 * DOUBLING_SHIFT if is_doubling else MAX_SHIFT) - slope
        if scale == 0:
            found.append((0, 0))
            continue
        what = f"scale of channel {k}" if len(scales) > 1 else "scale"
        multiplier, shift, _ = scale_of(Fraction(scale) * (1 if scale > 0 else -1), bits=bits,
                                        tolerance=tolerance, what=what, shifts=(0, most), frac=step)
        while not is_doubling and multiplier % 2 == 0 and shift:
            multiplier, shift = multiplier // 2, shift - 1
        found.append((multiplier if scale > 0 else -multiplier,
                      shift - DOUBLING_SHIFT * is_doubling))
    return tuple(zip(*found, strict=True))


def _shifted(x, shift, rounding: str):
    """``x / 2**shift`` of int64 rounded to an integer; ``shift`` broadcasts with it."""
    whole, is_negative = torch.ones_like(shift) << shift, (x < 0).long()
    half = whole >> 1
    if rounding == "half_up":
        x = x + half
    elif rounding == "half_away":
        x = x + half - is_negative * (shift > 0)
    elif rounding == "half_even":
        x = x + (half - 1 + (x >> shift & 1)) * (shift > 0)
    elif rounding == "toward_zero":
        x = x + is_negative * (whole - 1)
    return x >> shift
