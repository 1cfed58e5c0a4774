"""Commands on a network file, an artefact and a board: what they ask for, JSON, exit code."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cases.networks import binary

from hwgen import golden
from hwgen.host import LinkError
from hwgen.ir import Dense, Input, MatVec, Network, Placed
from hwgen.numeric import Fixed
from hwgen.numeric.errors import SpecError
from hwgen.synth import Clock, SynthReport


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


NETWORK = binary()


class FakeArtefact:
    """An artefact whose simulations and synthesis are made up."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.network = NETWORK
        self.manifest = {"target": "ulx3s-85f", "name": NETWORK.name}
        FakeArtefact.last = self

    def verify(self, x=None, *, progress, **options):
        self.asked = (None if x is None else x.tolist(), options)
        progress("simulate", 1.0, "4 of 4 frames")
        return SimpleNamespace(
            bench=options["bench"], simulator=options["simulator"], version="5",
            stalls=options["stalls"], seed=options["seed"], mode=options["mode"], compared=20,
            mismatched=0, latency_cycles=31, interval_cycles=16.5, cycles=1234, seconds=0.25,
            scores=np.arange(16).reshape(4, 4))

    def synthesise(self, *, board, seed, progress):
        self.asked = (board, seed)
        progress("yosys", 1.0, "done")
        fmax = 61.25 if seed == 1 else 49.0
        return SynthReport(
            top="board_top", device="ecp5-85k", package="CABGA381", speed=6, mode="board",
            clock_mhz=50.0, seed=seed, lut=1000, lut_eq=1100, ff=900, bram=3, spram=0, dsp=2,
            memory_bits=0, cells={}, utilisation={"TRELLIS_COMB": (1100, 83640)},
            clocks=(Clock(name="clk", fmax_mhz=fmax, constraint_mhz=50.0),), critical=(),
            tools={}, seconds={"yosys": 20.0, "nextpnr": 31.0}, bitstream="board_top.bit",
            digest="")


@pytest.fixture
def artefact(monkeypatch):
    monkeypatch.setattr("hwgen.flow.artefact.Artefact", FakeArtefact)


@pytest.mark.usefixtures("artefact")
def test_simulate(hwgen):
    done = hwgen("simulate", "art")
    assert (done.code, done.err) == (0, "simulate: 4 of 4 frames\n")
    assert FakeArtefact.last.asked == (
        None, {"frames": None, "stalls": "none", "seed": 0, "bench": "cocotb", "mode": "stream",
               "simulator": "verilator", "netlist": None, "reload": None})
    assert done.words == (
        "20 values compared, 0 mismatched (verilator, cocotb bench, mode stream, stalls none, seed"
        " 0, 1,234 cycles in 0.2 s) A frame every 16.5 cycles; latency 31 cycles")


@pytest.mark.usefixtures("artefact")
def test_simulate_as_json_on_own_vectors(hwgen, tmp_path):
    np.save("x.npy", np.array([[1, 2]], dtype=np.int8))
    done = hwgen("simulate", "art", "--input", "x.npy", "--stalls", "random", "--seed", "3",
                 "--simulator", "icarus", "--mode", "reset", "-o", "scores.npy", "--json")
    assert FakeArtefact.last.asked == (
        [[1, 2]], {"frames": None, "stalls": "random", "seed": 3, "bench": "cocotb",
                   "mode": "reset", "simulator": "icarus", "netlist": None, "reload": None})
    assert done.json == {
        "artefact": "art", "netlist": None, "bench": "cocotb", "simulator": "icarus",
        "version": "5", "stalls": "random", "seed": 3,
        "mode": "reset", "compared": 20, "mismatched": 0, "latency_cycles": 31,
        "interval_cycles": 16.5, "cycles": 1234, "seconds": 0.25}
    assert np.load(tmp_path / "scores.npy").tolist() == np.arange(16).reshape(4, 4).tolist()


@pytest.mark.usefixtures("artefact")
def test_simulate_many_frames_with_the_compiled_bench(hwgen):
    done = hwgen("simulate", "art", "--bench", "compiled", "--frames", "10000",
                 "--netlist", "ulx3s-85f")
    assert FakeArtefact.last.asked[1] == {
        "frames": 10000, "stalls": "none", "seed": 0, "bench": "compiled", "mode": "stream",
        "simulator": "verilator", "netlist": "ulx3s-85f", "reload": None}
    assert "(netlist for ulx3s-85f, verilator, compiled bench, mode stream" in done.words


@pytest.mark.usefixtures("artefact")
def test_synth(hwgen):
    done = hwgen("synth", "art")
    assert (done.code, done.err) == (0, "ulx3s-85f: yosys: done in 0.0 s\n")
    assert FakeArtefact.last.asked == ("ulx3s-85f", 1)
    assert "TRELLIS_COMB 1,100 83,640 1.3" in done.words
    assert ("61.2 MHz after routing meets 50.0 MHz; 1,100 LUT, 900 FF, 3 BRAM, 2 DSP in 51 s."
            " Bitstream: art/synth/ulx3s-85f/board_top.bit") in done.words


@pytest.mark.usefixtures("artefact")
def test_synth_that_misses_its_clock_fails(hwgen):
    done = hwgen("synth", "art", "--board", "icebreaker", "--seed", "2", "--json")
    assert done.code == 1
    assert FakeArtefact.last.asked == ("icebreaker", 2)
    assert (done.json["met"], done.json["fmax_mhz"]) == (False, 49.0)
    assert (done.json["board"], done.json["folder"]) == ("icebreaker", "art/synth/icebreaker")
    assert "49.0 MHz after routing does not meet 50.0 MHz" in hwgen(
        "synth", "art", "--seed", "2").words


class FakeBoard:
    """A board that computes as golden does, but for what ``flip`` says."""

    flip = ()

    def __init__(self, port, *, manifest, baud, timeout_s):
        if port != "/dev/ttyUSB0":
            raise LinkError(f"port must be a serial port that can be opened, not {port!r}")
        self.manifest = manifest

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def infer(self, x, *, progress):
        values = golden.run(NETWORK, x)
        scores = values[NETWORK.scores].copy()
        for index in self.flip:
            scores[index] += 1
        progress(len(x), len(x))
        return scores, values["argmax"][:, 0]


@pytest.fixture
def board(monkeypatch, artefact):
    monkeypatch.setattr("hwgen.host.BoardClient", FakeBoard)
    np.save("x.npy", np.arange(60).reshape(12, 5) % 16)
    return golden.run(NETWORK, np.load("x.npy"))


RUN = ("run", "x.npy", "--port", "/dev/ttyUSB0", "--artefact", "art")


def test_run(hwgen, board, tmp_path):
    done = hwgen(*RUN, "-o", "scores.npy")
    assert done.code == 0
    scores = board[NETWORK.scores]
    assert f"0: class {board['argmax'][0, 0]} scores {scores[0].tolist()}" in done.words
    assert "... 2 more (-o FILE writes all)" in done.words
    assert "48 scores compared with golden, 0 mismatched" in done.words
    assert np.load(tmp_path / "scores.npy").tolist() == scores.tolist()
    assert "board: 12 of 12 vectors" in done.err


def test_run_of_the_best_classes(hwgen, board, monkeypatch):
    best = np.arange(24).reshape(12, 2) % 4
    infer = FakeBoard.infer
    monkeypatch.setattr(FakeBoard, "infer", lambda self, x, *, progress: (
        infer(self, x, progress=progress)[0], best))
    scores = board[NETWORK.scores][1].tolist()
    assert f"1: classes 2 3 scores {scores}" in hwgen(*RUN).words
    assert hwgen(*RUN, "--json").json["classes"] == best.tolist()


def test_run_as_json(hwgen, board):
    done = hwgen(*RUN, "--json")
    assert done.json == {
        "compared": 48, "mismatched": 0, "first": None, "port": "/dev/ttyUSB0",
        "scores": board[NETWORK.scores].tolist(), "classes": board["argmax"][:, 0].tolist()}


def test_run_with_a_wrong_score_fails_and_names_it(hwgen, board, monkeypatch):
    monkeypatch.setattr(FakeBoard, "flip", ((3, 2), (7, 1)))
    expected = int(board[NETWORK.scores][3, 2])
    done = hwgen(*RUN)
    assert done.code == 1
    assert (f"48 scores compared with golden, 2 mismatched; first: node '{NETWORK.scores}',"
            f" index [3, 2], expected {expected}, found {expected + 1}") in done.words
    first = hwgen(*RUN, "--json").json["first"]
    assert first == {"node": NETWORK.scores, "index": [3, 2], "expected": expected,
                     "found": expected + 1}


@pytest.mark.usefixtures("board")
def test_run_without_a_board(hwgen):
    done = hwgen("run", "x.npy", "--port", "COM9", "--artefact", "art")
    assert (done.code, done.err) == (
        1, "error: port must be a serial port that can be opened, not 'COM9'\n")


@pytest.fixture
def api(monkeypatch):
    """Note what is planned, and stop there."""
    asked = {}

    def plan(network, **options):
        asked.update(options, network=network)
        raise SpecError("planned")

    monkeypatch.setattr("hwgen.flow.api.plan", plan)
    return asked


def test_generate_plans_what_was_asked_for(hwgen, api):
    NETWORK.save("net.hwgen")
    done = hwgen("generate", "net.hwgen", "--board", "icebreaker", "--interval", "256",
                 "--clk-mhz", "12.5", "--pe", "fc1=2", "--simd", "fc1=5", "--core", "fc1=binary")
    assert done.err == "error: planned\n"
    assert api["network"].digest == NETWORK.digest
    assert {k: v for k, v in api.items() if k != "network"} == {
        "target": "icebreaker", "interval_cycles": 256, "clk_hz": 12_500_000,
        "cores": {"fc1": {"pe": 2, "simd": 5, "core": "binary"}}, "weights": None,
        "balance": True}


def test_generate_by_default(hwgen, api):
    NETWORK.save("net.hwgen")
    hwgen("generate", "net.hwgen")
    assert {k: v for k, v in api.items() if k != "network"} == {
        "target": "ulx3s-85f", "interval_cycles": None, "clk_hz": None, "cores": None,
        "weights": None, "balance": True}


def test_generate_says_which_matrices_have_no_core_of_their_own(hwgen, monkeypatch):
    def built(design, folder, *, progress):
        return SimpleNamespace(folder=folder, manifest=dict.fromkeys(
            ("name", "digest", "clk_hz", "interval_cycles", "latency_cycles", "weight_bits",
             "stages")))

    monkeypatch.setattr("hwgen.flow.api.build", built)
    nodes = (Input("x", (), (2,), Fixed(4)),
             MatVec("fc1", ("x",), Placed([3, -5], [[0, 1], [1, 0]], Fixed(4))),
             MatVec("fc2", ("fc1",), Dense([[1, -1]], Fixed(4))))
    Network("n", nodes, ("fc2",)).save("net.hwgen")
    assert hwgen("generate", "net.hwgen", "--interval", "8", "--json").json["laid_out"] == {
        "fc1": "placed"}
    out = " ".join(hwgen("generate", "net.hwgen", "--interval", "8").out.split())
    assert "fixed-unrolled (placed)" in out
    assert ("fc1: a matrix of kind 'placed' has no core of its own: every entry is given, and it"
            " runs on a dense core, or on another that takes these entries") in out
    assert "fc2:" not in out


def test_generate_of_a_model_says_what_makes_a_network_of_it(hwgen):
    done = hwgen("generate", "net.py")
    assert (done.code, done.err) == (1, (
        "error: 'net.py' must be a network file NAME.hwgen, not a model: hwgen compress net.py"
        " --recipe RECIPE.toml makes one of it\n"))


def test_generate_of_a_file_that_is_not_there(hwgen):
    done = hwgen("generate", "none.hwgen")
    assert (done.code, done.err) == (
        1, "error: 'none.hwgen' cannot be used: No such file or directory\n")
