"""The matrices and devices of the parts."""

import numpy as np

from hwgen.ir import Dense, Edge, MatVec
from hwgen.numeric import Fixed
from hwgen.plan.stages import FixedStage

from ..frame.devices import ecp5_target

__all__ = ["matrix_stage"]



def matrix_stage(size, *, seed: int, clk_hz: int, weight_bits: int = 8, x_bits: int = 8,
                 packing: str = "none") -> FixedStage:
    """Random weights over their whole width, signed inputs, every bit of the sums.

    ``size`` is ``(n_out, n_in, pe, simd)``. Registers stand as an ECP5 needs them at ``clk_hz``.
    """
    n_out, n_in, pe, simd = size
    weights, x = Fixed(weight_bits), Fixed(x_bits)
    values = np.random.default_rng(seed).integers(weights.min, weights.max + 1, (n_out, n_in))
    mat_vec, edge = MatVec("fc", ("x",), Dense(values, weights)), Edge((n_in,), x, x.min, x.max)
    result = mat_vec.infer(edge)
    levels = ecp5_target(clk_hz).adder_levels(clk_hz, Fixed.covering(result.lo, result.hi).bits)
    return FixedStage(mat_vec, edge, None, pe, simd, levels, packing=packing)
