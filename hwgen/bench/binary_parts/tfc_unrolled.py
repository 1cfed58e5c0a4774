"""TFC unrolled, a vector a cycle: LUTs and seconds to generate."""

import time

from hwgen.plan.planner import plan
from hwgen.plan.stages import MATRIX_CORES
from hwgen.rtl.pipeline import Pipeline

from ..frame.row import Row
from .bench import SEED, machine, tools_of
from .works import ECP5, Z045, binary_mlp, ecp5_target

__all__ = ["KEY", "lacking", "measure"]

SIZES, CLK_HZ = (784, 64, 64, 64, 10), 100_000_000
KEY = (SIZES, CLK_HZ)
CORE = "unrolled"

DA4ML = "da4ml 0.6: 81,032 LUT4 eq, 26 stages, 125 s"


def lacking(bench) -> str | None:
    """The unrolled core."""
    return None if CORE in MATRIX_CORES else f"a core '{CORE}'"


def measure(bench):
    """Seconds to generate, interval, LUT4 equivalents and LUT6 of the whole pipeline."""
    begin = time.monotonic()
    network = binary_mlp(SIZES, seed=SEED, name="tfc-unrolled")
    cores = {f"fc{k}": {"core": CORE} for k in range(1, len(SIZES))}
    design = plan(network, ecp5_target(CLK_HZ), interval_cycles=1, clk_hz=CLK_HZ, cores=cores)
    bench.build(design, "tfc")
    seconds = time.monotonic() - begin
    work = {"work": "TFC W1A1 unrolled", "seed": SEED}
    yield Row(**work, metric="generation", value=round(seconds, 1), unit="s", must="<= 60",
              device=machine(), published=DA4ML)
    yield Row(**work, metric="interval", value=design.interval_cycles, unit="cycles", must="== 1")
    yield Row(**work, metric="latency", value=design.latency_cycles, unit="cycles")
    for device, metric, must, stretch in ((ECP5, "LUT4 eq", "<= 81032", "<= 60774"),
                                          (Z045, "LUT6", None, None)):
        report = bench.synthesise(Pipeline(design), "tfc", device)
        common = {**work, "device": str(device), "tools": tools_of(report)}
        yield Row(**common, metric=metric, value=report.lut_eq, must=must, stretch=stretch,
                  published=DA4ML)
        yield Row(**common, metric="FF", value=report.ff)
