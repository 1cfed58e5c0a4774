"""Sparse engines and matrices that several tests share."""

import numpy as np

from hwgen.host.csr import Csr
from hwgen.host.spmv import SpmvHost
from hwgen.numeric import Fixed
from hwgen.plan.engines import SpmvSpec
from hwgen.plan.engines.spmv_timing import SpmvJob

__all__ = ["MATRICES", "drawn", "host_of", "jobs_of", "product", "spec_of", "vector"]

MATRICES = {    # lanes, columns, slots, x_lanes; rows, columns, density
    "one entry": ((1, 1, 1, 1), (1, 1, 1.0)),
    "one lane": ((1, 8, 4, 2), (3, 7, 0.5)),
    "dense": ((4, 8, 4, 4), (9, 8, 1.0)),
    "one row": ((4, 16, 2, 2), (1, 13, 1.0)),
    "one column": ((3, 4, 3, 1), (8, 1, 1.0)),
    "tiles of columns": ((3, 8, 8, 2), (11, 21, 0.3)),
    "groups of rows": ((2, 16, 3, 4), (19, 13, 0.3)),
    "both": ((3, 4, 2, 2), (15, 11, 0.25)),
    "hardly anything": ((4, 8, 40, 4), (80, 8, 0.03)),      # steps too far for one entry
    "empty tiles": ((2, 4, 4, 2), (8, 40, 0.02)),
}
"""Sizes that divide and that do not, densities from nearly 0 to 1, tiles and groups."""


def spec_of(sizes, x=None, weights=None, **more) -> SpmvSpec:
    """An engine of ``(lanes, columns, slots, x_lanes)``."""
    lanes, columns, slots, x_lanes = sizes
    return SpmvSpec(lanes=lanes, columns=columns, slots=slots, x_lanes=x_lanes, x=x or Fixed(7),
                    weights=weights or Fixed(6), terms=more.pop("terms", 64), **more)


def host_of(spec: SpmvSpec) -> SpmvHost:
    """Its host, as one reads the manifest."""
    return SpmvHost.from_manifest(spec.to_dict())


def drawn(rng, spec, m, n, density, *, extreme=False) -> Csr:
    """A matrix of the whole range of the format, or of its ends; as many entries as that is."""
    count = max(1, round(density * m * n))
    places = np.sort(rng.choice(m * n, count, replace=False))
    low, high = spec.weights.min, spec.weights.max
    values = rng.choice([low or high, high], count) if extreme else rng.integers(
        low, high, count, endpoint=True)
    values[values == 0] = high
    values[0] = low or high
    return Csr.of((m, n), places // n, places % n, values)


def vector(rng, spec, n, *, extreme=False) -> np.ndarray:
    """int64 ``(n,)``, as :func:`drawn`."""
    x = rng.choice([spec.x.min, spec.x.max], n) if extreme else rng.integers(
        spec.x.min, spec.x.max, n, endpoint=True)
    x[0] = spec.x.min
    return x


def product(matrix: Csr, x) -> np.ndarray:
    """``matrix @ x`` by Python's integers, term by term."""
    y = [0] * matrix.shape[0]
    for row, column, value in zip(matrix.rows.tolist(), matrix.columns.tolist(),
                                  matrix.values.tolist(), strict=True):
        y[row] += value * int(x[column])
    return np.array(y)


def jobs_of(frames) -> list[SpmvJob]:
    """What ``SpmvSpec.cycles_of`` wants of frames that are sent one after another."""
    return [SpmvJob(job.columns, job.slots, job.beats, bool(job.result_bytes)) for job in frames]
