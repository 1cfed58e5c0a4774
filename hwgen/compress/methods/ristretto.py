"""Ristretto's search: the fewest bits of each kind of numbers with which the error is tolerated."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ..frame.prepare import activations
from ..held import judged
from .widths import Widths, rounded

__all__ = ["GROUPS", "Ristretto", "narrowest"]

GROUPS = ("convolutions", "linear", "activations")
"""Numbers that share a width: weights of convolutions and of linear layers, and activations."""


def narrowest(error_of, groups, most_error: float, least: int, most: int) -> tuple[dict, float]:
    """``(bits of each group, error of all together)``, of at most ``most_error`` if it can be.

    Each group alone gets the fewest bits with which, and with all more, the error is tolerated.
    Together they may err more: then the one group whose further bit helps most gets one, and so
    on, until it is tolerated or all have ``most``.

    Parameters
    ----------
    error_of : callable(dict of group to bits)    percent; groups that are not named are left alone
    """
    bits = {}
    for group in groups:
        bits[group] = most
        while bits[group] > least and error_of({group: bits[group] - 1}) <= most_error:
            bits[group] -= 1
    error = error_of(bits)
    while error > most_error and (wider := [bits | {group: bits[group] + 1} for group in groups
                                            if bits[group] < most]):
        error, bits = min(((error_of(each), each) for each in wider), key=lambda found: found[0])
    return bits, error


@dataclass(frozen=True, kw_only=True)
class Ristretto(Widths):
    """Find the fewest bits of weights and activations with an error that is tolerated; quantise.

    Errors are those of the samples of ``hold-back``, without any training; against the float
    network's. What is left alone meanwhile has 16 bits. Steps are as many integer bits as the
    largest number needs.

    Parameters
    ----------
    tolerance : float    percent of the samples that may be wrong beyond the float network's
    """

    kind: ClassVar[str] = "ristretto"
    text: ClassVar[str] = "fixed point, the fewest bits with a tolerated error (Ristretto)"
    source: ClassVar[str] = "arXiv 1604.03168"
    tolerance: float = 1.0
    rule: str = "ristretto"
    most: int = 12

    def check(self):
        super().check()
        self.require_real("tolerance", 0, 100)

    def validate(self, context):
        """Behind ``hold-back``."""
        context.need("held", "its errors are those of samples that nothing was trained on")
        super().validate(context)

    def widths(self, run):
        """Search, and note the errors."""
        model, samples, held = run.model.eval(), run.samples(), run.held
        layers, groups = _groups(run.matrices, activations(model))
        start = judged(model, held.x_test, held.y_test)[0]

        def error_of(bits):
            twin = rounded(model, samples, self.rule, *_of_layers(bits, layers))
            return judged(twin, held.x_test, held.y_test)[0]

        bits, error = narrowest(error_of, groups, start + self.tolerance, self.least, self.most)
        run.notes[self.kind] = {"bits": bits, "float_error": start, "error": error,
                                "is_tolerated": error <= start + self.tolerance}
        return _of_layers(bits, layers)


def _groups(weights, others) -> tuple[dict, list]:
    """``{group: names}``, and the groups that have any."""
    convolutions = [name for name, layer in weights.items() if isinstance(layer, nn.Conv2d)]
    layers = dict(zip(GROUPS, (convolutions, [name for name in weights
                                              if name not in convolutions], list(others)),
                      strict=True))
    return layers, [group for group in GROUPS if layers[group]]


def _of_layers(bits, layers) -> tuple[dict, dict]:
    """Bits of weights and of activations, by layer."""
    found = {group: dict.fromkeys(layers[group], width) for group, width in bits.items()}
    return (found.get(GROUPS[0], {}) | found.get(GROUPS[1], {})), found.get(GROUPS[2], {})
