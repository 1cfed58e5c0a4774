"""What an engine is sent and what must come back."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Frames", "octets_of"]


class Frames(NamedTuple):
    """Frames of all jobs, in order.

    Members
    -------
    weights, x, results : list of bytes     the last one empty for a job that sends none
    arrays : dict of str to array           operands and answers, to be stored with them
    cycles : int                            of all jobs, without stalls
    answers : list of int64 arrays          by numpy
    assemble : callable(values)             such a list of all values that came out, int64
    """

    weights: list
    x: list
    results: list
    arrays: dict
    cycles: int
    answers: list
    assemble: Callable


def octets_of(values, size: int) -> np.ndarray:
    """The lowest ``size`` bytes of each, uint8 ``(*values.shape, size)``."""
    values = np.ascontiguousarray(values, "<i8")
    return values.view(np.uint8).reshape(*values.shape, 8)[..., :size]
