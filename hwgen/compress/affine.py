"""Affine numbers ``real = S (q - Z)`` of any scale: weights and ranges of values, in float."""

import math

import torch
from torch.nn import functional as F

from hwgen.numeric import SpecError

from .average import QuantAvgPool2d
from .form import Form
from .layer import Layer, within
from .straight import passed

__all__ = ["WEIGHTS", "AffineAverage", "AffineRange", "AffineWeights", "average_of", "ranges_of"]

WEIGHTS = ("affine", "symmetric", "channel")
"""Grids of weights: of the layer with a zero point or without, of each output without."""


class AffineWeights(Form):
    """Weights on an affine grid: ``S (clamp(round(w / S) + Z, 1, 2**bits - 1) - Z)``.

    Of Jacob et al. (arXiv 1712.05877, eq. 12): ``S`` and ``Z`` follow from the least and the
    largest weight at each forward, the ends moved so that 0 is met exactly; the lowest code is
    left out, so that as int8 no weight is -128. The gradient passes the rounding.

    Parameters
    ----------
    bits : int     2..8
    kind : str     one of :data:`WEIGHTS`
    """

    made_by = "'integer-only'"

    def __init__(self, bits: int, kind: str):
        super().__init__()
        self.bits = within("AffineWeights: bits", bits, 2, 8)
        if kind not in WEIGHTS:
            raise SpecError(f"AffineWeights: kind must be one of {list(WEIGHTS)}, not {kind!r}")
        self.kind = kind

    @torch.no_grad()
    def grid(self, weight):
        """``(S, Z)``: the scale, (n_out,) or (1,), and the code of 0 of all, an int."""
        rows, half = weight.detach().flatten(1), (1 << self.bits - 1) - 1
        if self.kind != "affine":
            peak = rows.abs().amax(1) if self.kind == "channel" else rows.abs().max()[None]
            return torch.where(peak > 0, peak / half, 1.0), half + 1
        low, high = rows.min().clamp_max(0), rows.max().clamp_min(0)
        scale = (high - low)[None] / (2 * half)
        scale = torch.where(scale > 0, scale, 1.0)
        return scale, int(torch.round(1 - low / scale).clamp(1, 2 * half + 1))

    @torch.no_grad()
    def integers(self, weight):
        """``q - Z`` of each weight, in its shape and dtype, and the grid."""
        scale, zero = self.grid(weight)
        found = torch.round(weight / _along(scale, weight))
        return found.clamp(1 - zero, (1 << self.bits) - 1 - zero), scale, zero

    def forward(self, weight):
        integers, scale, _ = self.integers(weight)
        return passed(weight, integers * _along(scale, weight))

    def extra_repr(self):
        return f"{self.bits}, {self.kind!r}"


class AffineRange(Layer):
    """``S (clamp(round(x / S) + Z, 0, 2**bits - 1) - Z)`` within a running range of ``x``.

    The ends ``a``, ``b`` are exponential moving averages of the least and the largest value of each
    batch in training (arXiv 1712.05877, section 3.1), moved so that they hold 0 and meet it
    exactly: ``S = (b - a) / (2**bits - 1)``, ``Z = round(-a / S)``. In training nothing is rounded
    before ``start`` batches. With ``relu`` what is below 0 becomes 0, so ``a`` and ``Z`` are 0, and
    what is above ``most`` becomes that. The gradient is that of the real function within the range.

    Parameters
    ----------
    bits : int           1..16
    relu : bool
    most : float         such as 6, of a ReLU6; infinite unless given
    momentum : float     share of the old ends that stays with each batch

    Members
    -------
    start : int          batches that training leaves unrounded; of the training, not of the state
    """

    def __init__(self, bits: int, *, relu: bool, momentum: float, most: float = math.inf):
        super().__init__()
        self.bits, self.relu = within("AffineRange: bits", bits, 1, 16), bool(relu)
        self.momentum, self.most, self.start = float(momentum), float(most), 0
        for name in ("low", "high"):
            self.register_buffer(name, torch.tensor(0.0))
        self.register_buffer("seen", torch.tensor(0))

    @torch.no_grad()
    def observe(self, x, momentum: float) -> None:
        """Move the ends towards those of ``x``, keeping this share of the old ones."""
        for end, found in ((self.low, x.min().clamp_max(0)), (self.high, x.max().clamp_min(0))):
            end.mul_(momentum).add_((1 - momentum) * found)

    def grid(self) -> tuple[float, int]:
        """``S`` and ``Z``; S is 1 where there is no range."""
        low, high, top = float(self.low), float(self.high), (1 << self.bits) - 1
        scale = (high - low) / top or 1.0
        return scale, min(max(round(-low / scale), 0), top)

    def forward(self, x):
        x = torch.relu(x).clamp_max(self.most) if self.relu else x
        if self.training:
            self.observe(x, self.momentum)
            self.seen += 1
        return self.rounded(x)

    def rounded(self, x):
        """``x`` on the grid, between its ends; as it is where training leaves it so."""
        if self.training and int(self.seen) <= self.start:
            return x
        scale, zero = self.grid()
        least, most = -zero * scale, ((1 << self.bits) - 1 - zero) * scale
        bounded = torch.clamp(x, least, most)
        return passed(bounded, torch.round(bounded.detach() / scale) * scale)

    def extra_repr(self):
        most = "" if math.isinf(self.most) else f", most={self.most}"
        return f"{self.bits}, relu={self.relu}, momentum={self.momentum}{most}"


class AffineAverage(Layer):
    """The averages of a pool on the grid of the range that made its input, as in TFLite.

    Parameters
    ----------
    pool : QuantAvgPool2d    of which the windows are
    of : AffineRange         stays the layer where it stands: no part of this one
    """

    def __init__(self, pool: QuantAvgPool2d, of: AffineRange):
        super().__init__()
        self.pool, self._of = pool, (of,)

    def forward(self, x):
        return self._of[0].rounded(F.avg_pool2d(x, *self.pool.windows(x.shape[2:])))


def average_of(pool: QuantAvgPool2d, read) -> QuantAvgPool2d:
    """``pool`` of integers that the layer ``read`` made: of its bits, step and zero point."""
    frac = int(read.frac)
    return QuantAvgPool2d(pool.size, stride=pool.stride, bits=read.bits, frac=frac, in_frac=frac,
                          signed=read.signed, zero_point=read.zero_point)


def _along(scale, weight):
    """A scale of outputs in front of the other axes of ``weight``."""
    return scale.view(-1, *[1] * (weight.dim() - 1))


def ranges_of(module) -> dict:
    """The ranges of a module by name."""
    return {name: layer for name, layer in module.named_modules()
            if isinstance(layer, AffineRange)}
