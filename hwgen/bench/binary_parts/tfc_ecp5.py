"""TFC on an ECP5-85 of speed grade 6: the whole pipeline placed and routed alone."""

from hwgen.rtl.pipeline import Pipeline

from ..frame.bench import SEED, tools_of
from ..frame.devices import ECP5, ecp5_target
from ..frame.row import Row
from .works import binary_mlp, folded

__all__ = ["KEY", "lacking", "measure"]

SIZES, CLK_HZ = (784, 64, 64, 64, 10), 175_000_000
FOLDINGS = ((16, 49), (8, 8), (8, 8), (10, 1))
KEY = (SIZES, CLK_HZ, FOLDINGS)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Interval as planned, clock, images a second, cells."""
    network = binary_mlp(SIZES, seed=SEED, name="tfc", argmax=True)
    design = folded(network, ecp5_target(CLK_HZ), FOLDINGS, clk_hz=CLK_HZ)
    report = bench.synthesise(Pipeline(design), "tfc", ECP5, place=True, clock_mhz=CLK_HZ / 1e6)
    common = {"work": "TFC W1A1, pipeline alone", "device": str(ECP5), "seed": SEED,
              "tools": tools_of(report)}
    yield Row(**common, metric="interval", value=design.interval_cycles, unit="cycles",
              must="<= 64")
    yield Row(**common, metric="latency", value=design.latency_cycles, unit="cycles")
    yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz", must=">= 125",
              stretch=">= 175")
    yield Row(**common, metric="throughput", unit="images/s",
              value=round(report.fmax_mhz * 1e6 / design.interval_cycles))
    for metric, value in (("LUT4", report.lut_eq), ("FF", report.ff), ("block RAM", report.bram)):
        yield Row(**common, metric=metric, value=value)
