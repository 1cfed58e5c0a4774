"""The systolic array on an ECP5-85 of speed grade 6: 8 rows by 8 columns, 8 bit."""

from hwgen.plan.engines import SystolicSpec
from hwgen.rtl.systolic import SystolicEngine

from ..frame.engine import placed

__all__ = ["KEY", "SPEC", "lacking", "measure"]

SPEC, CLK_HZ = SystolicSpec(rows=8, columns=8, depth=256, tiles=256), 125_000_000

PRODUCTS = ((256, 784, 64), (256, 64, 10), (10, 100, 100))
"""A batch through two layers, and a product that divides by none of the sizes."""

KEY = (SPEC.to_dict(), CLK_HZ, PRODUCTS)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cycles as stated, cells, clock after routing."""
    further = []
    for m, k, n in PRODUCTS:
        name = f"({m}, {k}) by ({k}, {n})"
        further += [(f"cycles of {name}", SPEC.cycles(m, k, n), "cycles"),
                    (f"products used in {name}", round(SPEC.utilisation(m, k, n), 4), "")]
    return placed(bench, SystolicEngine(SPEC), SPEC, work="systolic 8x8, 8 bit", clk_hz=CLK_HZ,
                  must=">= 125", stretch=">= 180", blocks="== 64", further=further)
