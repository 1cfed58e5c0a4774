"""The matrix layer with integer weights of any kind."""

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.ir import Matrix
from hwgen.numeric import Format, SpecError, as_int

from .layer import Layer, within
from .products import linear
from .weights import Weights

__all__ = ["IntegerLinear"]


class IntegerLinear(Layer):
    """``y[k] = scale[k] (sum_i W[k, i] x[i] + bias[k]) * 2**-out_shift``, small integers ``W``.

    ``quantiser`` says how ``W`` and ``scale`` follow from the real latent weights. Most kinds have
    no scale; where there is one, it folds into the thresholds of the activation that follows, so
    there is no bias and no exact form as last layer. The bias is rounded to the input's step.
    ``out_shift`` scales the scores of a last layer for the softmax; it does not change the
    integers.

    Parameters
    ----------
    n_in, n_out : int
    quantiser : Weights
        Such as ``TwnWeights()``; one object for each layer.
    bias : bool
    out_shift : int
    in_frac : int
        Fraction bits of the input, 0 for signs; only a bias needs it.
        :func:`~hwgen.compress.calibrate` sets it.
    """

    def __init__(self, n_in: int, n_out: int, quantiser: Weights, *, bias: bool = False,
                 out_shift: int = 0, in_frac: int = 0):
        super().__init__()
        name = type(self).__name__
        if not isinstance(quantiser, Weights):
            raise TypeError(f"{name}: quantiser must be Weights, such as BinaryWeights(), not"
                            f" {quantiser!r}")
        self.n_in = within(f"{name}: n_in", n_in, 1)
        self.n_out = within(f"{name}: n_out", n_out, 1)
        self.out_shift = as_int(out_shift, f"{name}: out_shift")
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        self.register_buffer("in_frac", torch.tensor(as_int(in_frac, f"{name}: in_frac")))
        self.quantiser = quantiser
        quantiser.begin(self.weight)
        if bias and self.scale() is not None:
            raise SpecError(f"{name}: bias must be False with {type(quantiser).__name__}, whose"
                            f" outputs have a scale each, not True")

    @property
    def format(self) -> Format:
        """Format of the integer weights."""
        return self.quantiser.format(self.weight.detach())

    def integer_weight(self):
        """Integer weights, shape (n_out, n_in), in the parameter's dtype."""
        return self.quantiser.integers(self.weight)

    def matrix(self) -> Matrix:
        """The integer weights as they are exported."""
        return self.quantiser.matrix(self.weight)

    def integer_bias(self):
        """Integer bias, shape (n_out,), in steps of the input; None without bias."""
        if self.bias is None:
            return None
        return self.quantiser.integer_bias(self.bias, int(self.in_frac))

    def scale(self):
        """Real factor of each output, shape (n_out,); None where the kind has none."""
        return self.quantiser.scale(self.weight)

    def rescale(self, y):
        """What is done to the integer sums ``y`` (batch, n_out)."""
        scale = self.scale()
        return y if scale is None else y * scale

    def forward(self, x):
        if self.training:
            self.quantiser.fit(self.weight)
        if self.quantiser.is_real:
            bias = None if self.bias is None else self.quantiser.bias(self.bias)
            return F.linear(x, self.integer_weight(), bias) * 2.0 ** -self.out_shift
        bias = self.integer_bias()
        bias = None if bias is None else bias * 2.0 ** -int(self.in_frac)
        return self.rescale(linear(x, self.integer_weight(), bias) * 2.0 ** -self.out_shift)

    def constrain(self) -> None:
        self.quantiser.constrain(self.weight)

    def extra_repr(self):
        return (f"{self.n_in}, {self.n_out}, bias={self.bias is not None},"
                f" out_shift={self.out_shift}, in_frac={int(self.in_frac)}")
