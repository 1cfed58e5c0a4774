"""Carry chains of an ECP5 in netlists: still what they were, whatever ABC9 makes of what is around.

While ABC9 knew what is in a CCU2C, the comparison of this core was lost in about every second run
on the same files (docs/decisions/0011), so it is synthesised several times.
"""

import json

import pytest

from hwgen.emit.verilog import CHAIN_CELLS
from hwgen.ir import Argmax, Edge
from hwgen.numeric import Fixed
from hwgen.plan.stages import ArgmaxStage
from hwgen.rtl.pipeline import COMPONENTS
from hwgen.rtl.text import to_rtlil
from hwgen.synth import Device
from hwgen.synth.script import map_files, netlist_commands
from hwgen.toolchain import run

pytestmark = pytest.mark.synth

DEVICE = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
RUNS = 5

PROOF = f"""
read_json netlist.json
select core
write_rtlil -selected netlist.il
design -reset
read_rtlil netlist.il
read_verilog -overwrite +/lattice/cells_sim_ecp5.v
hierarchy -top core
proc
flatten -wb
rename core gate
select gate
write_rtlil -selected gate.il
design -reset
read_rtlil core.il
techmap -map {CHAIN_CELLS.name}
hierarchy -top core
proc
flatten
rename core gold
read_rtlil gate.il
miter -equiv -flatten gold gate both
hierarchy -top both
opt_clean
sat -verify -set-init-zero -prove trigger 0 -tempinduct-baseonly -maxsteps 9 both
"""
"""Nine cycles from the start with every input: two scores are compared after four."""


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """Folder with the RTLIL of an argmax of four scores of four bits, and the maps."""
    folder, scores = tmp_path_factory.mktemp("argmax"), Edge((4,), Fixed(4), -8, 7)
    stage = ArgmaxStage(Argmax("argmax", ("x",), 1), scores)
    (folder / "core.il").write_text(to_rtlil(COMPONENTS["argmax"](stage), "core"))
    for file in map_files(DEVICE):
        (folder / file.name).write_text(file.read_text())
    return folder


@pytest.mark.parametrize("attempt", range(RUNS))
def test_comparison_is_in_the_netlist(core, attempt):
    synth = ["read_rtlil core.il", *netlist_commands(DEVICE, "core"), ""]
    (core / "synth.ys").write_text("\n".join(synth))
    run("yosys", ["-q", "-s", "synth.ys"], cwd=core, log="synth.log")
    cells = json.loads((core / "netlist.json").read_text())["modules"]["core"]["cells"]
    assert sum(cell["type"] == "CCU2C" for cell in cells.values()) == 3
    (core / "proof.ys").write_text(PROOF)
    run("yosys", ["-q", "-s", "proof.ys"], cwd=core, log="proof.log")
