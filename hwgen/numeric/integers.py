"""The two gates every number passes: whole numbers only, and nothing that int64 cannot hold."""

import operator

import numpy as np

from .errors import SpecError

__all__ = ["as_array", "as_int", "as_int64"]


def as_int(value, what: str) -> int:
    """Python int of a Python or numpy integer; TypeError for bool, float and all else."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{what} must be an int, not {value!r}")
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{what} must be an int, not {value!r}") from error


def as_array(x, what: str) -> np.ndarray:
    """``numpy.asarray(x)``; TypeError for lists of different lengths."""
    try:
        return np.asarray(x)
    except ValueError as error:
        raise TypeError(f"{what} must be an array, not lists of different lengths") from error


def as_int64(x, what: str) -> np.ndarray:
    """A new int64 array of the integers (or bools) ``x``.

    Raises
    ------
    TypeError   If ``x`` holds anything but integers: whole numbers stored as floats, too.
    SpecError   If an integer does not fit int64.
    """
    array = as_array(x, what)
    if array.dtype.kind == "O" and array.size and all(isinstance(v, int) for v in array.flat):
        raise SpecError(f"{what} must fit int64, not reach {max(array.flat, key=abs)}")
    if array.dtype.kind not in "iub":
        raise TypeError(f"{what} must be integers, not {array.dtype}")
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise SpecError(f"{what} must fit int64, not reach {int(array.max())}")
    return array.astype(np.int64)
