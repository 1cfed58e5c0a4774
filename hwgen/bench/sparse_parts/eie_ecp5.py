"""The EIE engine on an ECP5-85 of speed grade 6: 16 elements, 8-bit activations and weights."""

from hwgen.plan.engines import EieSpec
from hwgen.rtl.eie import EieEngine

from ..binary_parts.works import ECP5, ecp5_target
from ..frame.bench import tools_of
from ..frame.row import Row

__all__ = ["KEY", "SPEC", "lacking", "measure"]

SPEC, CLK_HZ = EieSpec(pe=16, lanes=16, huffman=True), 125_000_000

KEY = (SPEC.to_dict(), CLK_HZ)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Cells, and the clock after routing."""
    report = bench.synthesise(EieEngine(SPEC), "engine", ECP5, place=True,
                              clock_mhz=CLK_HZ / 1e6)
    estimate = SPEC.estimate(ecp5_target(CLK_HZ))
    rows = [("fmax", report.fmax_mhz, "MHz", ">= 100", ">= 125")]
    for metric, found, expected in (
            ("multiplier blocks", report.dsp, estimate.dsp), ("LUT4", report.lut_eq, estimate.lut),
            ("FF", report.ff, estimate.ff), ("block RAM", report.bram, estimate.bram)):
        rows += [(metric, found, "", None, None),
                 (f"{metric}, estimated", expected, "", None, None)]
    for metric, value, unit, must, stretch in rows:
        yield Row(work="EIE engine, 16 PEs, 4-bit codes and index, Huffman codes", metric=metric,
                  value=value, unit=unit, must=must, stretch=stretch, device=str(ECP5),
                  tools=tools_of(report))
