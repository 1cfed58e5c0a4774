"""Dynamic fixed point: a fraction length for each group of outputs of a layer."""

import torch
from torch.nn import functional as F

from hwgen.numeric import SpecError

from .conv import Convolution
from .fixed import QuantLinear
from .layer import within
from .straight import round_half_even

__all__ = ["DynamicQuantConv2d", "DynamicQuantLinear"]


class DynamicQuantLinear(QuantLinear):
    """:class:`QuantLinear` whose weights have a fraction length of their own in each group.

    Ristretto (arXiv 1604.03168) gives weights, activations and layers lengths of their own; here
    each of ``groups`` runs of successive outputs has one too. Sums of different groups are in
    different units: a :class:`~hwgen.compress.QuantActivation` must follow, whose shift of each
    channel brings them back to one. The bias is rounded to its group's unit.

    Parameters
    ----------
    n_in, n_out : int
    groups : int        a divisor of n_out
    args, options       those of :class:`QuantLinear`

    Members
    -------
    frac : int64 (n_out,)       of each output
    """

    def __init__(self, n_in: int, n_out: int, *args, groups: int, **options):
        super().__init__(n_in, n_out, *args, **options)
        self.groups = within("DynamicQuantLinear: groups", groups, 1)
        if n_out % groups:
            raise SpecError(f"DynamicQuantLinear: groups must divide n_out = {n_out}, not {groups}")
        self.frac = torch.full((n_out,), self.bits - 1)

    @property
    def out_frac(self) -> int:
        """Fraction bits of the finest group's result."""
        return int(self.frac.max()) + int(self.in_frac)

    def _step(self, further: int = 0):
        """Step of each output, (n_out,), in the weights' dtype."""
        return 2.0 ** -(self.frac + further).to(self.weight.dtype)

    def integer_weight(self):
        return torch.clamp(round_half_even(self.weight / self._step()[:, None]), *self.limits)

    def integer_bias(self):
        if self.bias is None:
            return None
        return round_half_even(self.bias / self._step(int(self.in_frac)))

    def forward(self, x):
        bias = self.integer_bias()
        bias = None if bias is None else bias * self._step(int(self.in_frac))
        return F.linear(x, self.integer_weight() * self._step()[:, None], bias)

    @torch.no_grad()
    def calibrate(self, rule: str = "least_squares") -> None:
        for rows, frac in zip(self.weight.chunk(self.groups), self.frac.chunk(self.groups),
                              strict=True):
            frac.fill_(self.best_frac(rows, rule))

    @torch.no_grad()
    def constrain(self) -> None:
        low, high = ((end * self._step())[:, None] for end in self.limits)
        self.weight.copy_(self.weight.clamp(low, high))

    def extra_repr(self):
        fracs = self.frac[::self.n_out // self.groups].tolist()
        return (f"{self.n_in}, {self.n_out}, groups={self.groups}, bits={self.bits},"
                f" bias={self.bias is not None}, frac={fracs}, in_frac={int(self.in_frac)}")


class DynamicQuantConv2d(Convolution, DynamicQuantLinear):
    """Convolution with a fraction length for each group of filters."""
