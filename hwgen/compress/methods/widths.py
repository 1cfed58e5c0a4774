"""What all steps share that choose widths themselves and then quantise."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields

from ..calibrate import calibrate
from ..fixed import MAX_BITS
from ..frame.prepare import activations, matrices
from ..frame.step import TrainingStep
from ..quantise import quantise
from .quantise import Quantise

__all__ = ["REST", "Widths", "rounded"]

REST = MAX_BITS
"""Bits of all that is left alone: the fixed-point layers compute it, near float."""


def rounded(model, samples, rule: str, weight_bits: Mapping, activation_bits: Mapping):
    """The twin of a float model with the widths that are given, all others of REST bits.

    In evaluation mode; steps are chosen by ``rule`` on integer ``samples``.
    """
    return quantise(model, samples,
                    weight_bits=dict.fromkeys(matrices(model), REST) | dict(weight_bits),
                    activation_bits=dict.fromkeys(activations(model), REST)
                    | dict(activation_bits),
                    calibrator=lambda twin, x: calibrate(twin, x, rule=rule)).eval()


@dataclass(frozen=True, kw_only=True)
class Widths(TrainingStep):
    """Chooses the bits of each layer, then does what ``quantise`` does with them.

    Parameters
    ----------
    least, most : int    bits that may be chosen, 2..16
    rule, steps : str    as of :class:`~.quantise.Quantise`
    """

    least: int = 2
    most: int = 8
    rule: str = Quantise.rule
    steps: str = Quantise.steps

    def check(self):
        self.require_int("least", 2, MAX_BITS)
        self.require_int("most", self.least, MAX_BITS)
        self.quantise()

    def quantise(self, **bits) -> Quantise:
        """The step that is carried out, of ``weight_bits`` and ``activation_bits``."""
        own = {field.name for field in fields(self)}
        return Quantise(**{field.name: getattr(self, field.name) for field in fields(Quantise)
                           if field.name in own} | bits)

    def validate(self, context):
        """As ``quantise``: once, and for every matrix."""
        self.quantise().validate(context)

    def apply(self, run):
        """Choose, note the choice, quantise and train."""
        weight_bits, activation_bits = self.widths(run)
        run.notes.setdefault(self.kind, {}).update(weight_bits=weight_bits,
                                                   activation_bits=activation_bits)
        self.quantise(weight_bits=weight_bits, activation_bits=activation_bits).apply(run)

    @abstractmethod
    def widths(self, run) -> tuple[dict, dict]:
        """Bits of the weights of each matrix, and of each activation, by name."""
