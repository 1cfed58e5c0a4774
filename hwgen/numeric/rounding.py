"""Rounding shifts and saturation on int64 arrays: the one definition golden and export share."""

import numpy as np

from .errors import SpecError
from .formats import Fixed
from .integers import as_int, as_int64

__all__ = ["MAX_SHIFT", "ROUNDINGS", "round_shift", "saturate"]

ROUNDINGS = ("half_up", "half_even", "floor", "toward_zero")
"""half_up: ties towards +infinity. half_even: ties to the even quotient. floor: towards
-infinity. toward_zero: drops the fraction."""

MAX_SHIFT = 60
"""Largest shift: rounding adds up to ``2**shift``, and the sum must stay far inside int64."""


def round_shift(x, shift: int, rounding: str) -> np.ndarray:
    """``x / 2**shift`` rounded to an integer, int64; exact for every ``x``.

    ``shift`` is in ``0 .. MAX_SHIFT``; ``rounding`` is one of :data:`ROUNDINGS`.
    """
    if rounding not in ROUNDINGS:
        raise SpecError(f"rounding must be one of {list(ROUNDINGS)}, not {rounding!r}")
    shift = as_int(shift, "shift")
    if not 0 <= shift <= MAX_SHIFT:
        raise SpecError(f"shift must be in 0..{MAX_SHIFT}, not {shift}")
    values = as_int64(x, "values")
    floor = values >> shift
    return floor + _carry(rounding, values - (floor << shift), floor, shift)


def _carry(rounding, rest, floor, shift):
    """0 or 1 to add to ``floor``, given the ``rest`` in ``0 .. 2**shift - 1``."""
    half = (1 << shift) // 2
    if rounding == "floor" or shift == 0:
        return np.int64(0)
    if rounding == "toward_zero":
        return ((floor < 0) & (rest > 0)).astype(np.int64)
    tie_up = floor & 1 if rounding == "half_even" else 1
    return ((rest > half) | ((rest == half) & (tie_up == 1))).astype(np.int64)


def saturate(x, fmt: Fixed) -> np.ndarray:
    """int64 ``x`` clipped to the range of ``fmt``; never wraps.

    Only of a Fixed format is every integer between the smallest and the largest a value.
    """
    if not isinstance(fmt, Fixed):
        raise TypeError(f"saturation format must be Fixed, not {fmt!r}")
    return np.clip(as_int64(x, "values"), fmt.min, fmt.max)
