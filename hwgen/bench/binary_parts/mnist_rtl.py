"""The whole test set through the emitted Verilog, every score compared with golden's."""

from hwgen.flow import api

from ..frame.row import Row
from .accuracy import NETWORKS, images
from .bench import SEED, file_digests, machine

__all__ = ["KEY", "lacking", "measure"]

NAMES, BOARD, STALLED = ("mnist-tfc-w1a1", "mnist-sfc-w1a1"), "ulx3s-85f", 500
KEY = (NAMES, BOARD, STALLED)


def inputs():
    """Files that decide the result."""
    return file_digests(NETWORKS / f"{name}.hwgen" for name in NAMES)


def lacking(bench) -> str | None:
    """Networks and data."""
    missing = [name for name in NAMES if not (NETWORKS / f"{name}.hwgen").is_file()]
    if missing:
        return f"trained networks {', '.join(missing)} in {NETWORKS}/"
    return "the MNIST files, --data FOLDER" if bench.data is None else None


def measure(bench):
    """Scores compared and mismatched at full rate, and with random stalls of a part."""
    x, _ = images(bench)
    for name in NAMES:
        design = api.plan(api.load(NETWORKS / f"{name}.hwgen"), target=BOARD)
        artefact = bench.build(design, name)
        for stalls, frames in (("none", x), ("random", x[:STALLED])):
            result = artefact.verify(frames, stalls=stalls, seed=SEED, bench="compiled",
                                     progress=bench.tell_step)
            common = {"work": f"{name}, emitted Verilog, {stalls} stalls", "seed": SEED,
                      "device": machine(), "tools": f"Verilator {result.version}"}
            yield Row(**common, metric="scores and classes compared", value=result.compared,
                      must=f">= {10 * len(frames)}")
            yield Row(**common, metric="mismatched", value=result.mismatched, must="== 0")
            yield Row(**common, metric="time", value=round(result.seconds, 1), unit="s")
