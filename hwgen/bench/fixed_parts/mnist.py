"""MNIST in fixed point: accuracy beside float, an ECP5-85 that meets its clock, scores in RTL."""

import numpy as np

from hwgen.flow import api
from hwgen.flow.mnist import as_read

from ..binary_parts.accuracy import NETWORKS, images
from ..binary_parts.bench import SEED, file_digests, machine, tools_of
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


def inputs():
    """Files that decide the result."""
    return file_digests(NETWORKS / f"{name}.hwgen" for name in LOSS)


def lacking(bench) -> str | None:
    """Networks and data."""
    missing = [name for name in LOSS if not (NETWORKS / f"{name}.hwgen").is_file()]
    if missing:
        return f"trained networks {', '.join(missing)} in {NETWORKS}/"
    return "the MNIST files, --data FOLDER" if bench.data is None else None


def measure(bench):
    """Each network: accuracy, board, scores of the Verilog."""
    x, labels = images(bench)
    for name in LOSS:
        network = api.load(NETWORKS / f"{name}.hwgen")
        artefact = bench.build(api.plan(network, target=BOARD, interval_cycles=INTERVAL), name)
        yield _accuracy(network, as_read(network, x), labels)
        yield from _board(bench, artefact)
        count = IMAGES.get(name, FEWER)
        yield from _scores(bench, artefact, as_read(network, x[:count]))


def _accuracy(network, x, labels):
    hits = sum(int((np.argmax(api.run(network, part), axis=1) == right).sum()) for part, right in
               zip(np.array_split(x, 20), np.array_split(labels, 20), strict=True))
    of_float = network.meta["origin_accuracy"]
    return Row(work=network.name, metric=f"accuracy, {len(x)} test images, golden", unit="%",
               value=round(100 * hits / len(x), 2), device="MNIST",
               must=f">= {of_float - LOSS[network.name]:.2f}", published=f"float {of_float}",
               seed=network.meta["seed"])


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


def _scores(bench, artefact, x):
    result = artefact.verify(x, seed=SEED, bench="compiled", progress=bench.tell_step)
    common = {"work": f"{artefact.name}, emitted Verilog", "seed": SEED, "device": machine(),
              "tools": f"Verilator {result.version}"}
    yield Row(**common, metric="scores and classes compared", value=result.compared,
              must=f">= {10 * len(x)}")
    yield Row(**common, metric="mismatched", value=result.mismatched, must="== 0")
    yield Row(**common, metric="time", value=round(result.seconds, 1), unit="s")
