"""Rounding shifts and saturation on int64 arrays: the one definition golden and export share."""

import numpy as np

from .errors import SpecError
from .formats import Fixed
from .integers import as_int, as_int64

__all__ = ["MAX_SHIFT", "ROUNDINGS", "round_shift", "saturate"]

ROUNDINGS = ("half_up", "half_even", "half_away", "floor", "toward_zero")
"""half_up: ties towards +infinity. half_even: ties to the even quotient. half_away: ties away from
zero. floor: towards -infinity. toward_zero: drops the fraction."""

MAX_SHIFT = 60
"""Largest shift: rounding adds up to ``2**shift``, and the sum must stay far inside int64."""


def round_shift(x, shift, rounding: str) -> np.ndarray:
    """``x / 2**shift`` rounded to an integer, int64; exact for every ``x``.

    ``shift``, an int or an array of them that broadcasts with ``x``, is in ``0 .. MAX_SHIFT``;
    ``rounding`` is one of :data:`ROUNDINGS`.
    """
    if rounding not in ROUNDINGS:
        raise SpecError(f"rounding must be one of {list(ROUNDINGS)}, not {rounding!r}")
    shift = as_int64(shift, "shift") if np.ndim(shift) else np.int64(as_int(shift, "shift"))
    outside = np.extract((shift < 0) | (shift > MAX_SHIFT), shift)
    if outside.size:
        raise SpecError(f"shift must be in 0..{MAX_SHIFT}, not {int(outside[0])}")
    values = as_int64(x, "values")
    floor = values >> shift
    return floor + _carry(rounding, values - (floor << shift), floor, shift)


def _carry(rounding, rest, floor, shift):
    """0 or 1 to add to ``floor``, given the ``rest`` in ``0 .. 2**shift - 1``."""
    if rounding == "floor":
        return np.int64(0)
    if rounding == "toward_zero":
        return ((floor < 0) & (rest > 0)).astype(np.int64)
    twice, whole = 2 * rest, np.int64(1) << shift
    ties_up = {"half_up": True, "half_even": floor & 1 == 1, "half_away": floor >= 0}[rounding]
    # Without a shift nothing is left, and nothing is a tie.
    return ((twice > whole) | ((twice == whole) & ties_up)).astype(np.int64)


def saturate(x, fmt: Fixed) -> np.ndarray:
    """int64 ``x`` clipped to the range of ``fmt``; never wraps.

    Only of a Fixed format is every integer between the smallest and the largest a value.
    """
    if not isinstance(fmt, Fixed):
        raise TypeError(f"saturation format must be Fixed, not {fmt!r}")
    return np.clip(as_int64(x, "values"), fmt.min, fmt.max)
