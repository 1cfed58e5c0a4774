"""Matrices of depthwise convolutions: each output reads one channel."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Format, SpecError, as_int
from ..base import frozen_ints
from .base import Matrix
from .dense import Dense

__all__ = ["LoadedPerChannel", "PerChannel"]


@dataclass(frozen=True, eq=False)
class PerChannel(Matrix):
    """Each output reads one channel: behind its windows, a depthwise convolution.

    ``w[k, t * c + k // multiplier] = values[k, t]`` with ``c = n_out / multiplier`` channels, and 0
    elsewhere: inputs are ``taps`` pixels of ``c`` channels, as :class:`SlidingWindow` sends them,
    and a channel has ``multiplier`` outputs, one after another, as torch has them with
    ``groups = c``. Ones add up a window.

    Parameters
    ----------
    values : int64 (n_out, taps)
    format : Format                 one that holds 0, as most entries are
    multiplier : int                a divisor of n_out

    Raises
    ------
    SpecError   If ``values`` is not a non-empty matrix of integers allowed by ``format``, that has
                no 0, or ``multiplier`` does not divide.
    TypeError   If something that should be an integer is none.
    """

    kind: ClassVar[str] = "per-channel"
    values: np.ndarray
    format: Format
    multiplier: int = 1

    def __post_init__(self):
        given = Dense(self.values, self.format)
        if not self.format.allowed(0):
            raise SpecError(f"weights format must hold 0, as most entries of a matrix per channel"
                            f" are, not {self.format}")
        multiplier = as_int(self.multiplier, "multiplier")
        if multiplier < 1 or len(given.values) % multiplier:
            raise SpecError(f"multiplier must divide n_out = {len(given.values)}, not {multiplier}")
        object.__setattr__(self, "values", given.values)
        object.__setattr__(self, "multiplier", multiplier)

    @property
    def structure(self) -> str:
        return (f"{self.channels} channels of {self.taps} taps, {self.multiplier} outputs each, of"
                f" {self.format}")

    @property
    def taps(self) -> int:
        """Inputs that an output reads."""
        return self.values.shape[1]

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return len(self.values) // self.multiplier

    @property
    def stored_bits(self) -> int:
        """Those of the values: where they stand follows from the kind."""
        return self.values.size * self.format.bits

    def _placed(self, values) -> np.ndarray:
        """``values``, of shape (n_out, taps) or one for all, where the entries stand."""
        n_out, taps = self.values.shape
        dense = np.zeros((n_out, taps, self.channels), np.int64)
        rows = np.arange(n_out)
        dense[rows, :, rows // self.multiplier] = values
        return frozen_ints(dense.reshape(n_out, -1), "weights")

    @cached_property
    def _entries(self) -> np.ndarray:
        return self._placed(self.values)

    def to_dense(self) -> np.ndarray:
        """The entries, int64 ``(n_out, n_in)``, read-only."""
        return self._entries


class LoadedPerChannel(PerChannel):
    """Values that may be exchanged for any others of ``format``; where they stand stays.

    As of :class:`Loaded`, what holds of all that may follow is taken from the format.
    """

    kind: ClassVar[str] = "loaded-per-channel"
    is_loaded: ClassVar[bool] = True

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest value of the format, for each entry that is not always 0."""
        return self._placed(self.format.min), self._placed(self.format.max)
