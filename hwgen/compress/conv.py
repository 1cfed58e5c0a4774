"""Convolutions with integer weights: every kind of matrix layer, applied to windows of a map.

Maps are ``(batch, c, h, w)`` here, as everywhere in torch; in the exported network they are
``(h, w, c)``, channels last, as they travel in hardware.
"""

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import SpecError, as_int

from .fixed import QuantLinear
from .layer import Layer, within
from .linear import IntegerLinear
from .normalise import BatchNorm

__all__ = ["BatchNorm2d", "Convolution", "Flatten", "IntegerConv2d", "QuantConv2d",
           "QuantDepthwiseConv2d", "padding_of", "pair"]


def pair(what: str, value, low: int) -> tuple[int, int]:
    """``value``, or two of it, each at least ``low``."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2:
        raise SpecError(f"{what} must be an int or two, not {value!r}")
    return tuple(within(what, n, low) for n in both)


def padding_of(layer: nn.Conv2d) -> tuple[int, int]:
    """Rows and columns that a plain convolution adds at each side, ``valid`` and ``same`` too.

    Raises
    ------
    SpecError    If they are not zeros, or not the same at both sides.
    """
    if layer.padding_mode != "zeros":
        raise SpecError(f"padding_mode must be 'zeros', not {layer.padding_mode!r}")
    if layer.padding == "valid":
        return 0, 0
    if layer.padding != "same":
        return pair("padding", layer.padding, 0)
    total = [(k - 1) * apart for k, apart in zip(layer.kernel_size, layer.dilation, strict=True)]
    if any(n % 2 for n in total):
        raise SpecError(f"padding must be the same at both sides, not that of 'same' for a kernel"
                        f" of {tuple(layer.kernel_size)}")
    return tuple(n // 2 for n in total)


class Convolution(Layer):
    """Mixin before a matrix layer: ``(batch, c_in, h, w)`` to ``(batch, c_out, oh, ow)``.

    Exactly the matrix layer on each window, whose elements are in the order ``kh, kw, c_in``: so
    ``weight`` is of shape ``(c_out, kh * kw * c_in)``, and torch's own ``(c_out, c_in, kh, kw)``
    becomes it by ``w.permute(0, 2, 3, 1).flatten(1)``.

    Parameters
    ----------
    c_in, c_out : int
    kernel : int or (kh, kw)
    stride, dilation : int or (down, across)
    padding : int or (top and bottom, left and right)
    pad_value : int
        What stands beyond the map; to be stated as -1 or +1 where the map is of signs.
    args, options
        Those of the matrix layer.
    """

    def __init__(self, c_in: int, c_out: int, kernel, *args, stride=1, dilation=1, padding=0,
                 pad_value: int = 0, **options):
        name = type(self).__name__
        kernel = pair(f"{name}: kernel", kernel, 1)
        c_in = within(f"{name}: c_in", c_in, 1)
        super().__init__(kernel[0] * kernel[1] * self._inputs_of_a_tap(c_in), c_out, *args,
                         **options)
        self.c_in, self.kernel = c_in, kernel
        self.stride = pair(f"{name}: stride", stride, 1)
        self.dilation = pair(f"{name}: dilation", dilation, 1)
        self.padding = pair(f"{name}: padding", padding, 0)
        self.pad_value = as_int(pad_value, f"{name}: pad_value")

    @staticmethod
    def _inputs_of_a_tap(c_in: int) -> int:
        """Elements that an output reads of each pixel of a window."""
        return c_in

    def windows(self, x):
        """``(batch, oh, ow, kh * kw * c_in)`` of a map."""
        if x.dim() != 4 or x.shape[1] != self.c_in:
            raise SpecError(f"{type(self).__name__}: input must be maps (batch, {self.c_in}, h, w),"
                            f" not {tuple(x.shape)}")
        down, across = self.padding
        for what, size, added, k, apart in zip(("rows", "columns"), x.shape[2:], self.padding,
                                               self.kernel, self.dilation, strict=True):
            if size + 2 * added < (k - 1) * apart + 1:
                raise SpecError(f"{type(self).__name__}: map and padding must have at least the"
                                f" {(k - 1) * apart + 1} {what} of a window, not"
                                f" {size} + 2 * {added}")
        x = F.pad(x, (across, across, down, down), value=self.pad_value)
        for axis, (k, step, apart) in enumerate(
                zip(self.kernel, self.stride, self.dilation, strict=True), start=2):
            # Axes stay where they are; that of the window goes to the end.
            x = x.unfold(axis, (k - 1) * apart + 1, step)[..., ::apart]
        return x.permute(0, 2, 3, 4, 5, 1).flatten(3)

    def forward(self, x):
        windows = self.windows(x)
        y = super().forward(windows.flatten(0, 2))
        return y.unflatten(0, windows.shape[:3]).permute(0, 3, 1, 2)

    def extra_repr(self):
        return (f"{super().extra_repr()}, c_in={self.c_in}, kernel={self.kernel},"
                f" stride={self.stride}, dilation={self.dilation}, padding={self.padding},"
                f" pad_value={self.pad_value}")


class IntegerConv2d(Convolution, IntegerLinear):
    """Convolution with any kind of weights: ``IntegerConv2d(3, 8, 3, TwnWeights())``.

    What is common to a layer, or to an output, is so of all of the convolution, or of a filter.
    """


class QuantConv2d(Convolution, QuantLinear):
    """Convolution with fixed-point weights."""


class QuantDepthwiseConv2d(Convolution, QuantLinear):
    """Depthwise convolution with fixed-point weights: torch's with ``groups = channels``.

    Output ``k`` reads channel ``k // multiplier`` alone: ``weight`` is of shape
    ``(channels * multiplier, kh * kw)``, torch's own ``(channels * multiplier, 1, kh, kw)`` by
    ``w.flatten(1)``.

    Parameters
    ----------
    channels : int
    kernel : int or (kh, kw)
    multiplier : int        outputs of each channel
    options                 those of :class:`QuantConv2d`
    """

    def __init__(self, channels: int, kernel, *, multiplier: int = 1, **options):
        multiplier = within("QuantDepthwiseConv2d: multiplier", multiplier, 1)
        channels = within("QuantDepthwiseConv2d: channels", channels, 1)
        super().__init__(channels, channels * multiplier, kernel, **options)
        self.multiplier = multiplier

    @staticmethod
    def _inputs_of_a_tap(c_in: int) -> int:
        return 1

    def forward(self, x):
        bias, weight = self.integer_bias(), self.integer_weight() * 2.0 ** -int(self.frac)
        taps = self.windows(x).unflatten(3, (-1, self.c_in))        # (batch, oh, ow, taps, c)
        weight = weight.unflatten(0, (self.c_in, self.multiplier))  # (c, multiplier, taps)
        y = torch.einsum("bhwtc,cmt->bhwcm", taps, weight).flatten(3)
        if bias is not None:
            y = y + bias * 2.0 ** -self.out_frac
        return y.permute(0, 3, 1, 2)

    def extra_repr(self):
        return f"{super().extra_repr()}, multiplier={self.multiplier}"


class BatchNorm2d(BatchNorm):
    """:class:`BatchNorm` over the channels of maps ``(batch, c, h, w)``."""

    def forward(self, x):
        if x.dim() == 2:
            return super().forward(x)
        last = x.permute(0, 2, 3, 1)
        y = super().forward(last.flatten(0, 2))
        return y.unflatten(0, last.shape[:3]).permute(0, 3, 1, 2)


class Flatten(Layer):
    """``(batch, c, h, w)`` to ``(batch, h * w * c)``, channels last as in the exported network.

    ``torch.nn.Flatten`` has channels first: columns of a matrix trained behind it are put in order
    by ``weight.unflatten(1, (c, h, w)).permute(0, 2, 3, 1).flatten(1)``.
    """

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x
