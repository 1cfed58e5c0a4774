import pytest

from hwgen.synth import Device
from hwgen.synth.script import netlist_commands

HIDE = r"rename -hide w:*\[*"
CELLS = "techmap -map chain_cells.v"


def test_ecp5_hides_the_names_of_parts_and_from_abc9_what_carry_cells_are():
    device = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
    begin = "synth_ecp5 -nowidelut -abc2 -top t"
    assert netlist_commands(device, "t", ["-abc2"]) == [
        HIDE, "techmap -map chain_ecp5.v", CELLS, f"{begin} -run begin:map_luts",
        "delete =CCU2C", "read_verilog -lib -specify carry_ecp5.v",
        f"{begin} -json netlist.json -run map_luts:"]


@pytest.mark.parametrize(("size", "kind"), [("hx8k", "hx"), ("lp1k", "lp")])
def test_ice40_without_multipliers_is_too(size, kind):
    device = Device(family="ice40", size=size, package="sg48")
    assert netlist_commands(device, "t") == [
        HIDE, CELLS, f"synth_ice40 -device {kind} -top t -json netlist.json"]


@pytest.mark.parametrize("size", ["up5k", "u4k"])
def test_ice40_maps_multipliers_before_the_coarse_part_and_leaves_their_registers_out(size):
    device = Device(family="ice40", size=size, package="sg48")
    commands = netlist_commands(device, "t", ["-spram"])
    begin = "synth_ice40 -device u -spram -top t"
    assert commands[:3] == [HIDE, CELLS, f"{begin} -run begin:coarse"]
    assert commands[-1] == f"{begin} -json netlist.json -run coarse:"
    assert sum("/ice40/dsp_map.v" in line for line in commands) == 1
    assert not any("-dsp" in line or line.startswith("ice40_dsp") for line in commands)
