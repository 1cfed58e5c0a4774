"""What all layers with integer weights share."""

from abc import abstractmethod

import torch
from torch import nn

from hwgen.numeric import Format, as_int

from .layer import Layer, within
from .products import linear
from .straight import round_half_even

__all__ = ["IntegerLinear"]


class IntegerLinear(Layer):
    """``y = (sum_i W[k, i] * x[i] + bias[k]) * 2**-out_shift`` with small integers ``W``.

    A subclass says how ``W`` follows from the real latent weights, which are kept in [-1, 1], and
    in which format its integers are. Common real factors of ``W`` are left out: a batch norm that
    follows takes them up. The bias is rounded to the input's step. ``out_shift`` scales the scores
    of a last layer for the softmax; it does not change the integers.

    Parameters
    ----------
    n_in, n_out : int
    bias : bool
    out_shift : int
    in_frac : int
        Fraction bits of the input, 0 for signs; only a bias needs it.
        :func:`~hwgen.compress.calibrate` sets it.
    """

    def __init__(self, n_in: int, n_out: int, *, bias: bool = False, out_shift: int = 0,
                 in_frac: int = 0):
        super().__init__()
        name = type(self).__name__
        self.n_in = within(f"{name}: n_in", n_in, 1)
        self.n_out = within(f"{name}: n_out", n_out, 1)
        self.out_shift = as_int(out_shift, f"{name}: out_shift")
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        self.register_buffer("in_frac", torch.tensor(as_int(in_frac, f"{name}: in_frac")))

    @property
    @abstractmethod
    def format(self) -> Format:
        """Format of the integer weights."""

    @abstractmethod
    def integer_weight(self):
        """Integer weights, shape (n_out, n_in), in the parameter's dtype."""

    def integer_bias(self):
        """Integer bias, shape (n_out,), in steps of the input; None without bias."""
        if self.bias is None:
            return None
        return round_half_even(self.bias * 2.0 ** int(self.in_frac))

    def forward(self, x):
        bias = self.integer_bias()
        bias = None if bias is None else bias * 2.0 ** -int(self.in_frac)
        return linear(x, self.integer_weight(), bias) * 2.0 ** -self.out_shift

    @torch.no_grad()
    def constrain(self) -> None:
        self.weight.clamp_(-1, 1)

    def extra_repr(self):
        return (f"{self.n_in}, {self.n_out}, bias={self.bias is not None},"
                f" out_shift={self.out_shift}, in_frac={int(self.in_frac)}")
