"""MNIST in fixed point: accuracy beside float, an ECP5-85 that meets its clock, scores in RTL."""

from hwgen.flow import api

from ..frame import trained
from ..frame.bench import SEED, tools_of
from ..frame.row import Row

__all__ = ["KEY", "inputs", "lacking", "measure"]

LOSS = {"mnist-lenet300-w8a8": 0.3, "mnist-lenet300-w4a4": 1.0, "mnist-cnn-w8a8": 0.3,
        "mnist-cnn-w4a4": 1.0}
"""Points of accuracy that each may lose against float."""

BOARD, INTERVAL = "ulx3s-85f", 4_096
IMAGES = {"mnist-lenet300-w8a8": 10_000}
"""Test images through the emitted Verilog, and :data:`FEWER` of the other networks."""
FEWER = 500
KEY = (LOSS, BOARD, INTERVAL, IMAGES, FEWER)


def inputs(bench):
    """Files that decide the result."""
    return trained.digests(LOSS)


def lacking(bench) -> str | None:
    """Networks and data."""
    return trained.lacking(LOSS, bench)


def measure(bench):
    """Each network: accuracy, board, scores of the Verilog."""
    x, labels = trained.images(bench)
    for name in LOSS:
        network = api.load(trained.NETWORKS / f"{name}.hwgen")
        artefact = bench.build(api.plan(network, target=BOARD, interval_cycles=INTERVAL), name)
        of_float = network.meta["origin_accuracy"]
        yield Row(work=name, metric=f"accuracy, {len(x)} test images, golden", unit="%",
                  value=trained.accuracy(network, x, labels), device="MNIST",
                  must=f">= {of_float - LOSS[name]:.2f}", published=f"float {of_float}",
                  seed=network.meta["seed"])
        yield from _board(bench, artefact)
        yield from trained.scores(bench, artefact, x[:IMAGES.get(name, FEWER)])


def _board(bench, artefact):
    report = artefact.synthesise(seed=SEED, progress=bench.tell_step)
    common = {"work": f"{artefact.name} with the board's link", "seed": SEED,
              "device": f"{BOARD}, {report.device}", "tools": tools_of(report)}
    interval = artefact.manifest["interval_cycles"]
    for metric, value, unit, must in (
            ("interval", interval, "cycles", None),
            ("meets its clock", int(report.met), "", "== 1"),
            ("fmax", report.fmax_mhz, "MHz", None),
            ("throughput at the clock", round(artefact.manifest["clk_hz"] / interval), "images/s",
             None),
            ("LUT4", report.lut_eq, "", None), ("FF", report.ff, "", None),
            ("block RAM", report.bram, "", None), ("multiplier blocks", report.dsp, "", None)):
        yield Row(**common, metric=metric, value=value, unit=unit, must=must)
