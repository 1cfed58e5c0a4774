"""Matrices whose entries share the values of a codebook."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Codebook, Fixed, SpecError, as_int
from ..base import frozen_ints
from .base import Matrix

__all__ = ["LoadedShared", "Shared"]


@dataclass(frozen=True, eq=False)
class Shared(Matrix):
    """Every entry one of ``K`` centroids, given by its number (Deep Compression, arXiv 1510.00149).

    Parameters
    ----------
    indices : int64 (n_out, n_in)    ``0 .. K - 1``
    centroids : int64 (K,)           ascending

    Raises
    ------
    SpecError   If ``indices`` are no non-empty matrix of such numbers, or ``centroids`` do not
                ascend.
    TypeError   If they are not integers.
    """

    kind: ClassVar[str] = "shared"
    indices: np.ndarray
    centroids: np.ndarray

    def __post_init__(self):
        indices, centroids = (frozen_ints(getattr(self, what), what)
                              for what in ("indices", "centroids"))
        if centroids.ndim != 1 or centroids.size == 0 or (np.diff(centroids) <= 0).any():
            raise SpecError(f"centroids must be one or more ascending integers (K,), not"
                            f" {centroids.tolist()}")
        if indices.ndim != 2 or indices.size == 0:
            raise SpecError(f"indices must be a non-empty (n_out, n_in), not {indices.shape}")
        if indices.min() < 0 or indices.max() >= len(centroids):
            raise SpecError(f"indices must be in 0..{len(centroids) - 1}, not"
                            f" {int(indices.min())}..{int(indices.max())}")
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "centroids", centroids)

    @classmethod
    def of(cls, values) -> "Shared":
        """The matrix ``values`` (n_out, n_in), every value that is in it a centroid."""
        values = frozen_ints(values, "weights")
        centroids, indices = np.unique(values, return_inverse=True)
        return cls(indices.reshape(values.shape), centroids)

    @cached_property
    def format(self) -> Codebook:
        """The centroids."""
        return Codebook(tuple(self.centroids.tolist()))

    @property
    def structure(self) -> str:
        return f"{self.shape} of shared centroids"

    @property
    def stored_bits(self) -> int:
        """A number for each entry, and the centroids once, in two's complement."""
        ends = Fixed.covering(min(0, self.format.min), max(0, self.format.max))
        return self.indices.size * self.format.bits + self.centroids.size * ends.bits

    @cached_property
    def _values(self) -> np.ndarray:
        return frozen_ints(self.centroids[self.indices], "weights")

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self._values


@dataclass(frozen=True, eq=False)
class LoadedShared(Shared):
    """Centroids, and their numbers, that may be exchanged for any others.

    Parameters
    ----------
    bits : int, optional    of a centroid in two's complement; as the first ones need unless given
    most : int, optional    centroids but 0 at most; as many as the first ones unless given

    Raises
    ------
    SpecError   As :class:`Shared`; or if the centroids are more, or have more bits.
    """

    kind: ClassVar[str] = "loaded-shared"
    is_loaded: ClassVar[bool] = True
    bits: int | None = None
    most: int | None = None

    def __post_init__(self):
        super().__post_init__()
        ends = Fixed.covering(min(-1, self.format.min), max(0, self.format.max))
        bits = ends.bits if self.bits is None else as_int(self.bits, "bits of a centroid")
        count = max(1, int(np.count_nonzero(self.centroids)))
        most = count if self.most is None else as_int(self.most, "most centroids")
        if ends.bits > bits or count > most:
            raise SpecError(f"centroids must be at most {most} but 0, of at most {bits} bits, as"
                            f" the hardware has them, not {count} of {ends.bits} bits")
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "most", most)

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest centroid that there can be, for each entry."""
        ends = Fixed(self.bits)
        return (np.broadcast_to(np.int64(ends.min), self.shape),
                np.broadcast_to(np.int64(ends.max), self.shape))
