"""Blocks of a matrix that are all zero or nearly full: they may share an index."""

from collections.abc import Mapping

import numpy as np

__all__ = ["blocks_of", "fill", "is_block"]

LEAST_FILL = 0.85
"""Share of nonzeros in blocks that have any, above which a matrix was pruned in such blocks."""

SHAPES = ((1, 2), (2, 1), (2, 2), (1, 4), (4, 1), (1, 8), (8, 1), (3, 3), (4, 4), (8, 8))
"""Rows and columns of blocks that are looked for: 1xk, kx1 and kxk."""


def fill(dense, rows: int, columns: int) -> float:
    """Share of nonzeros in the blocks that have any; 0 where blocks do not divide the matrix."""
    if dense.shape[0] % rows or dense.shape[1] % columns:
        return 0.0
    grid = dense.reshape(-1, rows, dense.shape[1] // columns, columns)
    counts = np.count_nonzero(grid, axis=(1, 3))
    return float(counts.sum() / max(1, np.count_nonzero(counts) * rows * columns))


def is_block(choice: Mapping) -> bool:
    """Whether ``choice`` has blocks of more than one weight."""
    return choice.get("block_rows", 1) != 1 or choice.get("block_columns", 1) != 1


def blocks_of(weights, choice: Mapping) -> list[dict]:
    """What to try of blocks, as choices: none, and the largest ones that are nearly full.

    What ``choice`` names stands alone.
    """
    if "block_rows" in choice or "block_columns" in choice:
        return [{}]
    dense = weights.to_dense()
    full = [shape for shape in SHAPES if fill(dense, *shape) >= LEAST_FILL]
    return [{}] + [{"block_rows": rows, "block_columns": columns}
                   for rows, columns in full[-1:]]
