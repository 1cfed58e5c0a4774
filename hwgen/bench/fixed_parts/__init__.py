"""Parts of the benchmark of fixed-point cores; see :mod:`hwgen.bench.binary_parts`."""

from . import (
    constant_matrix,
    folded_ecp5,
    folded_large,
    folded_up5k,
    mnist,
    packing,
    requantise,
    systolic,
    trained_mlp,
)

__all__ = ["PARTS"]

PARTS = {
    "folded-ecp5": folded_ecp5,
    "folded-large": folded_large,
    "packing": packing,
    "requantise": requantise,
    "folded-up5k": folded_up5k,
    "constant-matrix": constant_matrix,
    "trained-mlp": trained_mlp,
    "mnist": mnist,
    "systolic": systolic,
}
"""Name -> module, in the order of the table."""
