"""Pieces of carry chains on each device: equal to what they compute, and as small as stated."""

import pytest

from hwgen.emit.verilog import CHAIN_CELLS
from hwgen.synth.script import chain_maps
from hwgen.toolchain import run

pytestmark = pytest.mark.synth

MODELS = {"ecp5": "+/ecp5/cells_sim.v", "xc7": "+/xilinx/cells_sim.v"}


def count3(n, mask):
    return "hwgen_count3", {"COUNT": n, "MASK": mask}, {"x": 3 * n, "w": 3 * n, "y": 2 * n}


def add(width, n, mask):
    ports = {"a": n * width, "b": n * width, "x": n, "w": n, "y": n * (width + 1)}
    return "hwgen_add", {"WIDTH": width, "COUNT": n, "MASK": mask}, ports


def load_add(width, mask):
    ports = {"first": 1, "start": width, "acc": width, "addend": width, "x": 1, "w": 1, "y": width}
    return "hwgen_load_add", {"WIDTH": width, "MASK": mask}, ports


def at_least(width):
    return "hwgen_at_least", {"WIDTH": width}, {"a": width, "t0": width, "t1": width, "high": 1,
                                               "y": 1}


def counter(kind, size, bits, n):
    inputs = ("a",) if kind == "sum" else ("x", "w")
    return f"hwgen_{kind}{size}", {"COUNT": n}, {**dict.fromkeys(inputs, n * size), "y": n * bits}


CASES = [
    *(count3(n, mask) for n in (1, 2, 5) for mask in (0, 1)),
    *(add(width, n, mask) for width, n in ((1, 1), (1, 3), (2, 2), (5, 1), (4, 3))
      for mask in (0, 1)),
    *(load_add(width, mask) for width in (1, 2, 7) for mask in (0, 1)),
    *(at_least(width) for width in (1, 2, 5)),
    *(counter(*kind, n) for kind in (("sum", 3, 2), ("sum", 6, 3), ("parity", 3, 2),
                                     ("parity", 9, 5)) for n in (1, 3)),
]

SIZES = {  # piece -> LUTs of four, and of six, inputs that it takes up; a CCU2C is two, CARRY4 none
    "count3": (count3(16, 0), 34, 32), "add": (add(3, 4, 0), 18, 16),
    "load_add": (load_add(11, 0), 12, 12), "at_least": (at_least(11), 12, 11),
}


def instance(piece):
    """Module ``top`` that is one piece."""
    module, parameters, ports = piece
    heads = [f"{'output' if name == 'y' else 'input'} [{bits - 1}:0] {name}"
             for name, bits in ports.items()]
    values = ", ".join(f".{name}({value})" for name, value in parameters.items())
    return (f"module top({', '.join(heads)}); {module} #({values})"
            f" piece ({', '.join(f'.{name}({name})' for name in ports)}); endmodule\n")


def yosys(folder, lines, family):
    for file in chain_maps_of(family):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"))
    (folder / "check.ys").write_text("\n".join(lines))
    run("yosys", ["-q", "-s", "check.ys"], cwd=folder, log="check.log")


def chain_maps_of(family):
    return chain_maps(type("Device", (), {"family": family}))


@pytest.mark.parametrize("family", MODELS)
def test_every_piece_equals_what_it_computes(family, tmp_path):
    lines = []
    for k, piece in enumerate(CASES):
        (tmp_path / f"case{k}.v").write_text(instance(piece))
        lines += [
            "design -reset", f"read_verilog case{k}.v", f"techmap -map chain_{family}.v",
            "select -assert-none t:hwgen_*" if family == "xc7" or k < 25 else "",
            f"techmap -map {CHAIN_CELLS.name}", f"techmap -autoproc -map {MODELS[family]}",
            "hierarchy -check -top top", "proc", "flatten", "opt -full", "rename top gate",
            "design -stash gate", f"read_verilog {CHAIN_CELLS.name} case{k}.v",
            "hierarchy -check -top top", "proc", "flatten", "opt", "rename top gold",
            "design -copy-from gate -as gate gate",
            "miter -equiv -flatten -make_assert gold gate miter",
            "sat -verify -prove-asserts miter", f"tee -a proven log piece {k} is proven"]
    yosys(tmp_path, lines, family)
    assert (tmp_path / "proven").read_text().count("is proven") == len(CASES) == 33


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize("piece", SIZES)
def test_pieces_are_as_small_as_they_were(piece, family, tmp_path):
    case, four, six = SIZES[piece]
    (tmp_path / "case.v").write_text(instance(case))
    synth = {"ecp5": "synth_ecp5 -nowidelut", "xc7": "synth_xilinx -family xc7 -noiopad -flatten"}
    kinds = {"ecp5": ("t:LUT4", "t:CCU2C"), "xc7": ("t:LUT* t:INV", "")}[family]
    budget = (0, four // 2) if family == "ecp5" else (six, None)
    yosys(tmp_path, [
        "read_verilog case.v", f"techmap -map chain_{family}.v", f"{synth[family]} -top top",
        *(f"select -assert-max {most} {kind}" if most else f"select -assert-none {kind}"
          for kind, most in zip(kinds, budget, strict=True) if kind)], family)
