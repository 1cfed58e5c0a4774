"""LFC at FINN's folding: layers synthesised one by one for Xilinx 7, and summed."""

from ..frame.bench import SEED, tools_of
from ..frame.devices import Z020, xilinx_target
from ..frame.row import Row
from .sfc_xilinx import layer_reports
from .works import binary_mlp, folded

__all__ = ["KEY", "lacking", "measure"]

SIZES, CLK_HZ = (832, 1024, 1024, 1024, 64), 100_000_000
FOLDINGS = ((32, 64), (64, 32), (32, 64), (16, 8))
"""(pe, simd) of FINN's LFC-W1A1, which pads 784 inputs to 832 and 10 outputs to 64."""
KEY = (SIZES, CLK_HZ, FOLDINGS)


def lacking(bench) -> None:
    """Nothing is needed."""


def measure(bench):
    """Interval as planned, LUT6, flip-flops and block RAM of all layers."""
    network = binary_mlp(SIZES, seed=SEED, name="lfc")
    design = folded(network, xilinx_target(Z020, CLK_HZ), FOLDINGS, clk_hz=CLK_HZ)
    reports = layer_reports(bench, design, Z020)
    common = {"work": "LFC W1A1, FINN's folding, layers one by one", "device": str(Z020),
              "seed": SEED, "tools": tools_of(reports[0])}
    yield Row(**common, metric="interval", value=design.interval_cycles, unit="cycles",
              must="<= 520", published="512")
    yield Row(**common, metric="LUT6", value=sum(report.lut_eq for report in reports),
              must="<= 16000", stretch="<= 11000", published="FINN: 28,360 LUT placed")
    yield Row(**common, metric="FF", value=sum(report.ff for report in reports),
              published="33,470")
    yield Row(**common, metric="BRAM36", value=sum(report.bram for report in reports) / 2,
              must="<= 96", published="FINN: 110")
