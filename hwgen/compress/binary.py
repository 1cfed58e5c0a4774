"""Binarised layers: weights and activations of -1 and +1 (BNN, arXiv 1602.02830)."""

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import as_int

from .layer import Layer, within
from .straight import binarise, round_half_even

__all__ = ["BinaryLinear", "Sign"]


class Sign(Layer):
    """``+1`` where ``x >= 0``, else ``-1``, with the gradient ``1{|x| <= 1}``."""

    def forward(self, x):
        return binarise(x)


class BinaryLinear(Layer):
    """Matrix of signs: ``y = (sum_i sign(w[k, i]) * x[i] + bias[k]) * 2**-out_shift``.

    The latent weights are real and kept in [-1, 1]; the forward pass only sees their signs, and
    ``sign(0) = +1``. The bias is rounded to the input's step. ``out_shift`` scales the scores of a
    last layer for the softmax; it does not change the integers.

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
        self.n_in = within("BinaryLinear: n_in", n_in, 1)
        self.n_out = within("BinaryLinear: n_out", n_out, 1)
        self.out_shift = as_int(out_shift, "BinaryLinear: out_shift")
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        self.register_buffer("in_frac", torch.tensor(as_int(in_frac, "BinaryLinear: in_frac")))

    def integer_weight(self):
        """Weights of -1 and +1, shape (n_out, n_in), in the parameter's dtype."""
        return binarise(self.weight)

    def integer_bias(self):
        """Integer bias, shape (n_out,), in steps of the input; None without bias."""
        if self.bias is None:
            return None
        return round_half_even(self.bias * 2.0 ** int(self.in_frac))

    def forward(self, x):
        bias = self.integer_bias()
        bias = None if bias is None else bias * 2.0 ** -int(self.in_frac)
        return F.linear(x, self.integer_weight(), bias) * 2.0 ** -self.out_shift

    @torch.no_grad()
    def constrain(self) -> None:
        self.weight.clamp_(-1, 1)

    def extra_repr(self):
        return (f"{self.n_in}, {self.n_out}, bias={self.bias is not None},"
                f" out_shift={self.out_shift}, in_frac={int(self.in_frac)}")
