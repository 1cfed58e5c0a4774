"""Configurations that no constant was fitted to: formats and foldings drawn from a seed."""

import numpy as np

from hwgen.numeric import Ternary
from hwgen.plan.stages import divisors

from .sweep import ONE, RESIDUAL, S2, SEED, U2, Case

__all__ = ["COUNT", "HELD_OUT", "drawn"]

COUNT = 10
"""Of each family."""

MAX_BITS, LEAST_PRODUCTS, MOST_PRODUCTS = 1 << 13, 32, 512
"""Of the weights, and products side by side: what yosys builds in seconds."""


def drawn(seed: int, count: int) -> tuple[Case, ...]:
    """So many cases; the same for the same seed."""
    rng, found = np.random.default_rng([SEED, seed]), []
    while len(found) < count:
        case = _draw(rng)
        size = case.n_out * case.n_in
        if size <= MAX_BITS and LEAST_PRODUCTS <= case.pe * case.simd <= MOST_PRODUCTS:
            found.append(case)
    return tuple(found)


def _draw(rng) -> Case:
    """Widths from 8 to 40 and 48 to 400, any divisors of them, any formats."""
    def pick(values):
        return values[int(rng.integers(len(values)))]

    n_out, n_in = int(rng.integers(8, 41)), int(rng.integers(48, 401))
    return Case(n_out, n_in, pick(divisors(n_out)), pick(divisors(n_in)),
                weights=pick((ONE, S2, Ternary(), RESIDUAL)), x=pick((ONE, U2, RESIDUAL)),
                out=pick((None, ONE, U2, RESIDUAL)), side=pick((False, True)),
                levels=pick((1, 2, 3)))


HELD_OUT = drawn(4, COUNT)
