"""What every kind of matrix answers."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ...numeric import Format

__all__ = ["Matrix"]


class Matrix(ABC):
    """A constant integer matrix of shape ``(n_out, n_in)`` whose entries are in ``format``."""

    kind: ClassVar[str]
    is_loaded: ClassVar[bool] = False
    """Whether the entries may be exchanged once the hardware is there."""
    format: Format

    @property
    def structure(self) -> str:
        """What stays as it is where entries are exchanged, in words."""
        return f"{self.shape} of {self.format}"

    @abstractmethod
    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest value that each entry can have: the entries themselves."""
        dense = self.to_dense()
        return dense, dense

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest value that any entry can have."""
        least, most = self.bounds
        return int(least.min()), int(most.max())

    @property
    def stored_bits(self) -> int:
        """Bits that say all entries; one code of ``format`` each unless the kind has other ones."""
        return self.to_dense().size * self.format.bits

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
