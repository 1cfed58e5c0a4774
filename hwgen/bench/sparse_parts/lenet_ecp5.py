"""The pipeline of LeNet-300-100 on an ECP5-85 of speed grade 6.

Placed and routed is that of EIE's widths; of the other form cells are counted.
"""

from hwgen.rtl.pipeline import Pipeline

from ..frame import trained
from ..frame.bench import tools_of
from ..frame.devices import ECP5
from ..frame.row import Row
from .lenet import CLK_HZ, FORMS, NAMES, design_of, network_of

__all__ = ["KEY", "inputs", "lacking", "measure"]

PLACED = "4-bit codes, 4-bit index"
SEED = 2
"""With 1 router 2 finds no way from the pin that nextpnr chose for the clock."""

KEY = (tuple(FORMS.items()), PLACED, CLK_HZ, SEED)


def inputs(bench) -> dict:
    """Files that decide the result."""
    return trained.digests(NAMES)


def lacking(bench) -> str | None:
    """The networks."""
    return trained.lacking(NAMES)


def measure(bench):
    """Cells, and the clock after routing of :data:`PLACED`, ports cut off."""
    for form, (code_bits, index_bits) in FORMS.items():
        design = design_of(network_of(code_bits, index_bits), index_bits)
        report = bench.synthesise(Pipeline(design), f"pipeline-{code_bits}-{index_bits}", ECP5,
                                  place=form == PLACED, clock_mhz=CLK_HZ / 1e6, seed=SEED)
        common = {"work": f"LeNet-300-100 as a pipeline, {form}", "device": str(ECP5),
                  "tools": tools_of(report), "seed": SEED}
        for metric, value in (("LUT4", report.lut_eq), ("FF", report.ff),
                              ("block RAM", report.bram), ("multiplier blocks", report.dsp)):
            yield Row(**common, metric=metric, value=value)
        if report.fmax_mhz:
            yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz", must=">= 80",
                      stretch=">= 100")
