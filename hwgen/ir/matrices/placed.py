"""Matrices of a few numbers, each set at known places: circulant, hashed, factors of structures."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...numeric import Format, SpecError
from ..base import frozen_ints
from .structured import Structured

__all__ = ["Placed"]


@dataclass(frozen=True, eq=False)
class Placed(Structured):
    """Every entry one of a few numbers, by its place and with a sign, or 0.

    ``w[i, j] = signs[i, j] * numbers[places[i, j]]``, and 0 where the place is -1. Block-circulant
    matrices (CirCNN, arXiv 1708.08917), the hashing trick (arXiv 1504.04788) and the factors of
    tensor trains (arXiv 1509.06569), of Fastfood (arXiv 1412.7149) and of low displacement rank
    (arXiv 1510.01722). Places and signs follow from a few sizes, or from a seed, so that no bits
    are counted for them; a network file holds them as they are.

    Parameters
    ----------
    numbers : int64 (n,)           each has a place
    places : int64 (n_out, n_in)   the number of each entry, -1 where it is 0
    format : Format                of the numbers and of the entries
    signs : int64 (n_out, n_in)    +1 or -1; all +1 unless given

    Raises
    ------
    SpecError   If ``places`` is no non-empty matrix of such numbers, a number has no place, a sign
                is another value, or a number or an entry is not allowed by ``format``.
    TypeError   If something that should be an integer is none.
    """

    kind: ClassVar[str] = "placed"
    numbers: np.ndarray
    places: np.ndarray
    format: Format
    signs: np.ndarray | None = None

    def __post_init__(self):
        if not isinstance(self.format, Format):
            raise TypeError(f"weights format must be a Format, not {self.format!r}")
        numbers, places = (frozen_ints(getattr(self, what), what) for what in ("numbers", "places"))
        if places.ndim != 2 or places.size == 0:
            raise SpecError(f"places must be a non-empty (n_out, n_in), not {places.shape}")
        if numbers.ndim != 1:
            raise SpecError(f"numbers must be of shape (n,), not {numbers.shape}")
        if places.min() < -1 or places.max() >= len(numbers):
            raise SpecError(f"places must be in -1..{len(numbers) - 1}, not"
                            f" {int(places.min())}..{int(places.max())}")
        count = np.bincount(places[places >= 0], minlength=len(numbers))
        if (count == 0).any():
            raise SpecError(f"numbers must have a place each, and number {int(count.argmin())} has"
                            f" none: leave it out")
        self.format.require(numbers, "numbers")
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "signs", self._checked_signs())
        self.to_dense()

    def _checked_signs(self):
        if self.signs is None:
            return None
        signs = frozen_ints(self.signs, "signs")
        if signs.shape != self.places.shape:
            raise SpecError(f"signs must be of the shape of places, {self.places.shape}, not"
                            f" {signs.shape}")
        wrong = signs[np.abs(signs) != 1]
        if wrong.size:
            raise SpecError(f"signs must be +1 or -1, not {int(wrong[0])}")
        return signs

    @classmethod
    def of(cls, values, places, format: Format, signs=None) -> "Placed":
        """The matrix ``values`` (n_out, n_in), whose entries are as ``places`` and ``signs`` say.

        Numbers that have no place are left out, and each is what stands at the first place that it
        has: the other signs are those beside it.

        Raises
        ------
        SpecError   If entries of a number differ in more than their signs, or others are not 0.
        """
        values, places = frozen_ints(values, "weights"), np.asarray(places)
        used = places >= 0
        _, first, which = np.unique(places[used], return_index=True, return_inverse=True)
        numbered, beside = np.full(places.shape, -1), np.ones(places.shape, np.int64)
        numbered[used] = which
        if signs is not None:
            given = np.asarray(signs, np.int64)[used]
            beside[used] = given * given[first][which]
        numbers = values[used][first]
        found = np.zeros(places.shape, np.int64)
        found[used] = numbers[which] * beside[used]
        if not np.array_equal(found, values):
            raise SpecError("entries of a number must be equal but for their signs, and all others"
                            " 0, to be placed, and are not")
        return cls(numbers, numbered, format, beside if (beside < 0).any() else None)

    @property
    def stored_parts(self) -> dict[str, int]:
        """Each number once."""
        return {"weights": self.numbers.size * self.number_bits}

    def _worked_out(self) -> np.ndarray:
        entries = np.append(self.numbers, 0)[self.places]     # place -1 reads the last one
        return entries if self.signs is None else entries * self.signs
