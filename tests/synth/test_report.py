import json
from dataclasses import replace

import pytest

from hwgen.numeric.errors import SpecError
from hwgen.synth import Clock, CriticalPath, SynthReport

REPORT = SynthReport(
    top="top",
    device="ecp5-85k",
    package="CABGA381",
    speed=6,
    mode="board",
    clock_mhz=50,
    seed=1,
    lut=30,
    lut_eq=56,
    ff=34,
    bram=2,
    spram=0,
    dsp=4,
    memory_bits=36864,
    cells={"LUT4": 30},
    utilisation={"TRELLIS_FF": (34, 83640)},
    clocks=(
        Clock(name="osc", fmax_mhz=30.0, constraint_mhz=25.0),
        Clock(name="core", fmax_mhz=80.0, constraint_mhz=50.0),
        Clock(name="fast", fmax_mhz=120.0, constraint_mhz=100.0),
    ),
    critical=(
        CriticalPath(clock="core", start="a.Q", end="b.D", logic_ns=1.0, routing_ns=2.0, levels=3),
    ),
    tools={"yosys": "0.69 (yowasp)"},
    seconds={"yosys": 1.5},
    bitstream="top.bit",
    digest="abc",
)


def test_json_there_and_back(tmp_path):
    REPORT.save(tmp_path / "report.json")
    assert SynthReport.load(tmp_path / "report.json") == REPORT


def test_json_holds_the_derived_numbers_too():
    about = json.loads(REPORT.to_json())
    assert (about["fmax_mhz"], about["met"], about["lut_eq"]) == (120.0, True, 56)


def test_the_clock_that_counts_is_the_tightest_of_those_asked_for():
    assert REPORT.clock.name == "fast"
    assert replace(REPORT, clocks=REPORT.clocks[:2]).clock.name == "core"
    assert replace(REPORT, clocks=REPORT.clocks[:2]).fmax_mhz == 80.0


def test_all_clocks_must_be_met():
    assert REPORT.met
    slow = Clock(name="osc", fmax_mhz=24.9, constraint_mhz=25.0)
    assert not replace(REPORT, clocks=(slow, *REPORT.clocks[1:])).met


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"top": "x"}'])
def test_refuses_something_else(text):
    message = r"^synthesis report must be JSON with all its fields, not "
    with pytest.raises(SpecError, match=message):
        SynthReport.from_json(text)


def test_refusal_shows_what_was_found():
    with pytest.raises(SpecError) as caught:
        SynthReport.from_json("{}")
    assert str(caught.value) == (
        "synthesis report must be JSON with all its fields, not '{}' (KeyError('top'))"
    )
