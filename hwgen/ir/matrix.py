"""Integer matrices. A matrix says WHAT its entries are; storage is chosen by the design."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..numeric import Format, SpecError
from .base import frozen_ints

__all__ = ["MATRIX_KINDS", "Dense", "Matrix"]


class Matrix(ABC):
    """A constant integer matrix of shape ``(n_out, n_in)`` whose entries are in ``format``."""

    kind: ClassVar[str]
    format: Format

    @abstractmethod
    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_out, n_in)``."""
        return self.to_dense().shape

    @property
    def nonzeros(self) -> int:
        """Entries that are not 0."""
        return int(np.count_nonzero(self.to_dense()))

    @property
    def density(self) -> float:
        """Nonzeros over all entries."""
        return self.nonzeros / self.to_dense().size


@dataclass(frozen=True, eq=False)
class Dense(Matrix):
    """Every entry given.

    Raises
    ------
    SpecError   If ``values`` is not a non-empty matrix of integers allowed by ``format``.
    TypeError   If ``values`` are not integers.
    """

    kind: ClassVar[str] = "dense"
    values: np.ndarray
    format: Format

    def __post_init__(self):
        if not isinstance(self.format, Format):
            raise TypeError(f"weights format must be a Format, not {self.format!r}")
        values = frozen_ints(self.values, "weights")
        if values.ndim != 2 or values.size == 0:
            raise SpecError(f"weights must be a non-empty (n_out, n_in), not {values.shape}")
        self.format.require(values, "weights")
        object.__setattr__(self, "values", values)

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self.values


MATRIX_KINDS = {cls.kind: cls for cls in (Dense,)}
