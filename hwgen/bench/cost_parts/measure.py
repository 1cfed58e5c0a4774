"""What yosys makes of a configuration: the numbers that estimates are held against."""

import json

from hwgen.plan import Cells, Target
from hwgen.synth import Device
from hwgen.synth.occupied import lone_flip_flops

from ..frame.devices import ECP5, GW2A, HX8K, UP5K, Z020, ecp5_target, xilinx_target

__all__ = ["DEVICES", "TARGETS", "device_of", "measured", "target_of"]

DEVICES = {"ecp5": ECP5, "ice40": HX8K, "xc7": Z020, "gowin": GW2A}

TARGETS = {
    "ecp5": ecp5_target(50_000_000),
    "ice40": Target("hx8k", "ice40", "hx8k", "ct256", "", 7680, 7680, 32, 4096, 0, 24_000_000),
    "xc7": xilinx_target(DEVICES["xc7"], 100_000_000),
    "gowin": Target("gw2a-55", "gowin", "gw2a-55", "PG484", "", 54720, 41040, 140, 18432, 0,
                    50_000_000),
}

OF_UP5K = Target("up5k", "ice40", "up5k", "sg48", "", 5280, 5280, 30, 4096, 8, 24_000_000)


def device_of(case, family: str) -> Device:
    """Which device a configuration is synthesised for."""
    return UP5K if family == "ice40" and case.has_blocks else DEVICES[family]


def target_of(case, family: str) -> Target:
    """The same as the planner sees it."""
    return OF_UP5K if family == "ice40" and case.has_blocks else TARGETS[family]


def measured(bench, stage, name: str, device: Device) -> tuple[Cells, str]:
    """Cells of a stage alone, not placed, and the tool that counted them.

    On an iCE40 flip-flops that find no LUT of their own count as logic cells.
    """
    family, lone = device.family, 0
    report = bench.synthesise(stage, name, device)
    if family == "ice40":
        netlist = bench.place_of(name, device) / "netlist.json"
        module = json.loads(netlist.read_text(encoding="utf-8"))["modules"]["core"]
        lone = lone_flip_flops(module)
    return Cells(report.lut_eq + lone, report.ff, report.bram, report.dsp), report.tools["yosys"]
