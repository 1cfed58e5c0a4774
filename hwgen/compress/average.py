"""Average pools whose quotients are rounded once, exactly."""

import torch
from torch.nn import functional as F

from hwgen.numeric import Fixed, SpecError, as_int

from .conv import pair
from .fixed import MAX_BITS, best_frac
from .layer import Layer, within
from .straight import passed

__all__ = ["QuantAvgPool2d"]


class QuantAvgPool2d(Layer):
    """``clamp(round(mean(x) * 2**frac)) * 2**-frac`` of each channel in each window of a map.

    The sum of the window is exact, and its quotient is rounded once, to the nearest, ties away from
    zero: the correctly rounded average, whatever the number of elements. Hardware computes it by a
    multiplier and a shift that give the same for every sum that may come
    (:func:`hwgen.numeric.division_of`). Rows and columns left over at the far edges are not used,
    as in torch. The gradient is that of the real average within the bounds.

    Of affine values (arXiv 1712.05877) with ``zero_point`` the integers themselves are averaged, as
    TFLite does: ties are rounded away from the integer 0, and result and input have one step and
    one zero point. Without, an affine input's zero point is taken off before.

    Parameters
    ----------
    size : int, (ph, pw) or None        None is the whole map: a global average
    stride : int, (sh, sw) or None      the size unless given; smaller where windows overlap
    bits : int                          1..16
    frac, in_frac : int                 fraction bits of result and input; calibrate sets them
    signed : bool
    zero_point : int                    the integer that stands for 0, in input and result
    """

    def __init__(self, size, *, bits: int, stride=None, frac: int = 0, in_frac: int = 0,
                 signed: bool = False, zero_point: int = 0):
        super().__init__()
        name = type(self).__name__
        self.size = None if size is None else pair(f"{name}: size", size, 1)
        self.stride = None if stride is None else pair(f"{name}: stride", stride, 1)
        self.bits, self.signed = within(f"{name}: bits", bits, 1, MAX_BITS), bool(signed)
        self.register_buffer("frac", torch.tensor(as_int(frac, f"{name}: frac")))
        self.register_buffer("in_frac", torch.tensor(as_int(in_frac, f"{name}: in_frac")))
        fmt = self.format
        self.zero_point = within(f"{name}: zero_point", zero_point, fmt.min, fmt.max)

    @property
    def format(self) -> Fixed:
        """Of the result."""
        return Fixed(self.bits, int(self.frac), self.signed)

    def windows(self, spatial) -> tuple[tuple[int, int], tuple[int, int]]:
        """Size and stride on a map ``(h, w)``."""
        size = self.size or tuple(spatial)
        return size, self.stride or size

    def ratio(self, size) -> tuple[int, int]:
        """``(numerator, denominator)``: by which an integer sum is an integer of the result."""
        further = int(self.frac) - int(self.in_frac)
        return 1 << max(further, 0), size[0] * size[1] << max(-further, 0)

    def require_one_step(self) -> None:
        """SpecError unless input and result have one step, as beside a zero point."""
        if int(self.frac) != int(self.in_frac):
            raise SpecError(f"frac must be in_frac = {int(self.in_frac)} beside a zero_point, not"
                            f" {int(self.frac)}: run hwgen.compress.calibrate before training")

    def forward(self, x):
        zero = self.zero_point
        if zero:
            self.require_one_step()
        size, stride = self.windows(x.shape[2:])
        sums = F.avg_pool2d(x, size, stride, divisor_override=1)
        numerator, denominator = self.ratio(size)
        n = torch.round(sums.detach().double() * 2.0 ** int(self.in_frac)).long()
        n = n + zero * size[0] * size[1]
        quotient = torch.sign(n) * ((2 * n.abs() * numerator + denominator) // (2 * denominator))
        fmt, step = self.format, 2.0 ** -int(self.frac)
        bounded = torch.clamp(sums / (size[0] * size[1]), (fmt.min - zero) * step,
                              (fmt.max - zero) * step)
        return passed(bounded, (quotient.clamp(fmt.min, fmt.max) - zero).to(x.dtype) * step)

    @torch.no_grad()
    def calibrate(self, x, rule: str = "least_squares") -> None:
        """Choose ``frac`` on samples ``x``; see :func:`~hwgen.compress.calibrate` for the rules.

        Beside a zero point it is that of the input.
        """
        if self.zero_point:
            self.frac.copy_(self.in_frac)
            return
        y, fmt = F.avg_pool2d(x, *self.windows(x.shape[2:])), self.format
        y = y.clamp(min=0) if fmt.min == 0 else y
        self.frac.fill_(best_frac(y, lambda v: torch.clamp(
            torch.floor(v + 0.5), fmt.min, fmt.max), self.bits - self.signed, rule))

    def extra_repr(self):
        return (f"{self.size}, stride={self.stride}, bits={self.bits}, frac={int(self.frac)},"
                f" in_frac={int(self.in_frac)}, signed={self.signed},"
                f" zero_point={self.zero_point}")
