"""An engine on an ECP5-85 of speed grade 6, ports cut off: cells beside the estimate, clock."""

from .bench import tools_of
from .devices import ECP5, ecp5_target
from .row import Row

__all__ = ["placed"]


def placed(bench, component, spec, *, work: str, clk_hz: int, must: str, stretch=None,
           blocks: str | None = None, further=()):
    """Rows of ``component``, an engine as ``spec`` describes it, placed and routed.

    Parameters
    ----------
    bench : Bench
    component : wiring.Component
    spec : one of ENGINES
    work : str                 names the rows
    clk_hz : int               what the router aims at
    must, stretch : str        bounds of the clock
    blocks : str, optional     bound of the multiplier blocks
    further : sequence of (metric, value, unit)
    """
    report = bench.synthesise(component, "engine", ECP5, place=True, clock_mhz=clk_hz / 1e6)
    estimate = spec.estimate(ecp5_target(clk_hz))
    rows = [("fmax", report.fmax_mhz, "MHz", must, stretch)]
    for metric, found, expected, bound in (
            ("multiplier blocks", report.dsp, estimate.dsp, blocks),
            ("LUT4", report.lut_eq, estimate.lut, None), ("FF", report.ff, estimate.ff, None),
            ("block RAM", report.bram, estimate.bram, None)):
        rows += [(metric, found, "", bound, None),
                 (f"{metric}, estimated", expected, "", None, None)]
    rows += [(*row, None, None) for row in further]
    for metric, value, unit, bound, better in rows:
        yield Row(work=work, metric=metric, value=value, unit=unit, must=bound, stretch=better,
                  device=str(ECP5), tools=tools_of(report))
