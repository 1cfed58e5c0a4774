"""From wide accumulators back to narrow activations, in integers only."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import MAX_SHIFT, ROUNDINGS, Fixed, as_int, round_shift, saturate
from ..base import INT64_SAFE, Edge, Node, frozen_ints

__all__ = ["Requantise"]


@dataclass(frozen=True, eq=False)
class Requantise(Node):
    """``out[i] = saturate(round(x[i] * multiplier[i] / 2**shift))`` into ``format``.

    ``multiplier`` int64 ``(n,)`` per channel, which is the last axis, or ``(1,)`` per tensor; 1
    leaves a plain shift.
    ``rounding`` is one of :data:`hwgen.numeric.ROUNDINGS`. An unsigned ``format`` is a ReLU,
    clipped at its largest value. Follows integer-only inference (arXiv 1712.05877), with one
    rounding.
    """

    kind: ClassVar[str] = "requantise"
    multiplier: np.ndarray
    shift: int
    rounding: str
    format: Fixed

    def __post_init__(self):
        super().__post_init__()
        self._freeze(frozen_ints, "multiplier")
        self._freeze(as_int, "shift")
        if not isinstance(self.format, Fixed):
            raise TypeError(f"{self.path}: format must be Fixed, not {self.format!r}")

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = []
        if self.multiplier.shape not in ((1,), x.shape[-1:]):
            faults.append(f"multiplier must be of shape (1,) or {x.shape[-1:]},"
                          f" not {self.multiplier.shape}")
        if self.multiplier.size and self.multiplier.min() < 1:
            faults.append(f"multiplier must be at least 1, not {int(self.multiplier.min())}")
        if not 0 <= self.shift <= MAX_SHIFT:
            faults.append(f"shift must be in 0..{MAX_SHIFT}, not {self.shift}")
        if self.rounding not in ROUNDINGS:
            faults.append(f"rounding must be one of {list(ROUNDINGS)}, not {self.rounding!r}")
        if not faults:
            worst = max(abs(x.lo), abs(x.hi)) * int(self.multiplier.max()) + (1 << self.shift)
            if worst >= INT64_SAFE:
                faults.append(f"product must stay below 2**61, not reach {worst}")
        return faults

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        biggest = int(self.multiplier.max())
        smallest = int(self.multiplier.min())
        lo, hi = (
            int(saturate(round_shift(v, self.shift, self.rounding), self.format))
            for v in (x.lo * (biggest if x.lo < 0 else smallest),
                      x.hi * (smallest if x.hi < 0 else biggest))
        )
        return Edge(x.shape, self.format, lo, hi)
