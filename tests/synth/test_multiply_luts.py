"""Multipliers in LUTs: equal to what they compute, and in no block of any device."""

import itertools
import json
import shutil

import pytest

from hwgen.emit.verilog import MULTIPLY_CELLS
from hwgen.synth import Device
from hwgen.synth.script import map_files, multiply_maps, netlist_commands
from hwgen.toolchain import run

pytestmark = pytest.mark.synth

DEVICES = {
    "ecp5": Device(family="ecp5", size="85k", package="CABGA381", speed=6),
    "up5k": Device(family="ice40", size="up5k", package="sg48"),
    "hx8k": Device(family="ice40", size="hx8k", package="ct256"),
    "xc7": Device(family="xc7", size="7z020", package="clg400"),
}
CASES = [(*widths, *signs) for widths in ((1, 3), (4, 3))
         for signs in itertools.product((0, 1), repeat=2)]


def instance(name, a, b, a_signed, b_signed):
    """Module ``name`` that is one multiplier."""
    return (f"module {name}(input clk, input [{a - 1}:0] a, input [{b - 1}:0] b,"
            f" output [{a + b - 1}:0] y);\n  hwgen_multiply_luts #(.A_WIDTH({a}), .B_WIDTH({b}),"
            f" .A_SIGNED({a_signed}), .B_SIGNED({b_signed}))"
            " cell (.clk(clk), .a(a), .b(b), .y(y));\nendmodule\n")


def test_what_yosys_gets_equals_what_they_compute(tmp_path):
    gates, golds, ports, parts = "", "", ["input clk"], ""
    for k, case in enumerate(CASES):
        a, b = case[:2]
        gates, golds = gates + instance(f"gate{k}", *case), golds + instance(f"gold{k}", *case)
        ports += [f"input [{a - 1}:0] a{k}", f"input [{b - 1}:0] b{k}"]
        parts += (f"  wire [{a + b - 1}:0] asked{k}, built{k};\n"
                  f"  gold{k} gold{k} (.clk(clk), .a(a{k}), .b(b{k}), .y(asked{k}));\n"
                  f"  gate{k} gate{k} (.clk(clk), .a(a{k}), .b(b{k}), .y(built{k}));\n"
                  f"  assign wrong[{k}] = asked{k} != built{k};\n")
    ports.append(f"output [{len(CASES) - 1}:0] wrong")
    luts = next(file for file in multiply_maps(DEVICES["ecp5"]) if file.stem == "multiply_luts")
    for file in (luts, MULTIPLY_CELLS):
        shutil.copy(file, tmp_path)
    (tmp_path / "gates.v").write_text(gates)
    (tmp_path / "bench.v").write_text(
        golds + f"module bench({', '.join(ports)});\n{parts}endmodule\n")
    (tmp_path / "check.ys").write_text("\n".join([
        "read_verilog gates.v", f"techmap -autoproc -map {luts.name}",
        "select -assert-none t:hwgen_*", "chtype -set $mul t:$__soft_mul",
        f"read_verilog {MULTIPLY_CELLS.name} bench.v", "hierarchy -check -top bench", "proc",
        "flatten", "async2sync", "opt -full", "sat -verify -prove wrong 0 -seq 4 -set-init-zero",
        "tee -a done log all hold", ""]))
    run("yosys", ["-q", "-s", "check.ys"], cwd=tmp_path, log="check.log")
    assert "all hold" in (tmp_path / "done").read_text()


@pytest.mark.parametrize("device", DEVICES)
def test_no_device_has_a_block_for_them(device, tmp_path):
    device = DEVICES[device]
    top = ("module top(input clk, input [35:0] a, b, output [71:0] y, z);\n"
           "  hwgen_multiply_luts #(.A_WIDTH(8), .B_WIDTH(8), .A_SIGNED(1)) one"
           " (.clk(clk), .a(a[7:0]), .b(b[7:0]), .y(y[15:0]));\n"
           "  hwgen_multiply_luts #(.A_WIDTH(20), .B_WIDTH(15), .B_SIGNED(1)) two"
           " (.clk(clk), .a(a[35:16]), .b(b[14:0]), .y(z[34:0]));\nendmodule\n")
    (tmp_path / "top.v").write_text(top)
    for file in map_files(device):
        shutil.copy(file, tmp_path)
    (tmp_path / "top.ys").write_text("\n".join([
        "read_verilog top.v", *netlist_commands(device, "top", multipliers=True), ""]))
    run("yosys", ["-q", "-s", "top.ys"], cwd=tmp_path, log="top.log")
    module = json.loads((tmp_path / "netlist.json").read_text())["modules"]["top"]
    kinds = {cell["type"] for cell in module["cells"].values()}
    assert len(kinds) > 1
    assert not kinds & {"MULT18X18D", "SB_MAC16", "DSP48E1", "$mul", "$__soft_mul"}
