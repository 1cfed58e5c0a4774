"""Batch norm whose products are shifts (BNN, arXiv 1602.02830, algorithm 2; QNN)."""

import torch

from .conv import BatchNorm2d
from .normalise import BatchNorm
from .straight import passed

__all__ = ["ShiftBatchNorm", "ShiftBatchNorm2d", "ap2"]


def ap2(x):
    """``sign(x) 2**round(log2 |x|)``, the power of two nearest in the logarithm; ``ap2(0) = 0``.

    The gradient passes unchanged.
    """
    with torch.no_grad():
        # |x| = mantissa * 2**exponent with a mantissa in [1/2, 1): no logarithm is rounded.
        mantissa, exponent = torch.frexp(x)
        up = (mantissa.abs() >= 0.5 ** 0.5).to(exponent.dtype)
        power = torch.sign(x) * torch.ldexp(torch.ones_like(x), exponent - 1 + up)
        power = torch.where(torch.isfinite(x), power, x)
    return passed(x, power)


class ShiftBatchNorm(BatchNorm):
    """``(x - mean) * ap2(1 / sqrt(var + eps)) * ap2(gamma) + beta``, a shift by each factor.

    The variance is of shifts too: ``mean(c * ap2(c))`` of the centred ``c``. Evaluation is that of
    :class:`~hwgen.compress.BatchNorm` with another :meth:`scale`, which does not turn the order of
    two inputs, so it folds into the thresholds that follow exactly, and in the end costs what any
    batch norm does.
    """

    def scale(self):
        """The product of both powers of two, shape (n,)."""
        return ap2(self.weight) * ap2(1 / torch.sqrt(self.running_var + self.eps))

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        mean = x.mean(dim=0)
        centred = x - mean
        var = (centred * ap2(centred)).mean(dim=0)
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var, self.momentum)
        return centred * ap2(1 / torch.sqrt(var + self.eps)) * ap2(self.weight) + self.bias


class ShiftBatchNorm2d(BatchNorm2d, ShiftBatchNorm):
    """:class:`ShiftBatchNorm` over the channels of maps ``(batch, c, h, w)``."""
