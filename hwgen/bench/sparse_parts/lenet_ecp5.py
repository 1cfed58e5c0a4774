"""The pipeline of LeNet-300-100 on an ECP5-85 of speed grade 6, placed and routed."""

from hwgen.rtl.pipeline import Pipeline

from ..frame import trained
from ..frame.bench import tools_of
from ..frame.devices import ECP5
from ..frame.row import Row
from .lenet import CLK_HZ, FORMS, NAMES, design_of, network_of

__all__ = ["KEY", "inputs", "lacking", "measure"]

KEY = (tuple(FORMS.items()), CLK_HZ)


def inputs(bench) -> dict:
    """Files that decide the result."""
    return trained.digests(NAMES)


def lacking(bench) -> str | None:
    """The networks."""
    return trained.lacking(NAMES)


def measure(bench):
    """Cells, and the clock after routing, ports cut off."""
    for form, (code_bits, index_bits) in FORMS.items():
        design = design_of(network_of(code_bits, index_bits), index_bits)
        report = bench.synthesise(Pipeline(design), f"pipeline-{code_bits}-{index_bits}", ECP5,
                                  place=True, clock_mhz=CLK_HZ / 1e6)
        common = {"work": f"LeNet-300-100 as a pipeline, {form}", "device": str(ECP5),
                  "tools": tools_of(report)}
        for metric, value in (("LUT4", report.lut_eq), ("FF", report.ff),
                              ("block RAM", report.bram), ("multiplier blocks", report.dsp)):
            yield Row(**common, metric=metric, value=value)
        yield Row(**common, metric="fmax", value=report.fmax_mhz, unit="MHz", must=">= 80",
                  stretch=">= 100")
