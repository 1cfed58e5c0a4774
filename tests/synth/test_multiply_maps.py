"""Multipliers as blocks of each device: equal to what they compute, registers included.

Narrow ones are proven equal for all operands, registers included; of wide ones the products of
extremes and of drawn operands are looked at, with wires for registers.
"""

import itertools
import shutil
from importlib import resources

import numpy as np
import pytest

from hwgen.emit.verilog import MULTIPLY_CELLS
from hwgen.synth import Device
from hwgen.synth.script import multiply_maps
from hwgen.toolchain import run

pytestmark = pytest.mark.synth

DEVICES = {
    "ecp5": Device(family="ecp5", size="85k", package="CABGA381", speed=6),
    "ice40": Device(family="ice40", size="up5k", package="sg48"),
    "xc7": Device(family="xc7", size="7z020", package="clg400"),
}
BLOCKS = {"ecp5": "MULT18X18D", "ice40": "SB_MAC16", "xc7": "DSP48E1"}
MODEL = resources.files("hwgen.synth") / "models" / "mult18x18d.v"
MODELS = {"ecp5": "mult18x18d.v", "ice40": "+/ice40/cells_sim.v", "xc7": "+/xilinx/cells_sim.v"}

SIGNS = list(itertools.product((0, 1), repeat=2))
PROVEN = {  # widths of the operands; two native products in one block
    "ecp5": [(1, 3, 0), (4, 3, 0)],
    "ice40": [(10, 1, 0), (1, 2, 1)],
    "xc7": [(1, 8, 0), (6, 3, 0)],
}
COMPARED = {
    "ecp5": [(18, 18, 0), (17, 8, 0), (8, 8, 0)],
    "ice40": [(16, 16, 0), (8, 8, 1), (8, 8, 0)],
    "xc7": [(24, 17, 0), (16, 16, 0), (24, 8, 0)],
}


def instance(name, a, b, signed, pair):
    """Module ``name`` that is one multiplier."""
    n, kind = 1 + pair, "hwgen_multiply_pair" if pair else "hwgen_multiply"
    return (f"module {name}(input clk, input [{n * a - 1}:0] a, input [{n * b - 1}:0] b,"
            f" output [{n * (a + b) - 1}:0] y);\n  {kind} #(.A_WIDTH({a}), .B_WIDTH({b}),"
            f" .A_SIGNED({signed[0]}), .B_SIGNED({signed[1]}))"
            " cell (.clk(clk), .a(a), .b(b), .y(y));\nendmodule\n")


def check(folder, family, cases, gates, top, *after, before=()):
    """Map ``gates``, and prove that ``wrong`` of module ``bench`` in ``top`` is always 0.

    Commands ``before`` come between the map and what blocks compute, ``after`` before the proof.
    """
    for file in multiply_maps(DEVICES[family]):
        shutil.copy(file, folder)
    shutil.copy(MODEL, folder)
    (folder / "gates.v").write_text(gates)
    (folder / "bench.v").write_text(top)
    (folder / "wires.v").write_text(
        "(* techmap_celltype = \"$dff $dffe $adff $adffe $sdff $sdffe\" *)\n"
        "module wires #(parameter WIDTH = 1) (input [WIDTH-1:0] D, output [WIDTH-1:0] Q);"
        " assign Q = D; endmodule\n")
    (folder / "check.ys").write_text("\n".join([
        "read_verilog gates.v", f"techmap -autoproc -map multiply_{family}.v",
        f"select -assert-count {cases} t:{BLOCKS[family]}", "select -assert-none t:hwgen_*",
        *before, f"read_verilog -defer {MODELS[family]}",
        f"read_verilog {MULTIPLY_CELLS.name} bench.v",
        "hierarchy -check -top bench", "proc", *after,
        "tee -a done log all hold", ""]))
    run("yosys", ["-q", "-s", "check.ys"], cwd=folder, log="check.log")
    assert "all hold" in (folder / "done").read_text()


@pytest.mark.parametrize("family", DEVICES)
def test_narrow_ones_equal_what_they_compute(family, tmp_path):
    cases = [(*sizes, signed) for sizes, signed in itertools.product(PROVEN[family], SIGNS)]
    gates, golds, ports, parts = "", "", ["input clk"], ""
    for k, (a, b, pair, signed) in enumerate(cases):
        gates += instance(f"gate{k}", a, b, signed, pair)
        golds += instance(f"gold{k}", a, b, signed, pair)
        n = 1 + pair
        ports += [f"input [{n * a - 1}:0] a{k}", f"input [{n * b - 1}:0] b{k}"]
        parts += (f"  wire [{n * (a + b) - 1}:0] asked{k}, built{k};\n"
                  f"  gold{k} gold{k} (.clk(clk), .a(a{k}), .b(b{k}), .y(asked{k}));\n"
                  f"  gate{k} gate{k} (.clk(clk), .a(a{k}), .b(b{k}), .y(built{k}));\n"
                  f"  assign wrong[{k}] = asked{k} != built{k};\n")
    ports.append(f"output [{len(cases) - 1}:0] wrong")
    top = f"module bench({', '.join(ports)});\n{parts}endmodule\n"
    check(tmp_path, family, len(cases), gates, golds + top,
          "flatten", "async2sync", "opt -full",
          "sat -verify -prove wrong 0 -seq 4 -set-init-zero")


def operands(a, b, signed):
    """Pairs of extremes, and drawn ones."""
    rng = np.random.default_rng(a + b)
    ends = [(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if sign else (0, (1 << bits) - 1)
            for bits, sign in zip((a, b), signed, strict=True)]
    yield from itertools.product(*ends)
    for _ in range(4):
        yield tuple(int(rng.integers(lo, hi, endpoint=True)) for lo, hi in ends)


@pytest.mark.parametrize("family", DEVICES)
def test_wide_ones_multiply_extremes_and_drawn_operands(family, tmp_path):
    cases = [(*sizes, signed) for sizes, signed in itertools.product(COMPARED[family], SIGNS)]
    gates, parts, count = "", "", 0
    for k, (a, b, pair, signed) in enumerate(cases):
        gates += instance(f"gate{k}", a, b, signed, pair)
        for left, right in operands(a, b, signed):
            packed = [value & (1 << bits) - 1
                      for value, bits in ((left, a), (right, b), (left * right, a + b))]
            packed = [value << pair * bits | value      # both halves alike
                      for value, bits in zip(packed, (a, b, a + b), strict=True)]
            width = (1 + pair) * (a + b)
            parts += (f"  wire [{width - 1}:0] y{count};\n"
                      f"  gate{k} gate{count} (.clk(clk), .a({(1 + pair) * a}'d{packed[0]}),"
                      f" .b({(1 + pair) * b}'d{packed[1]}), .y(y{count}));\n"
                      f"  assign wrong[{count}] = y{count} != {width}'d{packed[2]};\n")
            count += 1
    top = (f"module bench(input clk, output [{count - 1}:0] wrong);\n{parts}endmodule\n")
    check(tmp_path, family, len(cases), gates, top, "setattr -mod -set keep_hierarchy 1 gate*",
          "flatten", "opt", "techmap -map wires.v", "opt",
          "setattr -mod -unset keep_hierarchy gate*", "flatten", "opt",
          "async2sync", "opt", "sat -verify -prove wrong 0 -seq 4 -prove-skip 3")


SURROUNDED = """
module {name}(input clk, input [5:0] a, c, input [2:0] b, output reg [10:0] y);
  reg [5:0] a_waits;
  reg [2:0] b_waits;
  wire [8:0] p, q;
  hwgen_multiply #(.A_WIDTH(6), .B_WIDTH(3)) left (.clk(clk), .a(a_waits), .b(b_waits), .y(p));
  hwgen_multiply #(.A_WIDTH(6), .B_WIDTH(3)) right (.clk(clk), .a(a + c), .b(b_waits), .y(q));
  always @(posedge clk) begin
    a_waits <= a;
    b_waits <= b;
    y <= p + q;
  end
endmodule
"""
"""Products whose operands come out of registers or an adder, and that are added in a register."""


def test_what_synth_xilinx_takes_into_blocks_leaves_every_operand_its_cycles(tmp_path):
    top = """module bench(input clk, input [5:0] a, c, input [2:0] b, output wrong);
  wire [10:0] asked, built;
  gold gold (.clk(clk), .a(a), .b(b), .c(c), .y(asked));
  gate gate (.clk(clk), .a(a), .b(b), .c(c), .y(built));
  assign wrong = asked != built;
endmodule
"""
    check(tmp_path, "xc7", 2, SURROUNDED.format(name="gate"), SURROUNDED.format(name="gold") + top,
          "flatten", "async2sync", "opt -full",
          "sat -verify -prove wrong 0 -seq 6 -set-init-zero",
          before=("read_verilog -lib +/xilinx/cells_sim.v", "hierarchy -top gate", "proc", "opt",
                  "wreduce", "xilinx_dsp -family xc7",
                  "select -assert-count 1 t:DSP48E1 r:PREG>=1 %i", "select -clear",
                  "delete =DSP48E1"))      # its ports alone, which the model takes the place of
