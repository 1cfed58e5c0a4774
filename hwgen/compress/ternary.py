"""Ternary weights: TWN, the +1/0/-1 of Hwang and Sung, and the two trained scales of TTQ."""

import torch
from torch import nn

from hwgen.numeric import Format, Planes, Ternary

from .layer import within
from .straight import passed, round_half_even
from .weights import Weights

__all__ = ["FixedTernaryWeights", "TtqWeights", "TwnWeights"]

TWN_SHARE, TTQ_SHARE = 0.7, 0.05


def _parts(weight, delta):
    """1 where ``w > delta`` and 1 where ``w < -delta``, in the dtype of ``weight``."""
    return (weight > delta).to(weight.dtype), (weight < -delta).to(weight.dtype)


class TwnWeights(Weights):
    """``W = sign(w) 1{|w| > delta}``, ``delta = 0.7 mean |w|`` over the layer: -1, 0, +1.

    TWN (arXiv 1605.04711). The layer's scale, the mean of ``|w|`` above delta, is left to the batch
    norm that follows. The gradient passes unchanged.
    """

    def format(self, weight) -> Format:
        return Ternary()

    def integers(self, weight):
        positive, negative = _parts(weight, TWN_SHARE * weight.detach().abs().mean())
        return passed(weight, positive - negative)


class FixedTernaryWeights(Weights):
    """``W`` in -1, 0, +1 and ``delta`` of the least ``|w - delta W|**2`` over the layer.

    The +1, 0, -1 of Hwang and Sung (Fixed-point feedforward deep neural network design using
    weights +1, 0, and -1, SiPS 2014): ``W = sign(w) min(floor(|w| / delta + 1/2), 1)`` with the
    step of least squares. They approach it by turns (Lloyd); here it is exact: if the k largest
    ``|w|``, of sum ``S_k``, are not 0, the best step is ``S_k / k`` and the error
    ``sum w**2 - S_k**2 / k``, so the k of the largest ``S_k**2 / k`` is taken. Delta is left to the
    batch norm that follows. The gradient passes unchanged: begin with the weights of a float
    network (:func:`~hwgen.compress.adopt`) and train again, as the paper does.
    """

    def format(self, weight) -> Format:
        return Ternary()

    @torch.no_grad()
    def delta(self, weight) -> float:
        """The step."""
        return self._best(weight)[0]

    @torch.no_grad()
    def _best(self, weight) -> tuple[float, float]:
        """The step, and the smallest ``|w|`` that is not rounded to 0."""
        sizes = weight.flatten().double().abs().sort(descending=True).values
        sums, counts = sizes.cumsum(0), torch.arange(
            1, len(sizes) + 1, dtype=torch.float64, device=sizes.device)
        k = int((sums.square() / counts).argmax())
        return float(sums[k] / counts[k]), float(sizes[k])

    def integers(self, weight):
        _, least = self._best(weight)
        return passed(weight, torch.sign(weight.detach()) * (weight.detach().abs() >= least))


class _TwoScales(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, positive_scale, negative_scale, delta):
        positive, negative = _parts(weight, delta)
        ctx.save_for_backward(positive, negative, positive_scale, negative_scale)
        return positive * positive_scale - negative * negative_scale

    @staticmethod
    def backward(ctx, grad):
        positive, negative, up, down = ctx.saved_tensors
        slope = 1 + positive * (up - 1) + negative * (down - 1)
        return grad * slope, (grad * positive).sum(), -(grad * negative).sum(), None


class TtqWeights(Weights):
    """``+W_p`` where ``w > delta``, ``-W_n`` where ``w < -delta``, else 0; ``W_p, W_n`` trained.

    TTQ (arXiv 1612.01064) with ``delta = 0.05 max |w|``. The scales are small integers on a common
    step, ``1 .. 2**bits - 1``; the step is left to the batch norm that follows. Gradients as in the
    paper (eq. 7 and 8): that of a scale is the sum over its weights, that of a weight is multiplied
    by its scale.

    Parameters
    ----------
    bits : int
        Of the scales, 1..6. Both begin at half their range, or at 1.
    """

    def __init__(self, bits: int = 4):
        super().__init__()
        self.bits = within("TtqWeights: bits", bits, 1, 6)
        self.scales = nn.Parameter(torch.full((2,), max(0.5, 1 / self.top)))

    def integer_scales(self):
        """``(W_p, W_n)``, integers of 1 and more, shape (2,); the gradient passes the rounding."""
        return round_half_even(self.scales * self.top)

    @property
    def top(self) -> int:
        """Largest scale."""
        return (1 << self.bits) - 1

    def format(self, weight) -> Format:
        up, down = self.integer_scales().detach().long().tolist()
        return Planes((up, -down))

    def integers(self, weight):
        up, down = self.integer_scales()
        return _TwoScales.apply(weight, up, down, TTQ_SHARE * weight.detach().abs().max())

    @torch.no_grad()
    def constrain(self, weight) -> None:
        super().constrain(weight)
        self.scales.clamp_(1 / self.top, 1)

    def extra_repr(self):
        return f"bits={self.bits}"
