"""Requantisation by wide multipliers of each channel, as TensorFlow Lite and gemmlowp have them."""

from dataclasses import replace

import numpy as np

from hwgen.ir import Input, Network, Requantise
from hwgen.numeric import DOUBLING_HIGH, Fixed
from hwgen.plan import Target, plan

from ..frame.bench import tools_of
from ..frame.devices import ECP5, UP5K, ecp5_target
from ..frame.row import Row

__all__ = ["CASES", "KEY", "lacking", "measure", "requantise_stage"]

CHANNELS, SUM_BITS, SEED = 64, 21, 0
CASES = (   # device, clock that is planned for and must be reached in MHz, what products are of
    (ECP5, 125, "blocks"), (ECP5, 125, "luts"), (UP5K, 24, "blocks"), (UP5K, 24, "luts"),
)
KEY = (CHANNELS, SUM_BITS, SEED, *((str(device), *case) for device, *case in CASES))

UP5K_TARGET = Target("up5k", "ice40", "up5k", "sg48", "", 5280, 5280, 30, 4096, 8, 24_000_000)


def lacking(bench) -> None:
    """Nothing is needed."""


def requantise_stage(device, clk_mhz: int, multipliers: str):
    """A lane of sums of W8A8 over 64 inputs, scaled to 8 bits by 31 bits of each channel."""
    rng, clk_hz = np.random.default_rng(SEED), clk_mhz * 1_000_000
    factors, shifts = rng.integers(1 << 30, 1 << 31, CHANNELS), rng.integers(6, 10, CHANNELS)
    network = Network("scales", (
        Input("x", (), (CHANNELS,), Fixed(SUM_BITS)),
        Requantise("q", ("x",), factors, shifts, DOUBLING_HIGH, Fixed(8))), ("q",))
    target = ecp5_target(clk_hz) if device.family == "ecp5" else UP5K_TARGET
    design = plan(network, target, clk_hz=clk_hz, interval_cycles=CHANNELS)
    return replace(design.stages[0], multipliers=multipliers)


def measure(bench):
    """Clock after routing, cycles and cells of each case."""
    for device, mhz, multipliers in CASES:
        stage = requantise_stage(device, mhz, multipliers)
        report = bench.synthesise(stage, f"{device.family}-{multipliers}", device, place=True,
                                  clock_mhz=mhz)
        for metric, value, unit, must in (
                ("fmax", report.fmax_mhz, "MHz", f">= {mhz}"),
                ("latency", stage.latency_cycles, "cycles", None),
                ("multiplier blocks", report.dsp, "", "== 0" if multipliers == "luts" else None),
                ("LUT4" if device.family == "ecp5" else "logic cells", report.lut_eq, "", None),
                ("FF", report.ff, "", None), ("block RAM", report.bram, "", None)):
            yield Row(work=f"{SUM_BITS} by 31 bits of each channel, {multipliers}", metric=metric,
                      value=value, unit=unit, must=must, seed=SEED, device=str(device),
                      tools=tools_of(report))
