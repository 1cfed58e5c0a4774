"""The gate of the network: only integers of the declared shape and format pass."""

import numpy as np

from ..ir import Input
from ..numeric import SpecError, as_array, as_int64

__all__ = ["accept"]


def accept(node: Input, x) -> np.ndarray:
    """``x`` as int64, of shape ``(batch, *node.shape)`` or ``node.shape``; never changed in value.

    Raises
    ------
    TypeError   If ``x`` holds floats, even whole ones: scaling is the caller's to decide.
    SpecError   If the shape is another, or a value lies outside ``node.format``; with its index.
    """
    found = as_array(x, f"{node.path}: values")
    if found.dtype.kind == "f":
        raise TypeError(f"{node.path}: values must be integers, not {found.dtype}:"
                        f" scale and round them to {node.format} first")
    values = as_int64(found, f"{node.path}: values")
    if node.shape not in (values.shape, values.shape[1:]):
        batches = ", ".join(["batch", *map(str, node.shape)])
        raise SpecError(f"{node.path}: values must be of shape {node.shape} or ({batches}),"
                        f" not {values.shape}")
    node.format.require(values, f"{node.path}: values")
    return values
