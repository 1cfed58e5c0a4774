"""The devices that benchmarks measure on, and what the planner sees of them."""

from hwgen.plan import Target
from hwgen.synth import Device

__all__ = ["ECP5", "GW2A", "HX8K", "UP5K", "Z020", "Z045", "ecp5_target", "xilinx_target"]

Z045 = Device(family="xc7", size="7z045", package="ffg900")
Z020 = Device(family="xc7", size="7z020", package="clg400")
ECP5 = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
GW2A = Device(family="gowin", size="gw2a-55", package="PG484")
UP5K = Device(family="ice40", size="up5k", package="sg48")
HX8K = Device(family="ice40", size="hx8k", package="ct256")


def xilinx_target(device: Device, clk_hz: int) -> Target:
    """A Xilinx FPGA as the planner sees it."""
    totals = device.totals
    return Target(device.size, device.family, device.size, device.package, "", totals["LUT6"],
                  totals["FF"], totals["RAMB18E1"], 18432, totals["DSP48E1"], clk_hz)


def ecp5_target(clk_hz: int) -> Target:
    """An ECP5-85 alone, as the planner sees it."""
    return Target("ecp5-85k", "ecp5", "85k", "CABGA381", "6", 83640, 83640, 208, 18432, 156, clk_hz)
