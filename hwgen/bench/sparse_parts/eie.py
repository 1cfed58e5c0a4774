"""The nine layers on 64 elements, FIFOs of 8: cycles of one vector beside EIE's time at 800 MHz."""

from ..frame.row import Row
from .works import CLK_MHZ, DEPTH, LAYERS, PES, SEED, SIZES, balance, columns_of, timing_of

__all__ = ["KEY", "STORAGES", "lacking", "measure"]

STORAGES = {"4-bit relative index": 4, "absolute index": None}
KEY = (SIZES, tuple(STORAGES), PES, DEPTH, CLK_MHZ, SEED)

CLOSE = 1.05
"""Times EIE's theoretical time."""


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """For each layer and storage cycles, padding and load balance; how many layers reach EIE."""
    within = {name: [0, 0] for name in STORAGES}
    for number, layer in enumerate(LAYERS.values()):
        bench.tell(number / len(LAYERS), str(layer))
        for name, bits in STORAGES.items():
            columns = columns_of(layer, relative_bits=bits)
            cycles = int(timing_of(layer, columns).finishes(layer.busy)[0])
            us = round(cycles / CLK_MHZ, 2)
            within[name][0] += us <= layer.measured_us
            within[name][1] += us <= CLOSE * layer.theoretical_us
            yield from _rows(layer, name, columns, cycles, us)
    for name, (measured, theoretical) in within.items():
        work = {"work": f"the nine layers, {name}", "seed": SEED}
        yield Row(**work, metric="not slower than EIE measured", value=measured, must=">= 7")
        yield Row(**work, metric=f"within {CLOSE} of EIE's theoretical time", value=theoretical,
                  stretch=">= 7")


def _rows(layer, name, columns, cycles, us):
    work = {"work": f"{layer}, {name}", "seed": SEED}
    yield Row(**work, metric="cycles", value=cycles, unit="cycles")
    yield Row(**work, metric=f"time at {CLK_MHZ} MHz", value=us, unit="us",
              published=f"EIE {layer.measured_us} measured, {layer.theoretical_us} theoretical")
    yield Row(**work, metric="cycles x PEs / nonzeros used",
              value=round(cycles * PES / _nonzeros_used(layer), 4))
    yield Row(**work, metric="padding", unit="%",
              value=round(100 * columns.padding / int(columns.entries.sum()), 2))
    yield Row(**work, metric="load balance", value=balance(layer, columns, cycles))


def _nonzeros_used(layer) -> int:
    return int(layer.busy[0][layer.nonzeros[1]].sum())
