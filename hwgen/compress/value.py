"""What a layer returns on the way to the integer network, and the checks that all share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hwgen.ir import Edge
from hwgen.numeric import SpecError

__all__ = ["FLOAT64_SAFE", "Value", "int64_of", "settled", "sound"]

FLOAT64_SAFE = 1 << 52
"""Below this magnitude float64 holds every integer and every half, so torch's sums are exact."""


@dataclass(frozen=True)
class Value:
    """What a layer returns: ``(integer - zero) * 2**-frac``.

    Members
    -------
    node : str           node that holds the integers
    edge : Edge or None  None for the module's input before a layer has declared its format
    size : int           channels: the elements of the last axis
    frac : int
    rows : (int64 (size,), int64 (size,)) or None
        Smallest and largest integer of each channel, where tighter than the edge's.
    spatial : (h, w) or None
        Of a map ``(batch, size, h, w)``, whose edge is ``(h, w, size)``; None for vectors.
    pending : tuple of callables on float64 tensors (batch, size)
        Monotone functions of each channel (scale, batch norm) that were applied to the integers,
        in order, and wait for an activation of a few levels.
    rises : bool
        None of ``pending`` falls.
    channel_frac : int64 (size,) or None
        Fraction bits of each channel, where they are not all ``frac``; an activation must follow.
    zero : int
        The integer that stands for 0: added to padding, folded into biases and thresholds, and
        taken off in front of what else depends on it (:mod:`hwgen.compress.centre`).
    has_no_step : bool
        The edge's format does not say ``frac``: a sum of shared weights, which are plain integers.
    """

    node: str
    edge: Edge | None
    size: int
    frac: int = 0
    rows: tuple[np.ndarray, np.ndarray] | None = None
    pending: tuple[Callable, ...] = ()
    spatial: tuple[int, int] | None = None
    rises: bool = True
    channel_frac: np.ndarray | None = None
    zero: int = 0
    has_no_step: bool = False

    @property
    def fracs(self) -> np.ndarray:
        """Fraction bits, one for all, int64 (), or of each channel, (size,)."""
        return np.asarray(self.frac if self.channel_frac is None else self.channel_frac, np.int64)


def settled(value: Value, *, any_frac: bool = False) -> Value:
    """``value`` if it is made of integers, as most layers need.

    And in one unit, but with ``any_frac``.
    """
    if value.edge is None:
        raise SpecError("input must be quantised: begin the module with QuantInput or"
                        " ThermometerInput")
    if value.pending:
        raise SpecError("input must not be a BatchNorm's output or of a scaled sum, which has no"
                        " exact form: put an activation of a few levels between (Sign ...), or fold"
                        " it with hwgen.compress.fold_batch_norm")
    if value.channel_frac is not None and not any_frac:
        raise SpecError("input must be in one unit, not with fraction bits of each group of"
                        " channels: put QuantActivation or QuantRescale behind a"
                        " DynamicQuantLinear")
    return value


def sound(node, *edges: Edge) -> Edge:
    """The edge that ``node`` makes of ``edges``; SpecError with the faults it finds."""
    faults = node.faults(*edges)
    if faults:
        raise SpecError("; ".join(faults))
    return node.infer(*edges)


def int64_of(tensor) -> np.ndarray:
    """The integers of a float tensor."""
    return tensor.detach().numpy().astype(np.int64)
