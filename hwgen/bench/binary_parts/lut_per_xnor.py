"""LUTs for each XNOR of a folded stage: accumulator, threshold, buffers and control included."""

from dataclasses import replace

from ..frame.bench import SEED, tools_of
from ..frame.devices import ECP5, GW2A, HX8K, Z020, xilinx_target
from ..frame.row import Row
from .works import binary_mlp, folded

__all__ = ["KEY", "lacking", "measure"]

N_IN, SIMD, CLK_HZ = 512, 64, 100_000_000
SIZES = {"xc7": (256, 16), "ecp5": (256, 16), "gowin": (256, 16), "ice40": (56, 7)}
"""Outputs and pe: of an HX8K what its 32 block RAMs, 512 bits wide together, can feed."""

KEY = (N_IN, SIZES, SIMD, CLK_HZ)

PLAIN_TREE = "adder tree 2.5 LUT6, 3.1 LUT4"
DEVICES = {Z020: ("LUT6 per XNOR", "<= 2.0", "<= 1.5"), ECP5: ("LUT4 per XNOR", "<= 2.9", "<= 2.5"),
           GW2A: ("LUT4 per XNOR", "<= 2.9", "<= 2.5"),
           HX8K: ("LUT4 per XNOR", "<= 2.9", "<= 2.5")}


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """One row of LUTs a device, and the cells they come from."""
    for device, (metric, must, stretch) in DEVICES.items():
        n_out, pe = SIZES[device.family]
        work = f"XNOR layer {N_IN} to {n_out}, pe {pe}, simd {SIMD}"
        network = binary_mlp((N_IN, n_out, 2), seed=SEED, name="xnor")
        target = replace(xilinx_target(Z020, CLK_HZ), family=device.family)
        stage = folded(network, target, [(pe, SIMD), (1, n_out)], clk_hz=CLK_HZ).stages[0]
        # An iCE40 has to be packed: only then do carries and flip-flops find their LUTs.
        report = bench.synthesise(stage, "xnor", device, place=device.family == "ice40")
        common = {"work": work, "device": str(device), "tools": tools_of(report), "seed": SEED}
        yield Row(**common, metric=metric, value=round(report.lut_eq / (pe * SIMD), 4), must=must,
                  stretch=stretch, published=PLAIN_TREE)
        yield Row(**common, metric="LUT", value=report.lut_eq)
        yield Row(**common, metric="FF", value=report.ff)
        yield Row(**common, metric="block RAM", value=report.bram)
