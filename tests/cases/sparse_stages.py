"""Sparse stages with random weights, and boards for them."""

import numpy as np

from hwgen.ir import Dense, Edge, MatVec
from hwgen.numeric import Fixed
from hwgen.plan import Target
from hwgen.plan.stages import SparseStage

__all__ = ["TARGETS", "U6", "draw", "stage_of"]

U6 = Fixed(6, 0, False)
TARGETS = {
    "ecp5": Target("ulx3s-85f", "ecp5", "85k", "CABGA381", "6", 83640, 83640, 208, 18432, 156,
                   25_000_000),
    "ice40": Target("icebreaker", "ice40", "up5k", "sg48", "", 5280, 5280, 30, 4096, 8, 12_000_000),
}


def draw(seed, n_out, n_in, density):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-31, 32, (n_out, n_in)) * (rng.random((n_out, n_in)) < density)
    return weights, rng.integers(-100, 100, n_out)


def stage_of(weights, pe, queue_depth=8, *, bias=None, fmt=Fixed(6), post=None, x=U6, **storage):
    mat_vec = MatVec("fc", ("x",), Dense(weights, fmt), bias)
    edge = Edge((weights.shape[1],), x, x.min, x.max)
    return SparseStage(mat_vec, edge, post, pe, queue_depth, **storage)
