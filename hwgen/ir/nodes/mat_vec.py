"""Matrix times vector plus bias, exact."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import Fixed
from ..base import INT64_SAFE, Edge, Node, frozen_ints
from ..matrix import Matrix

__all__ = ["MatVec"]


@dataclass(frozen=True, eq=False)
class MatVec(Node):
    """``y = W x + bias``; ``W`` of shape ``(n_out, n_in)``, ``bias`` int64 ``(n_out,)`` or None.

    On the last axis: of a map of windows each becomes the ``n_out`` channels of a pixel. The
    result is the full-width accumulator: it is neither rounded nor cut.
    """

    kind: ClassVar[str] = "mat_vec"
    weights: Matrix
    bias: np.ndarray | None = None

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.weights, Matrix):
            found = type(self.weights).__name__
            raise TypeError(f"{self.path}: weights must be a Matrix, not {found}")
        if self.bias is not None:
            self._freeze(frozen_ints, "bias")

    @property
    def bias_or_zero(self) -> np.ndarray:
        """The bias, int64 ``(n_out,)``, zeros where there is none."""
        return self.bias if self.bias is not None else np.zeros(self.weights.shape[0], np.int64)

    def faults(self, x: Edge) -> list[str]:
        """Every rule broken with input ``x``."""
        faults = []
        n_out, n_in = self.weights.shape
        if x.shape[-1] != n_in:
            faults.append(f"input must be of shape {(*x.shape[:-1], n_in)} for weights"
                          f" {(n_out, n_in)}, not {x.shape}")
        if self.bias is not None and self.bias.shape != (n_out,):
            faults.append(f"bias must be of shape ({n_out},), not {self.bias.shape}")
        elif (worst := self.magnitude(max(abs(x.lo), abs(x.hi)))) >= INT64_SAFE:
            faults.append(f"accumulator must stay below 2**61, not reach {worst}")
        return faults

    def magnitude(self, largest: int) -> int:
        """What no sum of terms and bias, in any order, exceeds while ``abs(x) <= largest``.

        From the actual weights, in Python integers: the proof itself cannot overflow.
        """
        weights = np.abs(self.weights.to_dense())  # formats stay below 2**62: abs cannot wrap
        n_in = weights.shape[1]
        if int(weights.max()) * n_in >= 1 << 62:
            weights = weights.astype(object)
        rows = weights.sum(axis=1).tolist()
        biases = self.bias_or_zero.tolist()
        return max(row * largest + abs(b) for row, b in zip(rows, biases, strict=True))

    def _terms(self, x: Edge):
        w = self.weights.to_dense()
        return np.minimum(w * x.lo, w * x.hi), np.maximum(w * x.lo, w * x.hi)

    def infer(self, x: Edge) -> Edge:
        """The edge it makes of ``x``."""
        low, high = self._terms(x)
        lo = int((low.sum(axis=1) + self.bias_or_zero).min())
        hi = int((high.sum(axis=1) + self.bias_or_zero).max())
        frac = getattr(self.weights.format, "frac", 0) + getattr(x.format, "frac", 0)
        shape = (*x.shape[:-1], self.weights.shape[0])
        return Edge(shape, Fixed.covering(lo, hi, frac=frac), lo, hi)

    def partial_sum_range(self, x: Edge) -> tuple[int, int]:
        """Smallest and largest value any sum of any subset of the terms and the bias can take."""
        low, high = self._terms(x)
        lo = np.minimum(low, 0).sum(axis=1) + np.minimum(self.bias_or_zero, 0)
        hi = np.maximum(high, 0).sum(axis=1) + np.maximum(self.bias_or_zero, 0)
        return int(lo.min()), int(hi.max())
