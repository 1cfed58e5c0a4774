"""What synthesis counts for a stage alone: the numbers that estimates are held against.

The netlist is what `hwgen.synth` would make of it: the RTLIL of the stage's component, then
:func:`hwgen.synth.script.netlist_commands` for the board's device (``synth_ecp5 -nowidelut``;
``synth_ice40`` with the multipliers in SB_MAC16). Nothing is placed.
"""

import json

from hwgen.plan import Cells
from hwgen.rtl.pipeline import COMPONENTS
from hwgen.rtl.text import to_rtlil
from hwgen.synth import Device
from hwgen.synth.edits import edit_netlist
from hwgen.synth.netlist import read_netlist
from hwgen.synth.occupied import lone_flip_flops
from hwgen.synth.script import map_files, netlist_commands
from hwgen.toolchain import run

__all__ = ["counted"]

DEVICES = {
    "ecp5": Device(family="ecp5", size="85k", package="CABGA381", speed=6),
    "ice40": Device(family="ice40", size="up5k", package="sg48"),
}


def counted(stage, family: str, folder) -> Cells:
    """Cells of ``stage``, a stage or a component: LUT equivalents on ECP5, else logic cells."""
    component = COMPONENTS[stage.core](stage) if hasattr(stage, "core") else stage
    (folder / "stage.il").write_text(to_rtlil(component, "stage"))
    for file in map_files(DEVICES[family]):
        (folder / file.name).write_text(file.read_text())
    commands = ["read_rtlil stage.il",
                *netlist_commands(DEVICES[family], "stage", multipliers=True), ""]
    (folder / "stage.ys").write_text("\n".join(commands))
    run("yosys", ["-q", "-s", "stage.ys"], cwd=folder, log="yosys.log")
    edit_netlist(folder / "netlist.json", "stage", family)
    netlist = read_netlist(folder / "netlist.json", "stage")
    needs, tools = netlist.needs(DEVICES[family]), DEVICES[family].tools
    module = json.loads((folder / "netlist.json").read_text())["modules"]["stage"]
    lut = netlist.lut_eq + (lone_flip_flops(module) if family == "ice40" else 0)
    return Cells(lut, netlist.ff, needs[tools.bram], needs[tools.dsp])
