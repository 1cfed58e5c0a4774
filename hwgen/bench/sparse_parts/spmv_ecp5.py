"""The sparse engine on an ECP5-85 of speed grade 6: 16 lanes, 16 by 16 bit."""

from hwgen.plan.engines import SpmvSpec
from hwgen.rtl.spmv import SpmvEngine

from ..frame.engine import placed

__all__ = ["KEY", "SPEC", "lacking", "measure"]

SPEC, CLK_HZ = SpmvSpec(lanes=16), 100_000_000

KEY = (SPEC.to_dict(), CLK_HZ)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cells, and the clock after routing."""
    return placed(bench, SpmvEngine(SPEC), SPEC, clk_hz=CLK_HZ, must=">= 100",
                  work="sparse engine, 16 lanes, 16 bit")
