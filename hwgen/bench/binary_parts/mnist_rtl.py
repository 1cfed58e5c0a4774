"""The whole test set through the emitted Verilog, every score compared with golden's."""

from hwgen.flow import api

from ..frame import trained

__all__ = ["KEY", "inputs", "lacking", "measure"]

NAMES, BOARD, STALLED = ("mnist-tfc-w1a1", "mnist-sfc-w1a1"), "ulx3s-85f", 500
KEY = (NAMES, BOARD, STALLED)


def inputs(bench):
    """Files that decide the result."""
    return trained.digests(NAMES)


def lacking(bench) -> str | None:
    """Networks and data."""
    return trained.lacking(NAMES, bench)


def measure(bench):
    """Scores compared and mismatched at full rate, and with random stalls of a part."""
    x, _ = trained.images(bench)
    for name in NAMES:
        design = api.plan(api.load(trained.NETWORKS / f"{name}.hwgen"), target=BOARD)
        artefact = bench.build(design, name)
        yield from trained.scores(bench, artefact, x)
        yield from trained.scores(bench, artefact, x[:STALLED], stalls="random")
