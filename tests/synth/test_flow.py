import json

import pytest
from cases.errors import refused
from synth.recorded import ECP5_TIMING
from synth.standins import NEXTPNR_ECP5, UP5K, VERSION, YOSYS
from toolchain.faketools import fake_tool

from hwgen.numeric.errors import SpecError
from hwgen.synth import SynthReport, flow, synthesise
from hwgen.toolchain import ToolError


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


def test_large_netlists_go_to_the_router_that_copes_with_them(tools, job, tmp_path, monkeypatch):
    tools("nextpnr-ecp5", NEXTPNR_ECP5 + "print(sys.argv[1:])")
    for cells, routers in ((77, 0), (76, 1)):       # the stand-in's netlist has 77
        monkeypatch.setattr(flow, "LARGE_CELLS", cells)
        synthesise(job(), tmp_path / f"out{cells}")
        log = (tmp_path / f"out{cells}" / "nextpnr.log").read_text()
        assert log.count("'--router', 'router2'") == routers


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
