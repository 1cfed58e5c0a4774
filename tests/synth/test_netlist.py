import json

import pytest
from synth.recorded import NETLIST

from hwgen.synth import Device, SynthJob
from hwgen.synth.netlist import Netlist, cut_ports, read_netlist

ECP5_25 = Device(family="ecp5", size="25k", package="CABGA256", speed=6)
UP5K = Device(family="ice40", size="up5k", package="sg48")


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "netlist.json"
    file.write_text(json.dumps(NETLIST))
    return file


def job(tmp_path, device, **changes):
    (tmp_path / "a.v").touch()
    return SynthJob(sources=[tmp_path / "a.v"], top="top", device=device, clock_mhz=12, **changes)


def test_counts_cells_without_notes(path):
    netlist = read_netlist(path, "top")
    assert netlist.cells == {"CCU2C": 13, "LUT4": 30, "TRELLIS_FF": 34}
    assert netlist.logic_cells == 77
    assert (netlist.lut, netlist.lut_eq, netlist.ff) == (30, 56, 34)
    assert netlist.unmapped == []


def test_distributed_ram_takes_six_luts():
    assert Netlist({"LUT4": 5, "TRELLIS_DPR16X4": 2}).lut_eq == 17


def test_flip_flops_of_ice40_of_all_kinds():
    assert Netlist({"SB_DFF": 8, "SB_DFFESR": 26, "SB_LUT4": 3}).ff == 34


def test_missing_top(path):
    with pytest.raises(ValueError, match=r"^netlist must have a module 'x', not only \['LUT4', 't"):
        read_netlist(path, "x")


def test_cut_netlist_is_no_json(path):
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match="Expecting"):
        read_netlist(path, "top")


@pytest.mark.parametrize(
    ("device", "cells", "bits"),
    [
        (ECP5_25, {"DP16KD": 2, "TRELLIS_DPR16X4": 3, "LUT4": 9}, 2 * 18432 + 3 * 64),
        (UP5K, {"SB_RAM40_4K": 2, "SB_SPRAM256KA": 1}, 2 * 4096 + 262144),
    ],
)
def test_memory_bits(device, cells, bits):
    assert Netlist(cells).memory_bits(device) == bits


@pytest.mark.parametrize(
    ("device", "cells", "changes", "faults"),
    [
        (UP5K, {"SB_LUT4": 10}, {"min_cells": 10}, []),
        (UP5K, {}, {}, ["there must be at least 1 cells, not 0"]),
        (
            UP5K,
            {"SB_LUT4": 3, "SB_IO": 20},
            {"min_cells": 10},
            ["there must be at least 10 cells, not 3"],
        ),
        (
            UP5K,
            {"SB_LUT4": 10, "SB_RAM40_4K": 1},
            {"min_memory_bits": 5000},
            ["memory cells must hold at least 5000 bits, not 4096"],
        ),
        (
            UP5K,
            {"SB_LUT4": 6000, "SB_MAC16": 9, "SB_RAM40_4K": 30, "$mul": 1},
            {},
            [
                "cells must be of the device, not $mul",
                "ICESTORM_LC must be at most 5280, not 6000",
                "ICESTORM_DSP must be at most 8, not 9",
            ],
        ),
        (
            ECP5_25,
            {"LUT4": 24000, "CCU2C": 145, "DP16KD": 50, "PDPW16KD": 7, "EHXPLLL": 1},
            {},
            ["TRELLIS_COMB must be at most 24288, not 24290", "DP16KD must be at most 56, not 57"],
        ),
    ],
)
def test_faults(tmp_path, device, cells, changes, faults):
    assert Netlist(cells).faults(job(tmp_path, device, **changes)) == faults


def test_cut_ports_keeps_nets_cells_and_the_ports_that_are_named(path, tmp_path):
    cut = tmp_path / "cut.json"
    cut_ports(path, cut, "top", ("clk", "rst"))
    before, after = NETLIST["modules"]["top"], json.loads(cut.read_text())["modules"]["top"]
    assert list(after["ports"]) == ["clk", "rst"]
    assert after["cells"] == before["cells"]
    assert after["netnames"] == before["netnames"]
