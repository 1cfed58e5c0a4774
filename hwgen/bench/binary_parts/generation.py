"""Seconds from a network file to Verilog, and how they grow with the weights."""

import time

from hwgen.flow import api

from ..frame.bench import SEED, machine
from ..frame.row import Row
from .works import binary_mlp

__all__ = ["KEY", "lacking", "measure"]

HIDDEN, BOARD, INTERVAL = (256, 512, 1024), "ulx3s-85f", 1024
KEY = (HIDDEN, BOARD, INTERVAL)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """A row for each size; of the largest the bound, and seconds a weight against the middle."""
    seconds = {}
    for hidden in HIDDEN:
        network = binary_mlp((784, *[hidden] * 3, 10), seed=SEED, name=f"net-{hidden}", argmax=True)
        path = bench.folder / f"generation-{hidden}.hwgen"
        path.parent.mkdir(parents=True, exist_ok=True)
        network.save(path)
        begin = time.monotonic()
        design = api.plan(api.load(path), target=BOARD, interval_cycles=INTERVAL)
        bench.build(design, f"net-{hidden}")
        seconds[hidden] = time.monotonic() - begin
        largest = hidden == HIDDEN[-1]
        yield Row(work=f"784-{hidden}x3-10, network file to artefact", metric="time", unit="s",
                  value=round(seconds[hidden], 2), must="<= 60" if largest else None,
                  stretch="<= 15" if largest else None, device=machine(), seed=SEED)
    middle, most = HIDDEN[-2:]
    growth = seconds[most] / seconds[middle] / (_weights(most) / _weights(middle))
    yield Row(work="generation", metric=f"s/weight at {most} over s/weight at {middle}",
              value=round(growth, 3), must="<= 1.2", device=machine(), seed=SEED)


def _weights(hidden: int) -> int:
    return hidden * (784 + 2 * hidden + 10)
