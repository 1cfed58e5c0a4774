"""Fixed point with steps of powers of two: calibrated, then trained with the rounding in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hwgen.numeric import SpecError

from ..calibrate import calibrate
from ..fixed import MAX_BITS, RULES, QuantLinear, QuantReLU
from ..frame.marks import FIXED
from ..frame.prepare import activations
from ..frame.step import TrainingStep, per_layer
from ..quantise import quantise
from .learned_steps import FollowSteps, LearnedReLU, LearnedStep

__all__ = ["STEPS", "Quantise", "as_it_is", "require_all"]

STEPS = ("fixed", "lsq", "pact")


@dataclass(frozen=True, kw_only=True)
class Quantise(TrainingStep):
    """Make weights and activations integers times a power of two; train on if there are epochs.

    Batch norms are folded, activations get unsigned integers behind a ReLU. Forms of weights that
    earlier steps put stay: what is pruned stays so.

    Parameters
    ----------
    weight_bits : int, or mapping of layer to int         2..16, sign included
    activation_bits : int, or mapping of layer to int     1..16, of activations and average pools
    rule : str        how a step is chosen on samples: ``least_squares`` (L2-optimal), ``min_max``,
                      ``percentile`` or ``ristretto``
    steps : str       ``fixed``: they stay so; ``lsq``: those of weights and of ReLUs are trained;
                      ``pact``: the upper ends of ReLUs are
    epochs            of training with the rounding in place, straight through
    """

    kind: ClassVar[str] = "quantise"
    text: ClassVar[str] = "fixed point, steps calibrated, trained with the rounding in place"
    source: ClassVar[str] = "arXiv 1512.01322, 1604.03168, 1805.06085, 1902.08153"
    weight_bits: int | Mapping[str, int] = 8
    activation_bits: int | Mapping[str, int] = 8
    rule: str = "least_squares"
    steps: str = "fixed"

    def check(self):
        self.require_choice("steps", STEPS)
        if self.steps != "fixed":
            self.require_int("epochs", 1)
        self.require_int("weight_bits", 2, MAX_BITS)
        self.require_int("activation_bits", 1, MAX_BITS)
        self.require_choice("rule", RULES)

    def validate(self, context):
        """Once, and for every matrix."""
        context.refuse(FIXED, "leave one of the two out")
        bits = context.per_layer("weight_bits", self.weight_bits)
        require_all("weight_bits", bits, context.layers)
        rounded = self._activation_bits(context.model)
        require_all("activation_bits", rounded, activations(context.model))
        quantise(context.model, context.split.x_train[:1], weight_bits=bits, calibrator=as_it_is,
                 activation_bits=rounded)
        context.mark(FIXED, "quantised")

    def apply(self, run):
        """Put the twin in the model's place, then train it."""
        bits = run.per_layer("weight_bits", self.weight_bits)
        run.model = quantise(run.model, run.samples(), weight_bits=bits,
                             activation_bits=self._activation_bits(run.model),
                             calibrator=lambda twin, x: calibrate(twin, x, rule=self.rule))
        if self.steps == "fixed":
            run.train(self)
        else:
            self._learn(run)

    def _activation_bits(self, model) -> dict:
        return per_layer("activation_bits", self.activation_bits, activations(model))

    def _learn(self, run):
        """Train the steps as well; behind it they stay as they are."""
        for layer_name, layer in run.matrices.items():
            if self.steps == "lsq" and isinstance(layer, QuantLinear):
                run.put(layer_name, LearnedStep(layer.weight, layer.limit))
        for name, layer in list(run.model.named_modules()):
            if isinstance(layer, QuantReLU):
                run.replace(name, LearnedReLU(layer, self.steps))
        run.train(self, hooks=(FollowSteps(self.steps),))
        for name, layer in list(run.model.named_modules()):
            if isinstance(layer, LearnedReLU):
                run.replace(name, layer.settled())
            elif isinstance(layer, LearnedStep):
                layer.step.requires_grad_(False)


def as_it_is(twin, samples):
    """In the place of a calibrator: ``twin`` with the steps that it has."""
    return twin


def require_all(what, found, layers):
    """SpecError unless each of ``layers`` is in ``found``, which field ``what`` says."""
    lacking = [name for name in layers if name not in found]
    if lacking:
        raise SpecError(f"{what} must be given for every layer, and is not for '{lacking[0]}': name"
                        f" it, or '*' for all others")
