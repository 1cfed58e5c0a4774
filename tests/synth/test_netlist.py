import json

import pytest
from synth.recorded import NETLIST

from hwgen.synth import Device, SynthJob
from hwgen.synth.netlist import Netlist, cut_ports, read_netlist
from hwgen.synth.occupied import route_throughs

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


def test_luts_of_xilinx_are_counted_whatever_their_inputs():
    cells = {"LUT1": 1, "LUT5": 2, "LUT6_2": 4, "INV": 8, "CARRY4": 99, "MUXF7": 99,
             "RAM32M": 3, "FDRE": 5, "FDSE_1": 6}
    netlist = Netlist(cells, route_throughs=100)
    assert (netlist.lut, netlist.lut_eq, netlist.ff) == (15, 15 + 4 * 3 + 100, 11)


def test_block_rams_of_xilinx_are_counted_in_halves():
    zynq = Device(family="xc7", size="7z020", package="clg400")
    assert Netlist({"RAMB18E1": 1, "RAMB36E1": 2}).needs(zynq)["RAMB18E1"] == 5


def test_alus_of_gowin_are_luts():
    assert Netlist({"LUT3": 2, "ALU": 5, "DFFCE": 7, "RAM16SDP4": 1}).lut_eq == 13


def _chain(select, out, luts=()):
    """A netlist of one CARRY4, and of LUTs with these outputs; ``out`` is read from outside."""
    def cell(kind, inputs, outputs):
        return {"type": kind, "connections": inputs | outputs, "port_directions": {
            **dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")}}

    carry = cell("CARRY4", {"S": select, "DI": ["0"] * 4}, {"O": [20, 21, 22, 23],
                                                            "CO": [30, 31, 32, 33]})
    cells = {"c": carry} | {f"l{k}": cell("LUT2", {"I0": [2], "I1": [3]}, {"O": [bit]})
                            for k, bit in enumerate(luts)}
    return {"cells": cells, "ports": {"o": {"direction": "output", "bits": out}}}


@pytest.mark.parametrize(
    ("module", "count"),
    [
        (_chain([10, 11, 12, 13], [33], luts=(10, 11, 12, 13)), 0),
        (_chain([10, 11, 12, 13], [33], luts=(10,)), 3),
        (_chain([10, 10, 12, "0"], [33], luts=(10, 12)), 1),
        # Nothing reads what comes after the second stage.
        (_chain([10, 11, 12, 13], [20, 21]), 2),
        (_chain([10, 11, 12, 13], []), 0),
        ({"cells": {}, "ports": {}}, 0),
    ],
)
def test_route_throughs_are_carry_stages_without_a_lut_of_their_own(module, count):
    assert route_throughs(module) == count


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
