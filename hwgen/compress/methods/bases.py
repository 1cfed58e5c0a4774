"""Networks of weights of several binary bases, and of activations of some."""

from dataclasses import dataclass
from typing import ClassVar

from ..bases import AbcWeights, AlternatingWeights, LqWeights
from ..basis_steps import AbcActivation, LqActivation
from .integers import Integers

__all__ = ["ALL", "AbcNet", "Alternating", "LqNets"]


@dataclass(frozen=True, kw_only=True)
class _Bases(Integers):
    """Weights of ``bases`` binary bases."""

    bases: int = 2
    activation_bits: int = 2

    def check(self):
        super().check()
        self.require_int("bases", 2, 4)


@dataclass(frozen=True, kw_only=True)
class LqNets(_Bases):
    """Weights of ``bases`` learned bases, activations of even steps or of a learned basis, too.

    Parameters
    ----------
    bases : int            2..4
    activation_bits : int  1..8; 1..4 where they are learned
    activations : str      ``even``: DoReFa's steps; ``learned``: the paper's, the nearest level of
                           a basis of ``activation_bits`` that follows the activations in training
    per_channel : bool     bases of each output, as in the paper, at the cost of more planes; the
                           last layer has one set, as scores have no scale each
    """

    kind: ClassVar[str] = "lq-nets"
    text: ClassVar[str] = "weights of several learned binary bases (LQ-Nets)"
    source: ClassVar[str] = "arXiv 1807.10029"
    activations: str = "even"
    per_channel: bool = False

    def check(self):
        super().check()
        self.require_choice("activations", ("even", "learned"))
        self.require_bool("per_channel")
        if self.activations == "learned":
            self.require_int("activation_bits", 1, 4)

    def weights(self):
        """Learned bases."""
        return LqWeights(self.bases, per_channel=self.per_channel)

    def last(self):
        """Of the layer, not of each output."""
        return LqWeights(self.bases)

    def activation(self):
        """Even steps, or learned levels."""
        if self.activations == "learned":
            return LqActivation(self.activation_bits)
        return super().activation()


@dataclass(frozen=True, kw_only=True)
class Alternating(_Bases):
    """Weights of ``bases`` bases, found by turns."""

    kind: ClassVar[str] = "alternating"
    text: ClassVar[str] = "weights of several binary bases, found by turns"
    source: ClassVar[str] = "arXiv 1802.00150"

    def weights(self):
        """Bases by turns."""
        return AlternatingWeights(self.bases)


@dataclass(frozen=True, kw_only=True)
class AbcNet(_Bases):
    """Weights of ``bases`` shifted signs, activations of even steps or of shifted signs, too.

    Parameters
    ----------
    bases : int                        2..4
    activation_bits : int              1..8, without ``activation_bases``
    activation_bases : int, optional   1..4: the paper's activations, so many shifted signs with
                                       trained shifts ``v`` and scales ``beta``
    """

    kind: ClassVar[str] = "abc-net"
    text: ClassVar[str] = "weights of several shifted binary bases (ABC-Net)"
    source: ClassVar[str] = "arXiv 1711.11294"
    bases: int = 3
    activation_bases: int | None = None

    def check(self):
        super().check()
        if self.activation_bases is not None:
            self.require_int("activation_bases", 1, 4)

    def weights(self):
        """Shifted signs."""
        return AbcWeights(self.bases)

    def activation(self):
        """Even steps, or shifted signs."""
        if self.activation_bases is not None:
            return AbcActivation(self.activation_bases)
        return super().activation()


ALL = (LqNets, Alternating, AbcNet)
"""The steps."""
