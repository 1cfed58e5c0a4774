"""Rounding shifts and saturation on int64 arrays: the one definition golden and export share."""

import numpy as np

from .errors import SpecError
from .formats import Format

__all__ = ["ROUNDINGS", "round_shift", "saturate"]

ROUNDINGS = ("half_up", "half_even", "floor", "toward_zero")
"""half_up: ties towards +infinity. half_even: ties to the even quotient. floor: towards
-infinity. toward_zero: drops the fraction."""


def round_shift(x, shift: int, rounding: str) -> np.ndarray:
    """``x / 2**shift`` rounded to an integer, in int64; ``shift`` >= 0.

    The caller proves ``abs(x) + 2**shift < 2**63``.
    """
    if rounding not in ROUNDINGS:
        raise SpecError(f"rounding must be one of {list(ROUNDINGS)}, not {rounding!r}")
    if shift < 0:
        raise SpecError(f"shift must be at least 0, not {shift}")
    values = np.asarray(x, dtype=np.int64)
    if shift == 0:
        return values
    if rounding == "floor":
        return values >> shift
    if rounding == "toward_zero":
        return (values + np.where(values < 0, (1 << shift) - 1, 0)) >> shift
    half = 1 << (shift - 1)
    if rounding == "half_up":
        return (values + half) >> shift
    odd_quotient = (values >> shift) & 1
    return (values + (half - 1) + odd_quotient) >> shift


def saturate(x, fmt: Format) -> np.ndarray:
    """``x`` clipped to the range of ``fmt``; never wraps."""
    return np.clip(np.asarray(x, dtype=np.int64), fmt.min, fmt.max)
