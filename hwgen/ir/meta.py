"""The notes of a network: plain values that a JSON document gives back unchanged."""

import math

import numpy as np

from ..numeric import SpecError

__all__ = ["plain"]


def plain(value, path: str):
    """A copy of ``value`` in dict, list, str, int, float, bool and None alone.

    Raises
    ------
    TypeError   If something in it is of another type; the message says where.
    SpecError   If a float is NaN or infinite: JSON has no way to write it.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{path} keys must be str, not {key!r}")
        return {key: plain(item, f"{path}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise SpecError(f"{path} must be finite, not {value!r}")
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{path} must be JSON-ready (dict, list, str, number, bool, None),"
                    f" not {value!r}")
