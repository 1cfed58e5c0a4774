"""Where the document comes from: a demo's file, or an artefact with what was measured of it."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from cases.networks import fixed
from report.demo_document import demo_document

from hwgen.board_targets import load as load_board
from hwgen.numeric.errors import SpecError
from hwgen.report import load, save
from hwgen.report.document import KEYS
from hwgen.synth import Clock, SynthReport


def refused(message):
    return pytest.raises(SpecError, match=f"^{re.escape(message)}$")


def test_saved_document_is_loaded(tmp_path):
    assert save(demo_document(), tmp_path) == tmp_path / "demo.json"
    assert load(tmp_path) == demo_document()
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]


def test_folder_of_neither_kind_is_refused(tmp_path):
    with refused(f"{tmp_path}: must be a folder with demo.json (of 'hwgen demo') or manifest.json"
                 f" (of 'hwgen generate')"):
        load(tmp_path)


def put(folder, document):
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / "demo.json").write_text(text)


def test_file_of_another_kind_is_refused(tmp_path):
    for document in ([], {}, {"format": "other"}):
        put(tmp_path, document)
        with refused(f"{tmp_path}/demo.json: must be the document of a demo, not of another kind"):
            load(tmp_path)


def test_damaged_file_is_refused(tmp_path):
    put(tmp_path, "{")
    with pytest.raises(SpecError, match=r"/demo\.json: damaged: no JSON \(Expecting property"):
        load(tmp_path)


def test_newer_file_is_refused(tmp_path):
    put(tmp_path, demo_document() | {"version": 2})
    with refused(f"{tmp_path}/demo.json: version must be 1, not 2: run the demo again with this"
                 f" hwgen"):
        load(tmp_path)


def test_missing_parts_are_listed(tmp_path):
    put(tmp_path, {"format": "hwgen-demo", "version": 1, "rows": []})
    absent = ", ".join(key for key in KEYS if key != "rows")
    with refused(f"{tmp_path}/demo.json: damaged: {absent} must be there"):
        load(tmp_path)


@pytest.fixture
def artefact(tmp_path, monkeypatch):
    """An artefact folder, as far as its report reads it."""
    network = fixed(sizes=(6, 7, 4))
    network.save(tmp_path / "network.hwgen")
    manifest = {
        "name": network.name, "network": "network.hwgen", "target": "icebreaker",
        "clk_hz": 20_000_000, "interval_cycles": 40, "latency_cycles": 25,
        "weight_bits": {"weights": 420, "bias": 30}, "tools": {"amaranth": "0.5.10"}}
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr("hwgen.report.artefact.read_manifest", lambda folder: manifest)
    return tmp_path


def simulated(folder, name, **changes):
    run = {"compared": 5, "mismatched": 0, "seed": 0, "stalls": "none", "seconds": 0.5, **changes}
    path = folder / "sim" / name / "results.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(run))
    return path


def placed(folder, board, fmax):
    path = folder / "synth" / board / "report.json"
    path.parent.mkdir(parents=True)
    SynthReport(
        top="board_top", device="up5k", package="sg48", speed=None, mode="board", clock_mhz=24.0,
        seed=1, lut=700, lut_eq=810, ff=600, bram=4, spram=0, dsp=3, memory_bits=0,
        cells={"SB_LUT4": 700}, utilisation={},
        clocks=(Clock(name="clk", fmax_mhz=fmax, constraint_mhz=24.0),), critical=(),
        tools={"yosys": "0.69"}, seconds={"yosys": 9.0}, bitstream="board_top.bin", digest="",
    ).save(path)


def test_artefact_of_which_nothing_was_measured(artefact):
    row, = load(artefact)["rows"]
    assert (row["network"], row["board"], row["shape"]) == ("case-fixed", "icebreaker", "6-7-4")
    assert row["weight_bits"] == {"weights": 420, "bias": 30, "total": 450}
    assert (row["interval_us"], row["latency_us"], row["images_per_s"]) == (2.0, 1.25, 500_000)
    assert row["scores"] == row["seconds"] == {}
    assert row["cells"] is row["fmax_mhz"] is row["met"] is row["bitstream"] is None
    target = load_board("icebreaker").target
    assert row["available"] == {"lut": target.luts, "ff": target.ffs, "bram": target.brams,
                                "dsp": target.dsps}


def test_newest_simulations_are_taken(artefact):
    simulated(artefact, "verilator-stream-none-0", compared=20)
    old = simulated(artefact, "verilator-stream-random-1", stalls="random", seed=1, mismatched=3)
    simulated(artefact, "icarus-stream-both-2", stalls="both", seed=2, seconds=1.5)
    simulated(artefact, "icarus-reset-random-9", stalls="random", seed=9)
    os.utime(old, (1, 1))
    row, = load(artefact)["rows"]
    assert row["scores"] == {"rtl": {"compared": 20, "mismatched": 0, "seed": 0},
                             "rtl_stalled": {"compared": 5, "mismatched": 0, "seed": 2}}
    assert row["seconds"] == {"simulate": 0.5, "simulate, random stalls": 1.5}


def test_one_row_for_each_board_placed(artefact):
    placed(artefact, "icebreaker", 25.5)
    placed(artefact, "another", 20.0)
    document = load(artefact)
    mine, other = document["rows"]  # the target first
    assert (mine["board"], mine["device"], mine["met"]) == ("icebreaker", "up5k sg48", True)
    assert mine["cells"] == {"lut": 810, "ff": 600, "bram": 4, "dsp": 3}
    assert (mine["clk_mhz"], mine["interval_us"]) == (24.0, pytest.approx(40 / 24))
    assert mine["bitstream"] == "synth/icebreaker/board_top.bin"
    assert (other["available"], other["met"]) == (None, False)
    assert document["tools"] == {"amaranth": "0.5.10", "yosys": "0.69"}


def test_whole_density(artefact):
    row, = load(artefact)["rows"]
    matrices = [node.weights.to_dense() for node in fixed(sizes=(6, 7, 4)).nodes
                if hasattr(node, "weights")]
    entries = np.concatenate([matrix.ravel() for matrix in matrices])
    assert row["density"] == pytest.approx(np.count_nonzero(entries) / entries.size)
    assert Path(row["artefact"]) == Path()
