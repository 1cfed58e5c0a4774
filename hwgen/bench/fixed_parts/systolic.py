"""The systolic array on an ECP5-85 of speed grade 6: 8 rows by 8 columns, 8 bit."""

from hwgen.plan.engines import SystolicSpec
from hwgen.rtl.systolic import SystolicEngine

from ..binary_parts.works import ECP5, ecp5_target
from ..frame.bench import tools_of
from ..frame.row import Row

__all__ = ["KEY", "SPEC", "lacking", "measure"]

SPEC, CLK_HZ = SystolicSpec(rows=8, columns=8, depth=256, tiles=256), 125_000_000

PRODUCTS = ((256, 784, 64), (256, 64, 10), (10, 100, 100))
"""A batch through two layers, and a product that divides by none of the sizes."""

KEY = (SPEC.to_dict(), CLK_HZ, PRODUCTS)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cycles as stated, cells, clock after routing."""
    report = bench.synthesise(SystolicEngine(SPEC), "array", ECP5, place=True,
                              clock_mhz=CLK_HZ / 1e6)
    estimate = SPEC.estimate(ecp5_target(CLK_HZ))
    rows = [("fmax", report.fmax_mhz, "MHz", ">= 125", ">= 180"),
            ("multiplier blocks", report.dsp, "", "== 64", None),
            ("LUT4", report.lut_eq, "", None, None), ("FF", report.ff, "", None, None),
            ("block RAM", report.bram, "", None, None),
            ("LUT4, estimated", estimate.lut, "", None, None),
            ("FF, estimated", estimate.ff, "", None, None)]
    for m, k, n in PRODUCTS:
        name = f"({m}, {k}) by ({k}, {n})"
        rows += [(f"cycles of {name}", SPEC.cycles(m, k, n), "cycles", None, None),
                 (f"products used in {name}", round(SPEC.utilisation(m, k, n), 4), "", None, None)]
    for metric, value, unit, must, stretch in rows:
        yield Row(work="systolic 8x8, 8 bit", metric=metric, value=value, unit=unit, must=must,
                  stretch=stretch, device=str(ECP5), tools=tools_of(report))
