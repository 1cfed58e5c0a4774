"""Batch norm and a stepwise activation, folded to integer comparisons per channel."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Bipolar, Format
from ..base import Edge, Ends, Node, frozen_bools, frozen_ints

__all__ = ["Threshold"]

MAX_FORMAT_BITS = 8
"""Widest output: 255 thresholds a channel."""


@dataclass(frozen=True, eq=False)
class Threshold(Node):
    """``out = levels[#(x >= thresholds of its channel)]``, counted downwards where ``invert``.

    ``levels`` are the ``T + 1`` values of ``format`` in ascending order, channels the last axis.
    Any monotone activation of few levels is of this form, batch norm before it included: sign
    (BNN, arXiv 1602.02830), k-bit ReLU (DoReFa, arXiv 1606.06160; HWGQ, arXiv 1702.00953),
    residual binarisation (ReBNet, arXiv 1711.01243); FINN calls it streamlining.

    Parameters
    ----------
    thresholds : int64 (n, T), rows not descending; (n,) where T is 1
    invert : bool (n,)
        True where the activation falls with ``x`` (gamma < 0): ``levels[T - #(...)]``.
    format : Format
        Of the result; :class:`~hwgen.numeric.Bipolar` makes it a sign.

    A threshold at or below the smallest value, or above the largest, never decides: so constants
    are written, as gamma = 0 needs.
    """

    kind: ClassVar[str] = "threshold"
    thresholds: np.ndarray
    invert: np.ndarray
    format: Format = Bipolar()

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "thresholds")
        self._freeze(frozen_bools, "invert")
        if not isinstance(self.format, Format):
            raise TypeError(f"{self.path}: format must be a Format, not {self.format!r}")

    @cached_property
    def table(self) -> np.ndarray:
        """The thresholds, int64 ``(n, T)``, read-only."""
        table = self.thresholds if self.thresholds.ndim == 2 else self.thresholds[:, np.newaxis]
        table.setflags(write=False)
        return table

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        if self.format.bits > MAX_FORMAT_BITS:
            return [f"format must have at most {MAX_FORMAT_BITS} bits, not {self.format}"]
        faults, n, steps = [], x.shape[-1], len(self.format.levels) - 1
        shapes = [(n, steps)] + [(n,)] * (steps == 1)
        if self.thresholds.shape not in shapes:
            wanted = " or ".join(map(str, shapes))
            faults.append(f"thresholds must be of shape {wanted} for {n} channels and the"
                          f" {steps + 1} levels of {self.format}, not {self.thresholds.shape}")
        if self.invert.shape != (n,):
            faults.append(f"invert must be of shape ({n},), not {self.invert.shape}")
        return faults + self._value_faults(x)

    def _value_faults(self, x: Edge) -> list[str]:
        faults, low, high = [], x.lo, x.hi + 1
        outside = np.argwhere((self.thresholds < low) | (self.thresholds > high))
        if len(outside):
            index = tuple(outside[0].tolist())
            faults.append(f"thresholds must be in {low}..{high} (the proven range of the input, and"
                          f" one more for never), not {int(self.thresholds[index])}"
                          f" at index {list(index)}")
        if self.thresholds.ndim == 2:
            falling = np.flatnonzero((np.diff(self.thresholds, axis=1) < 0).any(axis=1))
            if len(falling):
                row = self.thresholds[falling[0]].tolist()
                faults.append(f"thresholds of a channel must not descend, not {row}"
                              f" of channel {int(falling[0])}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        levels, steps = np.asarray(self.format.levels, np.int64), len(self.format.levels) - 1
        counts = [(self.table <= end[:, np.newaxis]).sum(axis=1) for end in x.ends.both]
        codes = np.where(self.invert, steps - np.stack(counts), np.stack(counts))
        reached = levels[np.sort(codes, axis=0)]
        return Edge(x.shape, self.format, self.format.min, self.format.max, Ends(*reached))
