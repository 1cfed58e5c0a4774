"""Load balance of the nine layers against the depth of the FIFOs, and against the elements."""

from ..frame.row import Row
from .works import DEPTH, LAYERS, PES, SEED, SIZES, balance, columns_of, timing_of

__all__ = ["DEPTHS", "ELEMENTS", "KEY", "OF_DEPTH", "OF_ELEMENTS", "lacking", "measure"]

DEPTHS = tuple(1 << k for k in range(7))
ELEMENTS = tuple(1 << k for k in range(9))
KEY = (SIZES, DEPTHS, ELEMENTS, PES, DEPTH, SEED)

OF_DEPTH = f"load balance, {PES} PEs, FIFO depth"
OF_ELEMENTS = f"load balance, FIFOs of {DEPTH}, PEs"
"""Works of the rows; the plots are drawn from them."""


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """A row for each layer and depth, and for each layer and number of elements."""
    for work, values in ((OF_DEPTH, DEPTHS), (OF_ELEMENTS, ELEMENTS)):
        for value in values:
            bench.tell(None, f"{work} {value}")
            for layer in LAYERS.values():
                pe, depth = (PES, value) if work is OF_DEPTH else (value, DEPTH)
                columns = columns_of(layer, pe)
                cycles = int(timing_of(layer, columns, depth).finishes(layer.busy)[0])
                yield Row(work=f"{work} {value}", metric=str(layer), seed=SEED,
                          value=balance(layer, columns, cycles))
