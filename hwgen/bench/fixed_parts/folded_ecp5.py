"""W1 on an ECP5-85 of speed grade 6: 64x64, 8 bit, 8 outputs by 8 inputs side by side."""

from ..frame.bench import tools_of
from ..frame.devices import ECP5
from ..frame.row import Row
from .works import matrix_stage

__all__ = ["KEY", "lacking", "measure"]

SIZE, CLK_HZ, SEED = (64, 64, 8, 8), 125_000_000, 0
KEY = (SIZE, CLK_HZ, SEED)

PEERS = {"LUT4": "FINN's RTL unit 8,029; MASE 17,488", "multiplier blocks": "FINN 96; MASE 64",
         "block RAM": "15 both", "fmax": "FINN 64.2 MHz; MASE 57.5 MHz",
         "latency": "72 both"}


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cycles as planned, cells, clock after routing."""
    stage = matrix_stage(SIZE, seed=SEED, clk_hz=CLK_HZ)
    report = bench.synthesise(stage, "w1", ECP5, place=True, clock_mhz=CLK_HZ / 1e6)
    latency = stage.schedule(range(stage.sf))[-1]
    for metric, value, unit, must, stretch in (
            ("interval", stage.interval_cycles, "cycles", "== 64", None),
            ("latency", latency, "cycles", None, None),
            ("LUT4", report.lut_eq, "", "<= 1900", "<= 1400"),
            ("multiplier blocks", report.dsp, "", "== 64", None),
            ("block RAM", report.bram, "", "<= 16", None),
            ("fmax", report.fmax_mhz, "MHz", ">= 125", ">= 170"),
            ("FF", report.ff, "", None, None)):
        yield Row(work="64x64, 8 bit, pe 8, simd 8", metric=metric, value=value, unit=unit,
                  must=must, stretch=stretch, published=PEERS.get(metric, ""), seed=SEED,
                  device=str(ECP5), tools=tools_of(report))
