"""What matrices share whose entries follow from fewer numbers."""

from abc import abstractmethod
from functools import cached_property

import numpy as np

from ...numeric import Codebook, Fixed
from .base import Matrix
from .dense import Dense
from .shared import Shared

__all__ = ["Structured"]


class Structured(Matrix):
    """A matrix whose entries follow from fewer numbers, in a way for which there is no core.

    It runs on a core that takes any entries: a planner sees :meth:`laid_out`.
    """

    @cached_property
    def _dense(self) -> Dense:
        return Dense(self._worked_out(), self.format)

    @abstractmethod
    def _worked_out(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``; each must be in ``format``."""

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self._dense.values

    @property
    @abstractmethod
    def stored_parts(self) -> dict[str, int]:
        """Bits that say all entries, by what they say."""

    @property
    def stored_bits(self) -> int:
        """Those of all parts."""
        return sum(self.stored_parts.values())

    @property
    def number_bits(self) -> int:
        """Of a number by itself: of ``format``, in two's complement where that is a codebook."""
        if isinstance(self.format, Codebook):
            return Fixed.covering(self.format.min, self.format.max).bits
        return self.format.bits

    def laid_out(self) -> Dense | Shared:
        """The same matrix as the kind that gives every entry: :class:`Shared` of a codebook."""
        if isinstance(self.format, Codebook):
            return Shared.of(self.to_dense())
        return self._dense
