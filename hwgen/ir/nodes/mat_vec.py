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
    """``y = W x + bias`` with ``W`` of shape ``(n_out, n_in)``, ``bias`` int64 ``(n_out,)`` or None.

    The result is the full-width accumulator: it is neither rounded nor cut.
    """

    kind: ClassVar[str] = "mat_vec"
    weights: Matrix
    bias: np.ndarray | None = None

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.weights, Matrix):
            raise TypeError(f"MatVec weights must be a Matrix, not {type(self.weights).__name__}")
        if self.bias is not None:
            object.__setattr__(self, "bias", frozen_ints(self.bias, "bias"))

    @property
    def bias_or_zero(self) -> np.ndarray:
        """The bias, int64 ``(n_out,)``, zeros where there is none."""
        return self.bias if self.bias is not None else np.zeros(self.weights.shape[0], np.int64)

    def faults(self, x: Edge) -> list[str]:
        faults = []
        n_out, n_in = self.weights.shape
        if x.shape != (n_in,):
            faults.append(f"input must be of shape ({n_in},) for weights {(n_out, n_in)},"
                          f" not {x.shape}")
        if self.bias is not None and self.bias.shape != (n_out,):
            faults.append(f"bias must be of shape ({n_out},), not {self.bias.shape}")
        elif (worst := self._worst_case(x)) >= INT64_SAFE:
            faults.append(f"accumulator must stay below 2**62, not reach {worst}")
        return faults

    def _worst_case(self, x: Edge) -> int:
        biggest_weight = max(abs(self.weights.format.min), abs(self.weights.format.max))
        biggest_bias = max(abs(int(self.bias_or_zero.min())), abs(int(self.bias_or_zero.max())))
        return biggest_weight * max(abs(x.lo), abs(x.hi)) * self.weights.shape[1] + biggest_bias

    def _terms(self, x: Edge):
        w = self.weights.to_dense()
        return np.minimum(w * x.lo, w * x.hi), np.maximum(w * x.lo, w * x.hi)

    def infer(self, x: Edge) -> Edge:
        low, high = self._terms(x)
        lo = int((low.sum(axis=1) + self.bias_or_zero).min())
        hi = int((high.sum(axis=1) + self.bias_or_zero).max())
        frac = getattr(self.weights.format, "frac", 0) + getattr(x.format, "frac", 0)
        return Edge((self.weights.shape[0],), Fixed.covering(lo, hi, frac=frac), lo, hi)

    def partial_sum_range(self, x: Edge) -> tuple[int, int]:
        """Smallest and largest value any sum of any subset of the terms and the bias can take."""
        low, high = self._terms(x)
        lo = np.minimum(low, 0).sum(axis=1) + np.minimum(self.bias_or_zero, 0)
        hi = np.maximum(high, 0).sum(axis=1) + np.maximum(self.bias_or_zero, 0)
        return int(lo.min()), int(hi.max())
