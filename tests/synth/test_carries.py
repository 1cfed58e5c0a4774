"""Carry cells without zeros at their inputs compute what they did with them."""

import json
from copy import deepcopy
from itertools import product

import pytest
from cases.networks import binary
from cases.targets import ECP5

from hwgen.emit import to_verilog
from hwgen.plan import plan
from hwgen.rtl.pipeline import COMPONENTS
from hwgen.synth import Device, SynthJob, synthesise
from hwgen.synth.carries import fold_zeros, free_zeros


def entry(table, inputs):
    """Of a table of four inputs, A lowest, as yosys' model of LUT4 reads it."""
    a, b, c, d = inputs
    return table >> (8 * d + 4 * c + 2 * b + a) & 1


@pytest.mark.parametrize("zeros", [(0,), (1,), (2,), (3,), (0, 2), (1, 3), (0, 1, 2, 3)])
def test_folded_table_does_not_depend_on_the_zeros(zeros, rng):
    for table in (0, 0xFFFF, 0x96AA, *map(int, rng.integers(0, 1 << 16, 50))):
        folded = fold_zeros(table, zeros)
        for inputs in product((0, 1), repeat=4):
            as_zeros = [0 if k in zeros else bit for k, bit in enumerate(inputs)]
            assert entry(folded, inputs) == entry(table, as_zeros)
            # The generate function is the table with C and D at 0.
            generate = entry(folded, (*inputs[:2], 0, 0))
            assert generate == entry(table, (*as_zeros[:2], 0, 0))


def cell(kind="CCU2C", init="0" * 8 + "1" * 8, **pins):
    connections = {pin: [f"net {pin}"] for pin in ("A0", "B0", "C0", "D0", "A1", "CIN")}
    return {"type": kind, "parameters": {"INIT0": init, "INIT1": init},
            "connections": connections | {pin: [bit] for pin, bit in pins.items()}}


def test_only_zeros_of_carry_cells_are_changed():
    cells = {"carry": cell(C0="0", D0="1", A1="0", CIN="0"), "lut": cell("LUT4", A0="0"),
             "free": cell(A0="1")}
    after = deepcopy(cells)
    assert free_zeros({"cells": after}) == 2
    assert (after["lut"], after["free"]) == (cells["lut"], cells["free"])
    pins = after["carry"]["connections"]
    assert {pin: pins[pin] for pin in ("B0", "C0", "D0", "A1", "CIN")} == {
        "B0": ["net B0"], "C0": ["1"], "D0": ["1"], "A1": ["1"], "CIN": ["0"]}
    assert after["carry"]["parameters"] == {
        "INIT0": "0" * 8 + "1" * 8, "INIT1": "0" * 8 + "1" * 8}
    assert free_zeros({"cells": after}) == 0


@pytest.mark.synth
def test_a_binarised_core_is_placed_without_them(tmp_path):
    design = plan(binary(sizes=(12, 72, 64, 4), levels=(4, 9)), ECP5,
                  cores={"fc2": {"pe": 4, "simd": 18}})
    stage = next(stage for stage in design.stages if stage.name == "fc2")
    source = tmp_path / "layer.v"
    source.write_text(to_verilog(COMPONENTS[stage.core](stage), "layer", folder=tmp_path))
    device = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
    synthesise(SynthJob(sources=[source], top="layer", device=device, clock_mhz=50,
                        out_of_context=True), tmp_path / "out")
    module = json.loads((tmp_path / "out" / "netlist.json").read_text())["modules"]["layer"]
    carries = [c["connections"] for c in module["cells"].values() if c["type"] == "CCU2C"]
    assert len(carries) > 20
    assert not [pins for pins in carries for name in "ABCD" for half in "01"
                if pins[f"{name}{half}"] == ["0"]]
