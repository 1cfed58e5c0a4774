"""The artefact as an object: what it hands to simulation and to synthesis."""

import json

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import fixed
from flow.reports import REPORT

import hwgen
from hwgen.board_targets.shared import Board
from hwgen.flow import artefact as module
from hwgen.flow.artefact import Artefact
from hwgen.numeric import SpecError
from hwgen.synth import Progress


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    design = hwgen.plan(fixed(), interval_cycles=60, clk_hz=15_000_000)
    return hwgen.build(design, tmp_path_factory.mktemp("artefacts") / "net").folder


@pytest.fixture
def artefact(built):
    return Artefact(built)


@pytest.fixture
def asked(monkeypatch):
    """What synthesis was asked for, in place of an hour's work."""
    asked = {}

    def synthesise(job, out, *, reuse, progress):
        texts = {path.name: path.read_text() for path in job.sources}
        asked.update(job=job, out=out, reuse=reuse, texts=texts)
        if progress:
            progress(Progress(step="nextpnr", fraction=0.5, message="routing"))
        out.mkdir(exist_ok=True)
        REPORT.save(out / "report.json")
        return REPORT

    real = Board.link_spec

    def link_spec(self, **options):
        asked["link"] = options
        return real(self, **options)

    monkeypatch.setattr(module, "synthesise", synthesise)
    monkeypatch.setattr(Board, "link_spec", link_spec)
    return asked


def test_synthesis_is_of_the_artefact_s_own_verilog_on_the_planned_board(artefact, asked):
    assert artefact.synthesise(seed=4) is REPORT
    job = asked["job"]
    assert [path.name for path in job.sources] == ["case-fixed.v", "board_top.il"]
    assert asked["texts"]["case-fixed.v"] == (artefact.folder / "case-fixed.v").read_text()
    assert "\\case_fixed" in asked["texts"]["board_top.il"]     # an instance, not a second copy
    assert "cell \\$mul" not in asked["texts"]["board_top.il"]
    assert (job.top, job.device.family, job.seed) == ("board_top", "ecp5", 4)
    assert job.clock_mhz == 15
    assert job.min_cells == 300 + 20 * 4
    assert asked["out"] == artefact.folder / "synth" / "ulx3s-85f"
    assert asked["reuse"] is True


def test_the_link_speaks_of_this_network_and_its_frames(artefact, asked):
    artefact.synthesise()
    network = artefact.network
    scores, score = network.edges["fc3"].size, artefact.manifest["output"]["element_bytes"]
    assert asked["link"] == {
        "digest": bytes.fromhex(network.digest)[:8], "in_bytes": 6, "clk_hz": 15_000_000,
        "out_bytes": (scores + 1) * score, "weight_words": 0}


def test_another_board_and_no_reuse(artefact, asked):
    with refused(SpecError, "ice40 pll: clk_hz must be a clock that the PLL can make (nearest:"
                            " 16125000), not 15000000"):
        artefact.synthesise(board="icebreaker")
    artefact.manifest["clk_hz"] = 12_000_000
    artefact.synthesise(board="icebreaker", reuse=False)
    assert asked["job"].device.family == "ice40"
    assert asked["out"].name == "icebreaker"
    assert asked["reuse"] is False


def test_sources_do_not_stay_and_progress_is_told(artefact, asked):
    told = []
    artefact.synthesise(progress=lambda *state: told.append(state))
    assert told == [("nextpnr", 0.5, "routing")]
    assert {path.name for path in (artefact.folder / "synth").iterdir()} <= {
        "ulx3s-85f", "icebreaker"}
    assert not asked["job"].sources[1].exists()


def test_report_is_that_of_the_last_synthesis(artefact, asked):
    with pytest.raises(FileNotFoundError, match=r"synth/none/report\.json"):
        artefact.report("none")
    artefact.synthesise()
    assert artefact.report() == REPORT
    assert artefact.report("ulx3s-85f") == REPORT


def test_refuses_an_unknown_board_before_anything_is_made(artefact, asked):
    with refused(SpecError, "board must be one of icebreaker, ulx3s-85f, or the path of a board's"
                            " .py file, not 'de10'"):
        artefact.synthesise(board="de10")
    assert asked == {}


def test_simulate_gives_the_scores_that_verify_found(artefact, monkeypatch):
    calls = []

    class Result:
        scores = np.arange(8).reshape(2, 4)

    def simulate(folder, x, **options):
        calls.append((folder, x, options))
        return Result

    monkeypatch.setattr("hwgen.verify.simulate", simulate)
    x = np.zeros((2, 6), int)
    assert artefact.simulate(x, simulator="icarus") is Result.scores
    artefact.verify(stalls="both", seed=9, mode="reset")
    assert calls == [
        (artefact.folder, x, {"frames": None, "stalls": "none", "seed": 0, "bench": "cocotb",
                              "simulator": "icarus", "mode": "stream", "netlist": None,
                              "reload": None, "progress": None}),
        (artefact.folder, None, {"frames": None, "stalls": "both", "seed": 9, "bench": "cocotb",
                                 "simulator": "verilator", "mode": "reset", "netlist": None,
                                 "reload": None, "progress": None})]


def test_refuses_a_folder_that_is_none_or_was_changed(artefact, tmp_path):
    with refused(SpecError, f"{tmp_path}: must be an artefact folder (with manifest.json)"):
        Artefact(tmp_path)
    own = hwgen.build(hwgen.plan(fixed(), interval_cycles=60), tmp_path / "own")
    verilog = own.folder / "case-fixed.v"
    verilog.write_text(verilog.read_text() + "\n")
    with refused(SpecError, f"{own.folder}: file 'case-fixed.v' must be as the manifest says"
                            " (sha256), and was changed; generate the artefact again"):
        Artefact(own.folder)
    verilog.unlink()
    with refused(SpecError, f"{own.folder}: file 'case-fixed.v' of the manifest must be there, and"
                            " is not; generate the artefact again"):
        Artefact(own.folder)
    with refused(SpecError, f"{own.folder}: file 'case-fixed.v' of the manifest must be there, and"
                            " is not; generate the artefact again"):
        own.verify()
    (own.folder / "manifest.json").write_text(json.dumps(own.manifest)[:-5])
    with pytest.raises(SpecError, match=r"manifest\.json: damaged: no JSON \("):
        Artefact(own.folder)
