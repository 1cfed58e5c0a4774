"""What every kind of integer weights answers; matrix layers and convolutions share them."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from hwgen.ir import Dense, Matrix
from hwgen.numeric import Format, SpecError

from .straight import round_half_even
from .value import int64_of

__all__ = ["Weights"]


class Weights(nn.Module, ABC):
    """How integers follow from the real latent weights ``(n_out, n_in)`` of one layer.

    Common real factors are left out: a batch norm that follows takes them up. Where each output
    has its own factor and no common one would do, it is the kind's :meth:`scale`.

    Members
    -------
    is_real : bool
        The weights are not integers at present, so products must be those of floats and there is
        no export.
    """

    is_real = False

    def __init__(self):
        super().__init__()
        self._taken = False

    def begin(self, weight) -> None:
        """Take up the layer's initial weights; once, as state here is that of one layer."""
        if self._taken:
            raise SpecError(f"{type(self).__name__}: object must be of one layer, not shared by"
                            f" two: make another for each")
        self._taken = True
        self.start(weight)

    def start(self, weight) -> None:
        """State that follows from weights which were set at once, not by training."""

    @abstractmethod
    def format(self, weight) -> Format:
        """Format of the integers."""

    @abstractmethod
    def integers(self, weight):
        """The integers, in the shape and dtype of ``weight``, with a gradient for it."""

    @torch.no_grad()
    def matrix(self, weight) -> Matrix:
        """The integers as they are exported; a kind with a structure says it here."""
        return Dense(int64_of(self.integers(weight)), self.format(weight))

    def scale(self, weight):
        """Real factor of each output, at least 0, shape (n_out,); None where all are 1."""
        return None

    def bias(self, bias):
        """What is made of the real bias before it is rounded to the step of the input."""
        return bias

    def integer_bias(self, bias, frac: int):
        """Integer bias of inputs with ``frac`` fraction bits."""
        return round_half_even(self.bias(bias) * 2.0 ** frac)

    def fit(self, weight) -> None:
        """Adapt to the weights; called before each product in training."""

    @torch.no_grad()
    def constrain(self, weight) -> None:
        """Bring latent weights back into their range; called after every optimiser step."""
        weight.clamp_(-1, 1)
