"""128 of the 156 multiplier blocks of an ECP5-85: 16 outputs by 8 inputs side by side, 8 bit."""

from ..frame.bench import tools_of
from ..frame.devices import ECP5
from ..frame.row import Row
from .works import matrix_stage

__all__ = ["KEY", "lacking", "measure"]

SIZE, CLK_HZ, SEED = (64, 64, 16, 8), 125_000_000, 0
KEY = (SIZE, CLK_HZ, SEED)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Interval as planned, clock after routing, cells."""
    stage = matrix_stage(SIZE, seed=SEED, clk_hz=CLK_HZ)
    report = bench.synthesise(stage, "large", ECP5, place=True, clock_mhz=CLK_HZ / 1e6)
    for metric, value, unit, must, stretch in (
            ("interval", stage.interval_cycles, "cycles", "== 32", None),
            ("fmax", report.fmax_mhz, "MHz", ">= 125", ">= 180"),
            ("multiplier blocks", report.dsp, "", "== 128", None),
            ("LUT4", report.lut_eq, "", None, None), ("FF", report.ff, "", None, None),
            ("block RAM", report.bram, "", None, None)):
        yield Row(work="64x64, 8 bit, pe 16, simd 8", metric=metric, value=value, unit=unit,
                  must=must, stretch=stretch, seed=SEED, device=str(ECP5), tools=tools_of(report))
