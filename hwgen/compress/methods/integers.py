"""Networks of small integer weights: binary, ternary, k-bit."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ..binary import BinaryWeights, Sign, XnorWeights
from ..frame.marks import FIXED
from ..frame.prepare import matrices
from ..frame.step import TrainingStep
from ..graph import as_graph
from ..integerise import integerise
from ..kbit import DoReFaWeights, WrpnWeights
from ..residual import HorqSign, ResidualSign
from ..steps import StepActivation
from ..ternary import FixedTernaryWeights, TtqWeights, TwnWeights

__all__ = ["ALL", "Integers"]


@dataclass(frozen=True, kw_only=True)
class Integers(TrainingStep):
    """All weights of one kind of small integers, thresholds between them; trained from the float.

    Batch norms are put behind every matrix but the last and folded into the thresholds of the
    activation that follows; see ``docs/methods-binary.md`` for what each kind is, to the equation.

    Parameters
    ----------
    activation_bits : int    1 for signs, else unsigned levels
    """

    activation_bits: int = 1

    def check(self):
        self.require_int("activation_bits", 1, 8)

    def validate(self, context):
        """In the place of ``quantise``, and of what changes single weights."""
        context.refuse(FIXED, "leave one of the two out")
        for mark in ("pruned", "shared", "tied", "structured"):
            context.refuse(mark, "integer weights follow from all latent ones: leave it out")
        context.refuse("factored", "integer weights need an activation behind every matrix, and its"
                                   " factors have none between them: leave it out, or take"
                                   " 'quantise' here")
        context.model = self._twin(context.model, context.samples)
        context.layers, context.norms = matrices(context.model), frozenset()
        context.mark(FIXED, "integers", *(() if self.has_zero else ("nonzero",)))

    def apply(self, run):
        """Put the twin in the model's place, then train it."""
        run.model = self._twin(run.model, run.samples())
        run.train(self)

    def _twin(self, model, samples):
        last = self.last and (lambda name: self.last())
        return as_graph(integerise(model, samples, weights=lambda name: self.weights(), last=last,
                                   activation=self.activation))

    last: ClassVar = None
    has_zero: ClassVar[bool] = False
    """Whether a latent weight of 0 gives the integer 0."""

    @abstractmethod
    def weights(self):
        """The kind, a new object for each layer."""

    def activation(self):
        """Signs, or DoReFa's steps."""
        return Sign() if self.activation_bits == 1 else StepActivation.dorefa(self.activation_bits)


@dataclass(frozen=True, kw_only=True)
class Binary(Integers):
    """Signs: BNN, and with more bits of activations BinaryConnect."""

    kind: ClassVar[str] = "binary"
    text: ClassVar[str] = "weights are signs (BNN; BinaryConnect with activations of 8 bits)"
    source: ClassVar[str] = "arXiv 1602.02830, 1511.00363"

    def weights(self):
        """Signs."""
        return BinaryWeights()


@dataclass(frozen=True, kw_only=True)
class Xnor(Integers):
    """Signs with a scale for each output, folded into thresholds; the last layer has none."""

    kind: ClassVar[str] = "xnor"
    text: ClassVar[str] = "signs with a scale for each output (XNOR-Net)"
    source: ClassVar[str] = "arXiv 1603.05279"
    last: ClassVar = BinaryWeights

    def weights(self):
        """Signs and scales."""
        return XnorWeights()


@dataclass(frozen=True, kw_only=True)
class DoReFa(Integers):
    """Weights of ``bits`` planes of signs, activations of even steps."""

    kind: ClassVar[str] = "dorefa"
    text: ClassVar[str] = "weights and activations of k bits (DoReFa-Net)"
    source: ClassVar[str] = "arXiv 1606.06160"
    bits: int = 2
    activation_bits: int = 2

    def check(self):
        super().check()
        self.require_int("bits", 1, 8)

    def weights(self):
        """Odd integers."""
        return DoReFaWeights(self.bits)


@dataclass(frozen=True, kw_only=True)
class Wrpn(DoReFa):
    """Symmetric two's complement; the paper's wider layers are the user's model."""

    kind: ClassVar[str] = "wrpn"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "symmetric weights and activations of k bits (WRPN)"
    source: ClassVar[str] = "arXiv 1709.01134"

    def check(self):
        super().check()
        self.require_int("bits", 2, 8)

    def weights(self):
        """Symmetric integers."""
        return WrpnWeights(self.bits)


@dataclass(frozen=True, kw_only=True)
class Hwgq(Binary):
    """Signs, and activations of Lloyd's steps for half a Gaussian."""

    kind: ClassVar[str] = "hwgq"
    text: ClassVar[str] = "signs, half-wave Gaussian activations (HWGQ)"
    source: ClassVar[str] = "arXiv 1702.00953"
    activation_bits: int = 2

    def check(self):
        self.require_int("activation_bits", 2, 4)

    def activation(self):
        """Lloyd's steps."""
        return StepActivation.hwgq(self.activation_bits)


@dataclass(frozen=True, kw_only=True)
class ReBNet(Binary):
    """Signs, and activations of ``levels`` residual signs with trained scales."""

    kind: ClassVar[str] = "rebnet"
    text: ClassVar[str] = "signs, residual binary activations (ReBNet)"
    source: ClassVar[str] = "arXiv 1711.01243"
    levels: int = 2

    def check(self):
        super().check()
        self.require_int("levels", 2, 4)

    def activation(self):
        """Residual signs."""
        return ResidualSign(self.levels)


@dataclass(frozen=True, kw_only=True)
class Horq(ReBNet):
    """Signs, and activations of ``levels`` residual signs of the batch's own scales."""

    kind: ClassVar[str] = "horq"
    text: ClassVar[str] = "signs, high-order residual activations (HORQ)"
    source: ClassVar[str] = "arXiv 1708.08687"

    def activation(self):
        """Residual signs."""
        return HorqSign(self.levels)


@dataclass(frozen=True, kw_only=True)
class Twn(Integers):
    """-1, 0, +1 with the threshold of 0.7 times the mean magnitude."""

    kind: ClassVar[str] = "twn"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "ternary weights, one threshold a layer (TWN)"
    source: ClassVar[str] = "arXiv 1605.04711"
    activation_bits: int = 2

    def weights(self):
        """Ternary."""
        return TwnWeights()


@dataclass(frozen=True, kw_only=True)
class Ttq(Integers):
    """Ternary with two trained scales, small integers on one step."""

    kind: ClassVar[str] = "ttq"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "ternary weights, two trained scales a layer (TTQ)"
    source: ClassVar[str] = "arXiv 1612.01064"
    bits: int = 4
    activation_bits: int = 2

    def check(self):
        super().check()
        self.require_int("bits", 1, 6)

    def weights(self):
        """Ternary, two scales."""
        return TtqWeights(self.bits)


@dataclass(frozen=True, kw_only=True)
class FixedTernary(Integers):
    """-1, 0, +1 with the step of least squares."""

    kind: ClassVar[str] = "ternary"
    has_zero: ClassVar[bool] = True
    text: ClassVar[str] = "weights +1, 0, -1 of the step of least squares"
    source: ClassVar[str] = "Hwang and Sung, SiPS 2014"
    activation_bits: int = 2

    def weights(self):
        """Ternary."""
        return FixedTernaryWeights()


ALL = (Binary, Xnor, DoReFa, Wrpn, Hwgq, ReBNet, Horq, Twn, Ttq, FixedTernary)
"""The steps."""
