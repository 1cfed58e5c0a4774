"""All eight multiplier blocks of an iCE40 UP5K, two products in each."""

from ..frame.bench import tools_of
from ..frame.devices import UP5K
from ..frame.row import Row
from .works import matrix_stage

__all__ = ["KEY", "lacking", "measure"]

SIZE, CLK_HZ, SEED = (32, 32, 4, 4), 24_000_000, 0
KEY = (SIZE, CLK_HZ, SEED)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Clock after routing, blocks and what each does."""
    stage = matrix_stage(SIZE, seed=SEED, clk_hz=CLK_HZ, packing="8x8")
    report = bench.synthesise(stage, "up5k", UP5K, place=True, clock_mhz=CLK_HZ / 1e6)
    for metric, value, unit, must, stretch in (
            ("interval", stage.interval_cycles, "cycles", "== 64", None),
            ("fmax", report.fmax_mhz, "MHz", ">= 24", ">= 36"),
            ("multiplier blocks", report.dsp, "", "== 8", None),
            ("products per block and cycle", stage.pe * stage.simd / report.dsp, "", "== 2", None),
            ("logic cells", report.lut_eq, "", None, None), ("FF", report.ff, "", None, None),
            ("block RAM", report.bram, "", None, None)):
        yield Row(work="32x32, 8 bit, pe 4, simd 4", metric=metric, value=value, unit=unit,
                  must=must, stretch=stretch, seed=SEED, device=str(UP5K), tools=tools_of(report))
