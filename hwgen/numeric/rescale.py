"""Multiplication by a real scale in integers: a multiplier and a shift, rounded once or twice."""

from fractions import Fraction
from numbers import Rational, Real
from typing import NamedTuple

import numpy as np

from .errors import SpecError
from .integers import as_int, as_int64
from .rounding import MAX_SHIFT, ROUNDINGS, round_shift

__all__ = ["DOUBLING_HIGH", "INT32", "SCALINGS", "Scale", "doubling_high", "rescale",
           "scale_of"]

DOUBLING_HIGH = "doubling_high"
"""Rounded twice, as gemmlowp and the integer-only inference of arXiv 1712.05877 do: see
:func:`rescale`."""

SCALINGS = (*ROUNDINGS, DOUBLING_HIGH)
"""How :func:`rescale` may round."""

INT32 = (-(1 << 31), (1 << 31) - 1)
"""Least and most of what :func:`doubling_high` takes and gives."""


def doubling_high(x, multiplier) -> np.ndarray:
    """``saturate(floor(x * multiplier / 2**31 + 1/2))``: the high half of the doubled product.

    "Saturating rounding doubling high multiply" of two int32, ARM's SQRDMULH. Ties go towards
    +infinity. Only ``-2**31 * -2**31`` leaves int32, and gives ``2**31 - 1``.

    Parameters
    ----------
    x, multiplier : integers in int32 that broadcast

    Returns
    -------
    int64, of values in int32
    """
    x, multiplier = as_int64(x, "x"), as_int64(multiplier, "multiplier")
    for what, values in (("x", x), ("multiplier", multiplier)):
        outside = np.extract((values < INT32[0]) | (values > INT32[1]), values)
        if outside.size:
            raise SpecError(f"{what} must fit int32, not reach {int(outside[0])}")
    # At most 2**62 and a half: int64 holds it.
    return np.minimum((x * multiplier + (1 << 30)) >> 31, INT32[1])


def rescale(x, multiplier, shift, rounding: str, slope_shift: int = 0) -> np.ndarray:
    """``x * multiplier / 2**shift`` as an integer; negative ``x`` by ``2**slope_shift`` more.

    Rounded once as ``rounding`` says. For :data:`DOUBLING_HIGH`, where the scale is
    ``multiplier * 2**(-31 - shift)``, rounded twice:
    ``round(doubling_high(x * 2**-min(shift, 0), multiplier) / 2**max(shift, 0))``, the second time
    ``half_away`` ("rounding divide by power of two").

    ``multiplier`` and ``shift`` broadcast with the int64 ``x``. The caller has proven that products
    stay inside int64, or for DOUBLING_HIGH shifted ``x`` inside int32.
    """
    x, shift = as_int64(x, "x"), as_int64(shift, "shift")
    slope = np.where(x < 0, slope_shift, 0)
    if rounding != DOUBLING_HIGH:
        return round_shift(x * multiplier, shift + slope, rounding)
    high = doubling_high(x << np.maximum(-shift, 0), multiplier)
    return round_shift(high, np.maximum(shift, 0) + slope, "half_away")


class Scale(NamedTuple):
    """``multiplier / 2**shift`` stands for a real scale.

    Members
    -------
    multiplier, shift : int
    error : Fraction    exact ``abs(multiplier / 2**shift / scale - 1)``
    """

    multiplier: int
    shift: int
    error: Fraction


def scale_of(scale: float, *, bits: int = 31, shifts: tuple[int, int] = (0, MAX_SHIFT),
             tolerance=None, what: str = "scale", frac: int = 0) -> Scale:
    """The multiplier of ``bits`` bits and the shift that stand for ``scale * 2**frac``.

    The multiplier is in ``2**(bits - 1) .. 2**bits - 1``, the nearest one, so that the relative
    error is at most ``2**-bits`` (Jacob et al., arXiv 1712.05877, eq. 6).

    Parameters
    ----------
    scale : float               positive; messages speak of it, whatever ``frac``
    bits : int                  1..31
    shifts : (least, most)      of a format's shift
    tolerance : number, optional
        Largest relative error to take; 0 where the scale must be met exactly. The bound above
        unless given.
    frac : int
        By how many fraction bits more the result has than what is multiplied.

    Raises
    ------
    SpecError    If no such multiplier and shift reproduce the scale.
    TypeError    If ``scale`` or ``tolerance`` is no number.
    """
    bits = as_int(bits, f"{what}: bits")
    if not 1 <= bits <= 31:
        raise SpecError(f"{what}: bits must be in 1..31, not {bits}")
    bound = Fraction(1, 1 << bits) if tolerance is None else _exact(tolerance, f"{what}: tolerance")
    if bound < 0:
        raise SpecError(f"{what}: tolerance must be a relative error of at least 0, not"
                        f" {tolerance!r}")
    exact = _exact(scale, what)
    if exact <= 0:
        raise SpecError(f"{what} must be a finite number above 0, not {float(scale)!r}")
    exact *= Fraction(2) ** frac
    # The power of two for which exact * 2**shift is in 2**(bits - 1) .. 2**bits.
    shift = bits - (exact.numerator.bit_length() - exact.denominator.bit_length())
    shift -= exact * Fraction(2) ** shift >= 1 << bits
    multiplier = round(exact * Fraction(2) ** shift)
    if multiplier == 1 << bits:
        multiplier, shift = multiplier >> 1, shift - 1
    error = abs(multiplier / Fraction(2) ** shift / exact - 1)
    least, most = shifts
    if not least <= shift <= most:
        low, high = (f"2**{bits - 1 - most - frac}", f"2**{bits - least - frac}")
        raise SpecError(f"{what} must be in {low} .. {high}, which a multiplier of {bits} bits and"
                        f" a shift in {least}..{most} reproduce, not {float(scale)!r}")
    if error > bound:
        raise SpecError(f"{what} must be reproduced within {float(bound):.3g}, which no multiplier"
                        f" of {bits} bits does: the nearest, {multiplier} / 2**{shift + frac}, is"
                        f" {float(error):.3g} off {float(scale)!r}; allow more bits or a larger"
                        f" tolerance")
    return Scale(multiplier, shift, error)


def _exact(value, what: str) -> Fraction:
    """A real number as the fraction that it is."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{what} must be a number, not {value!r}")
    if not isinstance(value, Rational):
        value = float(value)
        if not np.isfinite(value):
            raise SpecError(f"{what} must be a finite number above 0, not {value!r}")
    return Fraction(value)
