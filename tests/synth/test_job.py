import json

import pytest
from cases.errors import refused

from hwgen.numeric.errors import SpecError
from hwgen.synth import Device, SynthJob
from hwgen.synth.script import netlist_commands

UP5K = Device(family="ice40", size="up5k", package="sg48")
ECP5 = Device(family="ecp5", size="85k", package="CABGA381", speed=6)

XC7 = Device(family="xc7", size="7z020", package="clg400")


@pytest.fixture
def files(tmp_path):
    for name in ("a.il", "b.v", "c.sv", "w.mem", "pins.pcf", "pins.lpf", "odd name.v"):
        (tmp_path / name).write_text(name)
    return tmp_path


def job(files, *names, **changes):
    sources = [files / name for name in names or ("a.il",)]
    return SynthJob(**{"sources": sources, "top": "t", "device": UP5K, "clock_mhz": 12, **changes})


def test_script_reads_each_kind_of_source_by_its_name_alone(files):
    asked = job(files, "a.il", "b.v", "c.sv", "w.mem", options=["-spram"])
    assert asked.script == (
        "read_rtlil a.il\n"
        "read_verilog b.v\n"
        "read_verilog -sv c.sv\n"
        + "".join(f"{line}\n" for line in netlist_commands(UP5K, "t", ["-spram"]))
    )


def test_modes(files):
    assert job(files).mode == "unconstrained"
    assert job(files, constraints=files / "pins.pcf").mode == "board"
    assert job(files, out_of_context=True).mode == "out of context"
    assert job(files, place=False).mode == "synthesis"


def test_description_follows_everything_that_decides_the_result(files):
    first = job(files, constraints=files / "pins.pcf")
    about = json.loads(first.describe())
    assert about["sources"] == ["a.il"]
    assert about["constraints"] == "pins.pcf"
    assert about["device"]["size"] == "up5k"
    texts = {first.describe()}
    texts.add(job(files, constraints=files / "pins.pcf", seed=2).describe())
    (files / "a.il").write_text("other")
    texts.add(first.describe())
    (files / "pins.pcf").write_text("other")
    texts.add(first.describe())
    assert len(texts) == 4


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"device": "up5k"}, TypeError, "device must be a Device, not 'up5k'"),
        (
            {"top": "a b"},
            SpecError,
            "top must be a module name without spaces, not 'a b'",
        ),
        ({"clock_mhz": "12"}, TypeError, "job 't': clock_mhz must be a number, not '12'"),
        ({"clock_mhz": 0}, SpecError, "job 't': clock_mhz must be in 0..10000, not 0"),
        ({"seed": -1}, SpecError, "job 't': seed must be a natural number, not -1"),
        ({"min_cells": 1.5}, SpecError, "job 't': min_cells must be a natural number, not 1.5"),
        (
            {"min_memory_bits": None},
            SpecError,
            "job 't': min_memory_bits must be a natural number, not None",
        ),
        (
            {"options": ["-dff; shell"]},
            SpecError,
            "job 't': option must be one word, not '-dff; shell'",
        ),
    ],
)
def test_refuses_wrong_values(files, changes, error, message):
    with refused(error, message):
        job(files, **changes)


def test_refuses_to_place_what_has_no_tools_for_it(files):
    message = ("job 't': place must be False for xc7, for which designs end after yosys,"
               " not True")
    with refused(SpecError, message):
        job(files, device=XC7)
    assert job(files, device=XC7, place=False).mode == "synthesis"


@pytest.mark.parametrize(
    ("field", "value"), [("out_of_context", True), ("place_options", ("--threads", "2"))]
)
def test_refuses_what_asks_for_a_placement_that_is_not_wanted(files, field, value):
    message = f"job 't': {field} must not be given where place is False, not {value!r}"
    with refused(SpecError, message):
        job(files, place=False, **{field: value})


def test_refuses_pins_where_nothing_is_placed(files):
    pcf = files / "pins.pcf"
    message = f"job 't': constraints must not be given where place is False, not {str(pcf)!r}"
    with refused(SpecError, message):
        job(files, place=False, constraints=pcf)


def test_refuses_wrong_sources(files):
    kinds = ".v, .sv, .il, .rtlil"
    with refused(SpecError, f"job 't': sources must hold a file of {kinds}, not only ['w.mem']"):
        job(files, "w.mem")
    with refused(SpecError, f"job 't': source must be a file, not '{files / 'none.v'}'"):
        job(files, "none.v")
    message = "job 't': source must have a name of letters, digits and _.+-, not 'odd name.v'"
    with refused(SpecError, message):
        job(files, "odd name.v")
    with refused(SpecError, "job 't': sources must have different names, not 'a.il'"):
        job(files, "a.il", "a.il")


def test_refuses_wrong_constraints(files):
    pcf, lpf = files / "pins.pcf", files / "pins.lpf"
    with refused(SpecError, f"job 't': constraints must be None out of context, not '{pcf}'"):
        job(files, constraints=pcf, out_of_context=True)
    with refused(SpecError, f"job 't': constraints must be a .pcf file, not '{lpf}'"):
        job(files, constraints=lpf)
    none = files / "none.lpf"
    with refused(SpecError, f"job 't': constraints must be a .lpf file, not '{none}'"):
        job(files, constraints=none, device=ECP5)
