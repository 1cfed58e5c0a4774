"""The nine layers pruned to as many nonzeros in each element, as ESE does (arXiv 1612.00694).

All over the matrix, which evens out nothing while it runs; or in each column, which does.
"""

import numpy as np

from hwgen.plan.stages.sparse_storage import Columns

from ..frame.row import Row
from .works import DEPTH, LAYERS, PES, SEED, SIZES, columns_of, timing_of

__all__ = ["KEY", "lacking", "measure", "per_column", "per_element"]

DEEP = 64
KEY = (SIZES, PES, DEPTH, DEEP, SEED)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cycles over nonzeros used by PEs, which is what they would take without any loss."""
    for number, layer in enumerate(LAYERS.values()):
        bench.tell(number / len(LAYERS), str(layer))
        work = {"work": f"{layer}, as many nonzeros in each element", "seed": SEED}
        whole, even = (columns_of(layer, nonzeros=draw(layer))
                       for draw in (per_element, per_column))
        for depth in (DEPTH, DEEP):
            yield Row(**work, metric=f"in the whole matrix, FIFOs of {depth}",
                      value=_excess(layer, whole, depth))
        yield Row(**work, metric=f"in each column, FIFOs of {DEPTH}",
                  value=_excess(layer, even, DEPTH), must="<= 1.03", stretch="<= 1.01")


def _excess(layer, columns: Columns, depth: int) -> float:
    used = int((columns.counts @ layer.busy[0]).sum())
    cycles = int(timing_of(layer, columns, depth).finishes(layer.busy)[0])
    return round(cycles * PES / used, 4)


def per_element(layer) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns: each element the same number of nonzeros, anywhere in its rows."""
    rng, rows, columns = np.random.default_rng(SEED), [], []
    count = round(layer.n_out * layer.n_in * layer.weights / PES)
    for k in range(PES):
        own = len(range(k, layer.n_out, PES))
        places = rng.choice(own * layer.n_in, count, replace=False)
        rows.append(places // layer.n_in * PES + k)
        columns.append(places % layer.n_in)
    return np.concatenate(rows), np.concatenate(columns)


def per_column(layer) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns: in each column every element has the same number of nonzeros.

    The numbers of two columns differ by one at most; which have more is random.
    """
    rng, rows, columns = np.random.default_rng(SEED), [], []
    mean = layer.n_out * layer.weights / PES
    counts = np.floor(mean + rng.permutation(layer.n_in) / layer.n_in).astype(np.int64)
    for k in range(PES):
        own = len(range(k, layer.n_out, PES))
        # The rows of the smallest numbers: as many as the column has, each with the same chance.
        order = np.argsort(rng.random((layer.n_in, own)), axis=1)
        column, place = np.nonzero(np.arange(own) < np.minimum(counts, own)[:, None])
        rows.append(order[column, place] * PES + k)
        columns.append(column)
    return np.concatenate(rows), np.concatenate(columns)
