"""Sigmoid, tanh and exp as tables of integers, correctly rounded on every machine."""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from .errors import SpecError
from .formats import Fixed

__all__ = ["ERROR_UNIT", "FUNCTIONS", "Lines", "MAX_TABLE_BITS", "piecewise_of", "table_of"]

ERROR_UNIT = 1 << 16
"""Errors are stated in this part of a step of the result."""

MAX_TABLE_BITS = 12
"""Widest input of a table: 4096 entries."""

MAX_PIECEWISE_BITS = 16
"""Widest input of straight lines, so that the error is that of every input, each looked at."""

GUARD_BITS = 4
"""Bits beyond those of a segment that slopes and bases have below the result's step."""

MAX_FRAC = 32
"""Most fraction bits, so that every input is an exact decimal of far fewer than 60 digits."""

_DIGITS = Context(prec=60)
_DOUBT = Decimal(10) ** -30


def _sigmoid(x):
    return _DIGITS.divide(1, 1 + _DIGITS.exp(-x))


def _tanh(x):
    return _DIGITS.subtract(1, _DIGITS.divide(2, _DIGITS.add(_DIGITS.exp(2 * x), 1)))


FUNCTIONS = {"sigmoid": _sigmoid, "tanh": _tanh, "exp": _DIGITS.exp}
"""Name -> the real function on a Decimal, to 59 digits: ``decimal`` rounds exp correctly."""


def _exact(function, n, x, y) -> Decimal:
    """``f(n * 2**-x.frac) * 2**y.frac``."""
    argument = _DIGITS.divide(Decimal(n), Decimal(1 << x.frac))
    return _DIGITS.multiply(FUNCTIONS[function](argument), Decimal(1 << y.frac))


def _require(function, x, y, bits) -> None:
    if function not in FUNCTIONS:
        raise SpecError(f"function must be one of {list(FUNCTIONS)}, not {function!r}")
    if x.bits > bits:
        raise SpecError(f"input of a table must have at most {bits} bits, not {x}")
    for fmt in (x, y):
        if not 0 <= fmt.frac <= MAX_FRAC:
            raise SpecError(f"fraction bits of a table must be in 0..{MAX_FRAC}, not {fmt.frac}")


@lru_cache(maxsize=64)
def table_of(function: str, x: Fixed, y: Fixed) -> tuple[tuple[int, ...], int]:
    """``saturate(round_half_even(f(n * 2**-x.frac) * 2**y.frac))`` of every ``n`` of ``x``.

    Evaluated to 59 digits. Of rational inputs other than 0 the functions are transcendental
    (Lindemann), so none is a tie, and it is checked that none is as near to one as 59 digits leave
    in doubt: the integers are the same everywhere.

    Returns
    -------
    values : tuple of int       of the smallest input first
    error : int
        Bound of ``abs(value - exact)`` over all inputs, in steps of ``y`` over
        :data:`ERROR_UNIT`, rounded up. Where the exact one is more than a step outside ``y``, the
        value saturates and does not count.

    Raises
    ------
    SpecError    If the function is unknown, ``x`` has more than 12 bits, or a fraction is too long.
    """
    _require(function, x, y, MAX_TABLE_BITS)
    values, worst = [], Decimal(0)
    for n in range(x.min, x.max + 1):
        exact = _exact(function, n, x, y)
        if not y.min - 1 <= exact <= y.max + 1:
            values.append(y.min if exact < y.min else y.max)
            continue
        nearest = exact.to_integral_value(ROUND_HALF_EVEN)
        doubt = abs(abs(exact - nearest) - Decimal("0.5"))
        assert n == 0 or doubt > _DOUBT, (function, x, y, n)
        values.append(min(max(int(nearest), y.min), y.max))
        worst = max(worst, abs(exact - values[-1]))
    return tuple(values), int((worst * ERROR_UNIT).to_integral_value(ROUND_CEILING))


class Lines(NamedTuple):
    """Bases, slopes, length and shift of a :class:`~hwgen.ir.Piecewise`, and its error."""

    bases: tuple[int, ...]
    slopes: tuple[int, ...]
    length: int
    shift: int
    error: int


@lru_cache(maxsize=64)
def piecewise_of(function: str, x: Fixed, y: Fixed, segments: int) -> Lines:
    """Chords of ``f(n * 2**-x.frac) * 2**y.frac`` over ``segments`` equal parts of ``x``.

    Ends of the chords are the function to 59 digits, kept within a step of ``y``, then rounded to
    ``2**-shift`` of a step, ``shift`` being the bits of a place in a segment and 4 more. The error
    is the largest of all inputs, counted as :func:`table_of` does.

    Raises
    ------
    SpecError    If the function is unknown, ``x`` has more than 16 bits, a fraction is too long, or
                 ``segments`` is not a power of two from 2 to half the inputs.
    """
    _require(function, x, y, MAX_PIECEWISE_BITS)
    inputs = 1 << x.bits
    if segments < 2 or segments & (segments - 1) or segments > inputs // 2:
        raise SpecError(f"segments must be a power of two in 2..{inputs // 2}, not {segments}")
    length = inputs // segments
    shift = length.bit_length() - 1 + GUARD_BITS
    exact = [_exact(function, n, x, y) for n in range(x.min, x.max + 2)]
    knots = [min(max(value, Decimal(y.min - 1)), Decimal(y.max + 1)) for value in exact[::length]]
    bases = [int((knot * (1 << shift)).to_integral_value(ROUND_HALF_EVEN)) for knot in knots]
    slopes = [int((Decimal(high - low) / length).to_integral_value(ROUND_HALF_EVEN))
              for low, high in zip(bases, bases[1:], strict=False)]
    worst = Decimal(0)
    for n in range(inputs):
        if y.min - 1 <= exact[n] <= y.max + 1:
            total = bases[n // length] + slopes[n // length] * (n % length)
            value = min(max((total + (1 << shift - 1)) >> shift, y.min), y.max)
            worst = max(worst, abs(exact[n] - value))
    error = int((worst * ERROR_UNIT).to_integral_value(ROUND_CEILING))
    return Lines(tuple(bases[:-1]), tuple(slopes), length, shift, error)
