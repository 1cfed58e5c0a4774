"""Systolic engines and products that several tests share."""

import numpy as np

from hwgen.host.systolic import SystolicHost
from hwgen.numeric import Fixed
from hwgen.plan.engines import SystolicSpec

__all__ = ["PRODUCTS", "host_of", "operands", "product", "spec_of"]

S8, U8 = Fixed(8), Fixed(8, signed=False)

PRODUCTS = [    # rows, columns, depth, tiles; m, k, n
    ((1, 1, 1, 1), (1, 1, 1)),
    ((1, 1, 4, 4), (9, 4, 3)),
    ((1, 1, 3, 16), (1, 16, 1)),        # each sum waits for the one before
    ((1, 5, 2, 9), (3, 9, 11)),
    ((6, 1, 4, 2), (5, 12, 3)),
    ((2, 2, 1, 8), (3, 13, 3)),
    ((2, 3, 16, 4), (16, 8, 3)),        # everything divides
    ((3, 4, 16, 4), (5, 7, 9)),         # nothing does
    ((4, 4, 5, 6), (11, 21, 10)),
    ((5, 3, 7, 3), (7, 11, 4)),         # a command is more than one beat
    ((8, 2, 16, 4), (20, 30, 3)),
    ((8, 2, 3, 4), (7, 30, 3)),         # weights take longer than vectors
    ((3, 5, 12, 2), (20, 4, 9)),
]
"""Every ratio of vectors to rows, sizes that divide and that do not, and one of each."""


def spec_of(sizes, x=S8, weights=S8, **more) -> SystolicSpec:
    """An engine of ``(rows, columns, depth, tiles)``."""
    rows, columns, depth, tiles = sizes
    return SystolicSpec(rows=rows, columns=columns, depth=depth, tiles=tiles, x=x,
                        weights=weights, **more)


def operands(rng, spec, m, k, n, *, extreme=False):
    """int64 ``(m, k)`` and ``(k, n)`` of the whole range of the formats, or of its ends alone."""
    def draw(shape, fmt):
        if extreme:
            return rng.choice([fmt.min, fmt.max], shape)
        return rng.integers(fmt.min, fmt.max, shape, endpoint=True)

    a, b = draw((m, k), spec.x), draw((k, n), spec.weights)
    a[0], b[:, 0] = spec.x.min, spec.weights.min
    return a, b


def product(a, b) -> np.ndarray:
    """``a @ b`` by Python's integers, each sum term by term: the reference of the host's numpy."""
    return np.array([[sum(int(x) * int(w) for x, w in zip(row, column, strict=True))
                      for column in b.T] for row in a])


def host_of(spec: SystolicSpec) -> SystolicHost:
    """Its host, as one reads the manifest."""
    return SystolicHost.from_manifest(spec.to_dict())
