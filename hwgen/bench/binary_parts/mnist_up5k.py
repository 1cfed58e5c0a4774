"""MNIST on an iCE40 UP5K with the board's link: clock, images a second, accuracy."""

import numpy as np

from hwgen.flow import api
from hwgen.flow.mnist import as_read

from ..frame.row import Row
from .accuracy import NETWORKS, images
from .bench import SEED, file_digests, tools_of

__all__ = ["KEY", "lacking", "measure"]

NAMES, BOARD, RATE = ("mnist-up5k", "mnist-up5k-w1a2"), "icebreaker", 10_000
KEY = (NAMES, BOARD, RATE)


def inputs():
    """Files that decide the result."""
    return file_digests([NETWORKS / f"{name}.hwgen" for name in NAMES])


def lacking(bench) -> str | None:
    """The networks and data."""
    for name in NAMES:
        if not (NETWORKS / f"{name}.hwgen").is_file():
            return f"a trained network {name} in {NETWORKS}/"
    return "the MNIST files, --data FOLDER" if bench.data is None else None


def measure(bench):
    """The fastest that fits, at the board's clock; accuracy of the golden model."""
    for name in NAMES:
        yield from _rows(bench, name)


def _rows(bench, name):
    x, labels = images(bench)
    network = api.load(NETWORKS / f"{name}.hwgen")
    design = api.plan(network, target=BOARD)
    report = bench.build(design, name).synthesise(seed=SEED, progress=bench.tell_step)
    hits = int((np.argmax(api.run(network, as_read(network, x)), axis=1) == labels).sum())
    common = {"work": f"{name} with the board's link", "device": f"{BOARD}, {report.device}",
              "seed": SEED, "tools": tools_of(report)}
    yield Row(**common, metric="accuracy", value=round(100 * hits / len(x), 2), unit="%",
              must=">= 95", stretch=">= 97.8", published="75 % on open tools")
    yield Row(**common, metric="meets its clock", value=int(report.met), must="== 1")
    yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz")
    yield Row(**common, metric="throughput at the clock", unit="images/s", must=f">= {RATE}",
              value=round(design.clk_hz / design.interval_cycles))
    for metric, value in (("logic cells", report.lut_eq), ("FF", report.ff),
                          ("block RAM", report.bram), ("SPRAM", report.spram)):
        yield Row(**common, metric=metric, value=value)
