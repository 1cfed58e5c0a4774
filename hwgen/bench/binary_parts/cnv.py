"""FINN's CNV, six convolutions and three dense layers on CIFAR-10's shape, in emitted Verilog."""

import numpy as np

from hwgen.plan.planner import plan

from ..frame.bench import SEED, machine
from ..frame.devices import Z045, xilinx_target
from ..frame.row import Row

__all__ = ["KEY", "lacking", "measure", "network"]

FRAMES, INTERVAL, CLK_HZ = 20, 32768, 100_000_000
KEY = (FRAMES, INTERVAL, CLK_HZ)


def lacking(bench) -> None:
    """Nothing is needed."""


def network():
    """CNV with random weights and norms."""
    from hwgen.compress import export
    from hwgen.compress.topologies import random_cnv

    return export(random_cnv(SEED), np.zeros((1, 3, 32, 32), np.int64), name="cnv-w1a1")


def measure(bench):
    """Every score of 20 images, black and white ones among them; cycles beside the planned."""
    images = np.random.default_rng(SEED).integers(0, 256, (FRAMES, 32, 32, 3))
    images[0], images[1] = 0, 255
    design = plan(network(), xilinx_target(Z045, CLK_HZ), interval_cycles=INTERVAL)
    result = bench.build(design, "cnv").verify(images, bench="compiled", seed=SEED,
                                               progress=bench.tell_step)
    common = {"work": "CNV W1A1, random weights, emitted Verilog", "seed": SEED,
              "device": machine(), "tools": f"Verilator {result.version}"}
    yield Row(**common, metric="images", value=len(images), must=">= 20")
    yield Row(**common, metric="images whose scores differ from all others'",
              value=len(np.unique(result.scores, axis=0)), must=">= 16")
    yield Row(**common, metric="scores and classes compared", value=result.compared,
              must=f"== {11 * FRAMES}")
    yield Row(**common, metric="mismatched", value=result.mismatched, must="== 0")
    yield Row(**common, metric="interval", value=result.interval_cycles, unit="cycles",
              must=f"== {design.interval_cycles}")
    yield Row(**common, metric="latency", value=result.latency_cycles, unit="cycles",
              must=f"== {design.latency_cycles}")
    yield Row(**common, metric="time", value=round(result.seconds, 1), unit="s")
