"""Incremental network quantisation: the largest weights become powers of two, the others learn."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from hwgen.numeric import SpecError

from ..powers import PowerWeights, nearest_power
from .mask import largest
from .powers import Powers

__all__ = ["IncrementalPowers", "Inq"]


class IncrementalPowers(PowerWeights):
    """Powers of two of which some are set for good while the other weights are real.

    ``W = 2**-n2 (T W_l + (1 - T) w)``: frozen weights ``W_l`` are the nearest of 0 and the powers
    (eq. 4 of arXiv 1702.03044) and have no gradient (eq. 8), the others are what training moves.
    Once all are frozen these are integers, in the form of :class:`PowerWeights`.

    Parameters
    ----------
    bits : int      of a code, 2..6

    Members
    -------
    frozen : Tensor    bool, in the shape of the weights
    """

    def __init__(self, bits: int = 5):
        super().__init__(bits)
        self.register_buffer("frozen", torch.zeros(0, dtype=torch.bool))
        self.register_buffer("values", torch.zeros(0))

    @torch.no_grad()
    def start(self, weight):
        super().start(weight)
        self.frozen = torch.zeros_like(weight, dtype=torch.bool)
        self.values = torch.zeros_like(weight)

    @property
    def is_real(self) -> bool:
        """Whether a weight is not frozen yet."""
        return not bool(self.frozen.all())

    @torch.no_grad()
    def freeze(self, weight, share: float) -> None:
        """Freeze the largest of the free weights, until a share of all is; those stay as they are.

        ``weight`` is the parameter; its frozen entries are set to their powers.
        """
        count = round(share * weight.numel())
        if count > int(self.frozen.sum()):
            score = torch.where(self.frozen, torch.inf, weight.abs())
            now = largest(score, count) & ~self.frozen
            power = nearest_power(weight.detach(), self.lowest, self.exponents)
            self.values.copy_(torch.where(now, power, self.values))
            self.frozen |= now
            self.constrain(weight)

    def integers(self, weight):
        return torch.where(self.frozen, self.values, weight) * 2.0 ** -self.lowest

    @torch.no_grad()
    def constrain(self, weight) -> None:
        super().constrain(weight)
        weight.copy_(torch.where(self.frozen, self.values, weight))


@dataclass(frozen=True, kw_only=True)
class Inq(Powers):
    """0 and powers of two, group by group: freeze the largest weights, retrain the others, repeat.

    In each round the largest weights of every layer that are still free become powers of two for
    good, until the round's share of all is; the others, real, are trained to make up for it, with
    the activations of :class:`Powers`. Behind the last round, where all are frozen, only batch
    norms and biases are trained. ``epochs`` is of one round.

    Parameters
    ----------
    shares : list of float    accumulated, rising, at most 1, which is the last; begins with 0 where
                              the real weights are to get used to the activations of few levels
    bits, activation_bits     see :class:`Powers`
    """

    kind: ClassVar[str] = "inq"
    text: ClassVar[str] = "weights become powers of two or 0 group by group, largest first (INQ)"
    source: ClassVar[str] = "arXiv 1702.03044"
    shares: tuple[float, ...] | list[float] = (0.5, 0.75, 0.875, 1.0)

    def check(self):
        super().check()
        if not isinstance(self.shares, tuple | list):
            raise TypeError(f"inq: shares must be a list of numbers, not {self.shares!r}")
        self.require_real("shares", 0, 1)
        shares = list(self.shares)
        if not shares or shares[-1] != 1 or shares != sorted(set(shares)):
            raise SpecError(f"inq: shares must rise from one to the next, to 1, not {shares}")

    def apply(self, run):
        """Freeze and train, round by round."""
        run.model = self._twin(run.model, run.samples())
        for share in self.shares:
            for layer in run.matrices.values():
                layer.quantiser.freeze(layer.weight, share)
            run.train(self)

    def weights(self):
        """Powers of two, none of them frozen."""
        return IncrementalPowers(self.bits)
