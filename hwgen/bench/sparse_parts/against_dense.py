"""The sparse core against the folded one with as many multipliers: cycles, cells, clock.

No activation is zero, which is the sparse core's worst case. What is placed is kept, so that a run
that was ended goes on where it was.
"""

from dataclasses import dataclass

import numpy as np

from hwgen.ir import Dense, Input, MatVec, Network
from hwgen.numeric import Fixed
from hwgen.plan import Target, plan, row_order
from hwgen.synth import Device

from ..frame.bench import tools_of
from ..frame.devices import ECP5, UP5K, ecp5_target
from ..frame.row import Row
from .works import DEPTH, SEED

__all__ = ["BREAK_EVEN", "DENSITIES", "KEY", "PLACED", "SAVED", "WORKS", "Work", "break_even",
           "lacking", "measure", "stages_of"]

DENSITIES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PLACED = 0.1
"""The density of which the clock is measured; cells are counted of all."""
SLOW = 1 << 20
"""An interval that any folding reaches: what is asked of the planner is the folding."""

SAVED, BREAK_EVEN = "dense cycles / sparse cycles", "break-even density"
"""Metrics of rows from which the plot is drawn."""


@dataclass(frozen=True)
class Work:
    """A matrix ``(n_out, n_in)`` of 8 bits on a device, with ``pe * simd`` multipliers if dense."""

    name: str
    device: Device
    target: Target
    shape: tuple[int, int]
    pe: int
    simd: int
    must_mhz: str | None = None

    @property
    def multipliers(self) -> int:
        """Of either core."""
        return self.pe * self.simd


UP5K_TARGET = Target("up5k", "ice40", "up5k", "sg48", "", 5280, 5280, 30, 4096, 8, 24_000_000)

WORKS = (
    Work("ECP5-85", ECP5, ecp5_target(100_000_000), (256, 128), 4, 4, ">= 100"),
    Work("UP5K", UP5K, UP5K_TARGET, (64, 64), 2, 2),
)
KEY = (tuple((work.name, work.shape, work.pe, work.simd) for work in WORKS), DENSITIES,
       PLACED, SEED, DEPTH)


def lacking(bench) -> None:
    """Nothing is needed."""


def stages_of(work: Work, density: float):
    """The dense and the sparse stage of one matrix, storage as the planner chooses it."""
    rng = np.random.default_rng(SEED)
    weights = rng.integers(1, 128, work.shape) * rng.choice([-1, 1], work.shape)
    weights *= rng.permutation(weights.size).reshape(work.shape) < density * weights.size
    # As the planner deals out rows that the next layer takes in any order.
    weights = weights[row_order(np.count_nonzero(weights, axis=1), work.multipliers)]
    fmt = Fixed(8)
    network = Network("against-dense", (
        Input("x", (), work.shape[1:], fmt), MatVec("fc", ("x",), Dense(weights, fmt))), ("fc",))
    choices = ({"core": "fixed", "pe": work.pe, "simd": work.simd},
               {"core": "sparse", "pe": work.multipliers, "queue_depth": DEPTH})
    return tuple(plan(network, work.target, interval_cycles=SLOW, cores={"fc": choice}).stages[0]
                 for choice in choices)


def measure(bench):
    """For each device the dense core, the sparse one at each density, and where they are even."""
    for number, work in enumerate(WORKS):
        bench.tell(number / len(WORKS), work.name)
        yield from _of(bench, work)


def _of(bench, work):
    about = {"device": str(work.device), "seed": SEED}
    size = f"{work.shape[0]}x{work.shape[1]}, 8 bit, {work.multipliers} multipliers, {work.name}"
    dense, sparse = stages_of(work, PLACED)
    placed = _report(bench, work, dense, "dense", place=True)
    reports = {PLACED: _report(bench, work, sparse, f"sparse-{PLACED}", place=True)}
    yield Row(work=f"{size}, dense", metric="interval", value=dense.interval_cycles, unit="cycles")
    yield from _cells(f"{size}, dense", placed, about)
    cycles = {}
    for density in DENSITIES:
        stage, name = stages_of(work, density)[1], f"{size}, {density:.0%} nonzeros"
        cycles[density] = stage.interval_cycles / dense.interval_cycles
        yield Row(work=name, metric="interval", value=stage.interval_cycles, unit="cycles",
                  seed=SEED)
        yield Row(work=name, metric=SAVED, value=round(1 / cycles[density], 3), seed=SEED,
                  **({"must": ">= 7", "stretch": ">= 9"} if density == PLACED else {}))
        if density not in reports:
            reports[density] = _report(bench, work, stage, f"sparse-{density}")
        yield from _cells(name, reports[density], about, work.must_mhz)
    slower = placed.fmax_mhz / reports[PLACED].fmax_mhz
    times = {density: slower * cycles[density] for density in DENSITIES}
    areas = {density: times[density] * reports[density].lut_eq / placed.lut_eq
             for density in DENSITIES}
    for what, ratios in (("time", times), ("time x LUT", areas)):
        yield Row(work=size, metric=f"{BREAK_EVEN}, {what}", unit="%", seed=SEED,
                  value=round(100 * break_even(tuple(ratios), tuple(ratios.values())), 1))


def _report(bench, work, stage, name, **how):
    return bench.synthesise(stage, name, work.device, clock_mhz=work.target.clk_hz / 1e6, **how)


def _cells(name, report, about, must_mhz=None):
    rows = [("LUT", report.lut_eq, "", None), ("block RAM", report.bram, "", None),
            ("multiplier blocks", report.dsp, "", None)]
    if report.fmax_mhz:
        rows.append(("fmax", report.fmax_mhz, "MHz", must_mhz))
    for metric, value, unit, must in rows:
        yield Row(work=name, metric=metric, value=value, unit=unit, must=must,
                  tools=tools_of(report), **about)


def break_even(densities, ratios) -> float:
    """The density at which ``ratios``, sparse to dense, reach 1: on the line between two of them.

    The largest of ``densities`` where none does, 0 where all are beyond.
    """
    if ratios[0] > 1:
        return 0.0
    pairs = zip(densities, ratios, strict=True)
    low, below = next(pairs)
    for high, above in pairs:
        if above > 1:
            return low + (high - low) * (1 - below) / (above - below)
        low, below = high, above
    return densities[-1]
