"""MNIST on an iCE40 UP5K with the board's link: clock, images a second, accuracy."""

from hwgen.flow import api

from ..frame import trained
from ..frame.bench import SEED, tools_of
from ..frame.row import Row

__all__ = ["KEY", "inputs", "lacking", "measure"]

NAMES, BOARD, RATE = ("mnist-up5k", "mnist-up5k-w1a2"), "icebreaker", 10_000
KEY = (NAMES, BOARD, RATE)


def inputs(bench):
    """Files that decide the result."""
    return trained.digests(NAMES)


def lacking(bench) -> str | None:
    """The networks and data."""
    return trained.lacking(NAMES, bench)


def measure(bench):
    """The fastest that fits, at the board's clock; accuracy of the golden model."""
    for name in NAMES:
        yield from _rows(bench, name)


def _rows(bench, name):
    x, labels = trained.images(bench)
    network = api.load(trained.NETWORKS / f"{name}.hwgen")
    design = api.plan(network, target=BOARD)
    report = bench.build(design, name).synthesise(seed=SEED, progress=bench.tell_step)
    common = {"work": f"{name} with the board's link", "device": f"{BOARD}, {report.device}",
              "seed": SEED, "tools": tools_of(report)}
    yield Row(**common, metric="accuracy", value=trained.accuracy(network, x, labels), unit="%",
              must=">= 95", stretch=">= 97.8", published="75 % on open tools")
    yield Row(**common, metric="meets its clock", value=int(report.met), must="== 1")
    yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz")
    yield Row(**common, metric="throughput at the clock", unit="images/s", must=f">= {RATE}",
              value=round(design.clk_hz / design.interval_cycles))
    for metric, value in (("logic cells", report.lut_eq), ("FF", report.ff),
                          ("block RAM", report.bram), ("SPRAM", report.spram)):
        yield Row(**common, metric=metric, value=value)
