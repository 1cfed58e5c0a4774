"""Sigmoid, tanh and exp by table or straight lines: the forward gives exactly their values."""

from functools import lru_cache

import torch

from hwgen.numeric import (
    ERROR_UNIT,
    MAX_TABLE_BITS,
    Fixed,
    Lines,
    as_int,
    piecewise_of,
    table_of,
)

from .fixed import MAX_BITS
from .layer import Layer, within
from .straight import passed

__all__ = ["QuantExp", "QuantSigmoid", "QuantTanh", "TableLayer"]


@lru_cache(maxsize=64)
def _along(lines: Lines, fmt: Fixed) -> tuple[int, ...]:
    """The result of every input of ``lines``."""
    return tuple(
        min(max((base + slope * place + (1 << lines.shift - 1)) >> lines.shift, fmt.min), fmt.max)
        for base, slope in zip(lines.bases, lines.slopes, strict=True)
        for place in range(lines.length))


class TableLayer(Layer):
    """``values[clamp(round_half_up(x * 2**in_frac))] * 2**-frac``.

    The input is rounded to ``in_bits`` bits, sign included, with ``in_frac`` of them fraction;
    the integers are those of :func:`hwgen.numeric.table_of`, correctly rounded without torch. The
    gradient is that of the real function, and 0 where the input saturates.

    Parameters
    ----------
    bits, frac : int            of the result
    in_bits, in_frac : int      of the input; at most 12 bits, 16 with ``segments``
    segments : int, optional
        By so many straight lines instead (:func:`hwgen.numeric.piecewise_of`).
    """

    function: str
    signed: bool

    def __init__(self, bits: int, *, frac: int, in_bits: int, in_frac: int,
                 segments: int | None = None):
        super().__init__()
        name = type(self).__name__
        self.bits = within(f"{name}: bits", bits, 1, MAX_BITS)
        self.in_bits = within(f"{name}: in_bits", in_bits, 2, MAX_BITS if segments else
                              MAX_TABLE_BITS)
        self.segments = segments
        self.frac, self.in_frac = as_int(frac, f"{name}: frac"), as_int(in_frac, f"{name}: in_frac")
        len(self.values)        # what has no table is refused here

    @property
    def in_format(self) -> Fixed:
        return Fixed(self.in_bits, self.in_frac, True)

    @property
    def format(self) -> Fixed:
        """Of the result."""
        return Fixed(self.bits, self.frac, self.signed)

    @property
    def values(self) -> tuple[int, ...]:
        """The result of every input, the smallest first."""
        lines, fmt = self.lines, self.format
        if lines is None:
            return table_of(self.function, self.in_format, fmt)[0]
        return _along(lines, fmt)

    @property
    def lines(self) -> Lines | None:
        """The straight lines, where it has those."""
        if self.segments is None:
            return None
        return piecewise_of(self.function, self.in_format, self.format, self.segments)

    @property
    def error(self) -> int:
        """Bound of the error of every entry, in 2**-16 of a step of the result."""
        if self.lines is not None:
            return self.lines.error
        return table_of(self.function, self.in_format, self.format)[1]

    def forward(self, x):
        fmt, step = self.in_format, 2.0 ** -self.in_frac
        index = torch.clamp(torch.floor(x.detach() / step + 0.5), fmt.min, fmt.max).long() - fmt.min
        values = torch.tensor(self.values, dtype=x.dtype, device=x.device)[index]
        real = getattr(torch, self.function)(torch.clamp(x, fmt.min * step, fmt.max * step))
        return passed(real, values * 2.0 ** -self.frac)

    def extra_repr(self):
        return (f"{self.bits}, frac={self.frac}, in_bits={self.in_bits}, in_frac={self.in_frac},"
                f" segments={self.segments}, error={self.error / ERROR_UNIT:.4f} steps")


class QuantSigmoid(TableLayer):
    """``1 / (1 + exp(-x))``, unsigned."""

    function, signed = "sigmoid", False


class QuantTanh(TableLayer):
    """Hyperbolic tangent, signed."""

    function, signed = "tanh", True


class QuantExp(TableLayer):
    """``exp(x)``, unsigned; saturates where it does not fit."""

    function, signed = "exp", False
