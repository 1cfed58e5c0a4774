"""Matrices of which every entry is given."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Format, SpecError
from ..base import frozen_ints
from .base import Matrix

__all__ = ["Dense", "Loaded"]


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


class Loaded(Dense):
    """Entries that may be exchanged for any others of ``format`` once the hardware is there.

    ``values`` are the first ones. What holds of all that may follow is taken from the format: every
    sum that the hardware forms is as wide as the worst matrix of this shape needs.
    """

    kind: ClassVar[str] = "loaded"
    is_loaded: ClassVar[bool] = True

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest value of the format, for each entry."""
        return (np.broadcast_to(np.int64(self.format.min), self.shape),
                np.broadcast_to(np.int64(self.format.max), self.shape))
