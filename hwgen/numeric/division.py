"""Division by any positive integer as a product and a shift, exact for all values up to a bound."""

from .errors import SpecError
from .integers import as_int
from .rounding import MAX_SHIFT

__all__ = ["division_of"]


def division_of(numerator: int, denominator: int, largest: int) -> tuple[int, int]:
    """``(multiplier, shift)`` that round ``x * numerator / denominator`` as exact division does.

    For every integer ``abs(x) <= largest`` the product ``x * multiplier / 2**shift``, rounded to
    the nearest integer with ties away from zero (``half_away``), is the quotient so rounded: an
    average is the correctly rounded one, not one of a scale that was rounded before.

    The multiplier is ``ceil(numerator * 2**shift / denominator)``, and the shift the smallest with
    which what this is too large by, times ``largest``, stays below ``1 / (2 * denominator)``: no
    quotient below a half is so near to it (Granlund and Montgomery, "Division by invariant integers
    using multiplication", 1994). A power of two is a plain shift.

    Raises
    ------
    SpecError   If a number is not positive (``largest`` not at least 0), or the shift would be
                beyond that of a Requantise.
    TypeError   If one is no integer.

    >>> division_of(1, 9, 9 * 15)
    (57, 9)
    >>> division_of(1, 4, 1000)
    (1, 2)
    """
    numerator, denominator, largest = (as_int(value, what) for value, what in (
        (numerator, "numerator"), (denominator, "denominator"), (largest, "largest")))
    for value, what, least in ((numerator, "numerator", 1), (denominator, "denominator", 1),
                               (largest, "largest", 0)):
        if value < least:
            raise SpecError(f"{what} must be at least {least}, not {value}")
    for shift in range(MAX_SHIFT + 1):
        multiplier = -(-(numerator << shift) // denominator)
        over = multiplier * denominator - (numerator << shift)
        if 2 * largest * over < 1 << shift:
            return multiplier, shift
    raise SpecError(f"division of values up to {largest} by {denominator} / {numerator} must need a"
                    f" shift of at most {MAX_SHIFT}, which it does not")
