"""Golden matrix-vector product."""

import numpy as np

from ..ir import MatVec
from ..ir.base import INT64_SAFE
from ..numeric import SpecError

__all__ = ["mat_vec"]

EXACT_FLOAT64 = 1 << 53
"""Float64 holds every integer up to this magnitude."""


def mat_vec(node: MatVec, x: np.ndarray) -> np.ndarray:
    """``x @ W.T + bias`` of int64 ``x`` (batch, ..., n_in): int64 (batch, ..., n_out), exact.

    Where no sum of terms, in whatever order, can reach 2**53 the product runs in float64: each
    intermediate value is an integer that float64 holds exactly, and BLAS is many times faster than
    numpy's int64 loops. Otherwise it runs in int64, proven not to overflow.

    Raises
    ------
    SpecError   If ``x`` is so large that int64 could overflow; not for the values of an edge.
    """
    weights = node.weights.to_dense()
    largest = max(abs(int(x.min())), abs(int(x.max()))) if x.size else 0
    bound = node.magnitude(largest)
    if bound >= INT64_SAFE:
        raise SpecError(f"{node.path}: accumulator must stay below 2**61, not reach {bound}")
    if bound < EXACT_FLOAT64:
        vectors = x.reshape(-1, weights.shape[1]).astype(np.float64)
        product = (vectors @ weights.T.astype(np.float64)).astype(np.int64)
        product = product.reshape(*x.shape[:-1], weights.shape[0])
    else:
        product = x @ weights.T
    return product + node.bias_or_zero
