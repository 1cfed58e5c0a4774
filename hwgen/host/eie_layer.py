"""A layer of an EIE engine: integers alone."""

from dataclasses import dataclass

import numpy as np

from hwgen.numeric import SpecError, as_int, as_int64

__all__ = ["SparseLayer"]


@dataclass(frozen=True, eq=False)
class SparseLayer:
    """``clip((weights @ x + bias) >> shift, low, high)``: the shift floors.

    What rounds, a zero point and a multiplier are in ``weights`` and ``bias`` already.

    Parameters
    ----------
    name : str
    weights : int64 (n_out, n_in)
    bias : int64 (n_out,)
    shift, low, high : int
    threshold : int       with delta: an input is sent when it moved by more than this

    Raises
    ------
    SpecError    If shapes do not fit each other, or ``low``, 0 and ``high`` do not ascend.
    TypeError    If something is no integer.
    """

    name: str
    weights: np.ndarray
    bias: np.ndarray
    shift: int
    low: int
    high: int
    threshold: int = 0

    def __post_init__(self):
        where = f"layer '{self.name}'"
        for what in ("weights", "bias"):
            object.__setattr__(self, what, as_int64(getattr(self, what), f"{where}: {what}"))
        for what in ("shift", "low", "high", "threshold"):
            as_int(getattr(self, what), f"{where}: {what}")
        if self.weights.ndim != 2 or not self.weights.size:
            raise SpecError(f"{where}: weights must be a non-empty (n_out, n_in), not"
                            f" {self.weights.shape}")
        if self.bias.shape != self.weights.shape[:1]:
            raise SpecError(f"{where}: bias must be of shape {self.weights.shape[:1]}, not"
                            f" {self.bias.shape}")
        if not self.low <= self.high:
            raise SpecError(f"{where}: low and high must ascend, not be {self.low} and"
                            f" {self.high}")
        if self.shift < 0 or self.threshold < 0:
            raise SpecError(f"{where}: shift and threshold must be at least 0, not {self.shift}"
                            f" and {self.threshold}")

    @property
    def n_out(self) -> int:
        return self.weights.shape[0]

    @property
    def n_in(self) -> int:
        return self.weights.shape[1]

    def ends(self, least: int, most: int) -> tuple[int, int]:
        """The least and the largest sum, bias included, of inputs in ``least .. most``."""
        ends = [self.weights * least, self.weights * most]
        return (int((np.minimum(*ends).sum(axis=1) + self.bias).min()),
                int((np.maximum(*ends).sum(axis=1) + self.bias).max()))

    def __call__(self, x) -> np.ndarray:
        """Its results for ``x`` ``(n, n_in)``, int64 ``(n, n_out)``, by numpy."""
        sums = as_int64(x, "x") @ self.weights.T + self.bias
        return (sums >> self.shift).clip(self.low, self.high)
