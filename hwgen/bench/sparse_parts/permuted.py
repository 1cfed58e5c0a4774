"""Rows dealt out to the elements at compile time: cycles before and after, no weight changed.

Rows of random nonzeros are already close to even; rows of a trained layer are not. For these stand
layers whose rows have densities of a log-normal distribution (sigma 0.5).
"""

import numpy as np

from hwgen.plan import row_order

from ..frame.row import Row
from .works import DEPTH, LAYERS, PES, SEED, SIZES, columns_of, timing_of

__all__ = ["KEY", "UNEVEN", "lacking", "measure", "reordered", "uneven"]

UNEVEN, SIGMA = ("Alex-7", "VGG-7", "NT-LSTM"), 0.5
KEY = (SIZES, UNEVEN, SIGMA, PES, DEPTH, SEED)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """For each layer what the fullest element has to do, and the cycles of a vector."""
    works = [(str(layer), layer, layer.nonzeros) for layer in LAYERS.values()]
    works += [(f"{name}, rows unequally dense", LAYERS[name], uneven(LAYERS[name]))
              for name in UNEVEN]
    for number, (name, layer, nonzeros) in enumerate(works):
        bench.tell(number / len(works), name)
        work = {"work": f"{name}, rows dealt out", "seed": SEED}
        fullest, cycles = [], []
        for these in (nonzeros, reordered(layer, nonzeros)):
            columns = columns_of(layer, nonzeros=these)
            fullest.append(columns.entries.max() / columns.entries.mean())
            cycles.append(int(timing_of(layer, columns).finishes(layer.busy)[0]))
        for when, entries, count in zip(("before", "after"), fullest, cycles, strict=True):
            yield Row(**work, metric=f"fullest element / mean, {when}", value=round(entries, 4))
            yield Row(**work, metric=f"cycles, {when}", value=count, unit="cycles")
        yield Row(**work, metric="cycles saved", unit="%",
                  value=round(100 * (1 - cycles[1] / cycles[0]), 2))


def uneven(layer) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of nonzeros as many as the layer has, in unequally dense rows."""
    rng = np.random.default_rng(SEED)
    shares = rng.lognormal(0, SIGMA, layer.n_out)
    densities = np.minimum(1, layer.weights * shares / shares.mean())
    rows = np.repeat(np.arange(layer.n_out), rng.binomial(layer.n_in, densities))
    counts = np.bincount(rows, minlength=layer.n_out).tolist()
    return rows, np.concatenate([rng.choice(layer.n_in, count, replace=False)
                                 for count in counts])


def reordered(layer, nonzeros) -> tuple[np.ndarray, np.ndarray]:
    """The same nonzeros, rows in the order that :func:`hwgen.plan.row_order` gives."""
    rows, columns = nonzeros
    order = row_order(np.bincount(rows, minlength=layer.n_out), PES)
    place = np.empty_like(order)
    place[order] = np.arange(layer.n_out)
    return place[rows], columns
