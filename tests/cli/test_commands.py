"""Each command on its own: what it asks of the layers below, its JSON, its exit code.

What trains, simulates, or places and routes is stood in for here; test_core.py runs the real path.
"""

import json
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cases.mnist_files import write_digits
from cases.networks import binary
from report.demo_document import demo_document

from hwgen import bench, golden
from hwgen.bench import Row
from hwgen.compress import recipes
from hwgen.host import LinkError
from hwgen.numeric.errors import SpecError
from hwgen.report import markdown
from hwgen.synth import Clock, SynthReport
from hwgen.toolchain import ToolStatus


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_boards(hwgen):
    found = {board["name"]: board for board in hwgen("boards", "--json").json}
    assert found["ulx3s-85f"]["family"] == "ecp5"
    assert found["icebreaker"]["luts"] == 5280
    done = hwgen("boards")
    assert (done.code, done.err) == (0, "")
    for name in found:
        assert name in done.words


@pytest.fixture
def tools(monkeypatch):
    """Have ``hwgen doctor`` find just these."""
    def have(*statuses):
        monkeypatch.setattr("hwgen.toolchain.inspect", lambda: list(statuses))
    return have


THERE = ToolStatus(name="yosys", kind="tool", purpose="synthesis", found=True, version="0.69")
OPTIONAL = ToolStatus(name="iverilog", kind="tool", purpose="a second simulator", found=False,
                      required=False, advice="apt install iverilog")
ABSENT = ToolStatus(name="g++", kind="system", purpose="compiles", found=False,
                    advice="install g++ with the package manager of the system")


def test_doctor_with_all_that_is_needed(hwgen, tools):
    tools(THERE, OPTIONAL)
    done = hwgen("doctor")
    assert done.code == 0
    assert "✓ yosys 0.69" in done.words
    assert "– iverilog not found a second simulator apt install iverilog" in done.words
    assert "All that hwgen needs is here. Next: hwgen demo" in done.words


def test_doctor_with_something_missing(hwgen, tools):
    tools(THERE, ABSENT)
    done = hwgen("doctor")
    assert done.code == 1
    assert "✗ g++ not found compiles install g++ with the package manager" in done.words
    assert "Missing: g++" in done.words


def test_doctor_as_json(hwgen, tools):
    tools(THERE, ABSENT)
    done = hwgen("doctor", "--json")
    assert (done.code, done.err) == (1, "")
    assert (done.json["ok"], done.json["missing"]) == (False, ["g++"])
    assert done.json["tools"][1] == {
        "name": "g++", "kind": "system", "purpose": "compiles", "found": False, "required": True,
        "version": "", "path": "", "warm": None,
        "advice": "install g++ with the package manager of the system"}


@pytest.fixture
def demo(monkeypatch):
    """A stand-in for the flow's demo; ``.calls`` are its arguments."""
    calls = []

    def run_demo(out, *, progress, **options):
        calls.append((str(out), options))
        progress("train", 0.5, "half")
        out.mkdir(parents=True)
        return fake.document

    jobs = [SimpleNamespace(network=row["network"], board=row["board"])
            for row in demo_document()["rows"]]
    fake = SimpleNamespace(run_demo=run_demo, calls=calls, document=demo_document(), DEMO=jobs)
    monkeypatch.setitem(sys.modules, "hwgen.flow.demo", fake)
    return fake


def test_demo_prints_writes_and_draws(hwgen, demo, tmp_path):
    done = hwgen("demo")
    assert done.code == 0
    assert demo.calls == [("rtl_out/demo", {"only": None, "boards": None, "seed": 1})]
    assert "75,000 scores and classes compared, 0 mismatched" in done.words
    folder = tmp_path / "rtl_out/demo"
    assert json.loads((folder / "demo.json").read_text()) == demo.document
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert done.err == (
        "train: half\n"
        "numbers in rtl_out/demo/demo.json, page in rtl_out/demo/report.html\n")


def test_demo_as_json_in_parts(hwgen, demo):
    done = hwgen("demo", "--only", "digits-binary", "--board", "icebreaker", "--seed", "4",
                 "-o", "here", "--json")
    assert done.code == 0
    assert done.json == demo.document
    assert demo.calls == [
        ("here", {"only": ["digits-binary"], "boards": ["icebreaker"], "seed": 4})]


@pytest.mark.parametrize(("words", "message"), [
    (["--only", "digits"],
     "--only must be one of digits-binary, digits-fixed, digits-sparse, not 'digits'"),
    (["--board", "fomu"], "--board must be one of ulx3s-85f, icebreaker, not 'fomu'"),
])
def test_demo_of_what_it_does_not_have(hwgen, demo, words, message):
    done = hwgen("demo", *words)
    assert (done.code, done.err, demo.calls) == (1, f"error: {message}\n", [])


@pytest.mark.parametrize("row", [0, 1])
def test_demo_with_a_mismatch_on_either_board_fails(hwgen, demo, row):
    demo.document["rows"][row]["scores"]["rtl"]["mismatched"] = 1
    done = hwgen("demo")
    assert done.code == 1
    assert "75,000 scores and classes compared, 1 mismatched" in done.words


def test_report_of_a_demo(hwgen, tmp_path):
    document = demo_document()
    (tmp_path / "demo.json").write_text(json.dumps(document))
    done = hwgen("report", tmp_path)
    assert (done.code, done.err) == (0, f"page written to {tmp_path}/report.html\n")
    assert "digits-sparse" in done.words
    done = hwgen("report", tmp_path, "-o", "other.html", "--json")
    assert done.json == document
    assert (tmp_path / "other.html").read_text() == (tmp_path / "report.html").read_text()


def test_report_as_markdown_is_not_wrapped(hwgen, tmp_path):
    document = demo_document()
    document["rows"][0]["network"] = "[bold]-" + "x" * 200
    (tmp_path / "demo.json").write_text(json.dumps(document))
    done = hwgen("report", tmp_path, "--markdown")
    assert (done.code, done.err) == (0, f"page written to {tmp_path}/report.html\n")
    assert done.out == markdown(document)
    assert done.out.startswith("| network, board | accuracy")


def test_report_is_json_or_markdown(hwgen, tmp_path):
    (tmp_path / "demo.json").write_text(json.dumps(demo_document()))
    done = hwgen("report", tmp_path, "--markdown", "--json")
    assert done.code == 1
    assert done.json["error"]["message"] == "--json and --markdown must not both be given"
    assert not (tmp_path / "report.html").exists()


BENCH_ROWS = [Row(work="w", metric="m", value=3, must="<= 4"), Row(work="w", metric="n", value=5)]


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark called ``made-up``, whose rows a test may change."""
    module = SimpleNamespace(NAME="made-up", DESCRIPTION="nothing real", rows=list(BENCH_ROWS))
    module.run = lambda progress: module.rows
    monkeypatch.setattr(bench, "load", lambda name: module)
    monkeypatch.setattr(bench, "names", lambda: ["made-up"])
    return module


def test_bench_prints_and_writes_rows(hwgen, benchmark, tmp_path):
    done = hwgen("bench", "made-up")
    assert (done.code, done.err) == (0, "rows written to rtl_out/bench/made-up.json\n")
    assert "made-up: nothing real" in done.words
    assert "All 1 bounds are met." in done.words
    rows = json.loads((tmp_path / "rtl_out/bench/made-up.json").read_text())
    assert rows == [row.to_dict() for row in BENCH_ROWS]


def test_bench_as_json(hwgen, benchmark, tmp_path):
    done = hwgen("bench", "made-up", "-o", "there", "--json")
    assert done.json == [row.to_dict() for row in BENCH_ROWS]
    assert json.loads((tmp_path / "there/made-up.json").read_text()) == done.json


def test_bench_that_misses_a_bound_fails(hwgen, benchmark):
    benchmark.rows.append(Row(work="w", metric="o", value=9, must="<= 8"))
    done = hwgen("bench", "made-up")
    assert done.code == 1
    assert "1 of 2 bounds are not met: w, o: 9 must be <= 8" in done.words


def test_bench_prints_markdown(hwgen, benchmark):
    done = hwgen("bench", "made-up", "--markdown")
    assert done.out.startswith("| work | metric | value |")
    done = hwgen("bench", "made-up", "--markdown", "--json")
    assert done.code == 1
    assert done.json["error"]["message"] == "--json and --markdown must not both be given"


@pytest.mark.parametrize("words", [["bench"], ["bench", "list"]])
def test_bench_lists(hwgen, benchmark, words):
    done = hwgen(*words, "--json")
    assert done.json == [{"name": "made-up", "description": "nothing real"}]
    assert "made-up nothing real" in hwgen(*words).words


def test_bench_of_no_such_name(hwgen):
    done = hwgen("bench", "demos")
    known = ", ".join(bench.names())
    assert (done.code, done.err) == (
        1, f"error: benchmark must be one of {known}, not 'demos'\n")


class Trained:
    """What the flow gives of a student."""

    name = "digits-binary"
    network = SimpleNamespace(digest="abc")
    accuracy = {"torch": 97.2, "golden": 97.2}
    scores = {"compared": 5000, "mismatched": 0}
    teacher = {"accuracy": 98.8}
    curve = ()
    seconds = 12.5


@pytest.fixture
def training(monkeypatch):
    """A stand-in for the flow's trainings; ``.calls`` are its arguments."""
    calls = []

    def train_all(names, out, *, seed, progress):
        calls.append((list(names), str(out), seed))
        yield from (Trained() for _ in names)

    monkeypatch.setattr("hwgen.flow.training.train_all", train_all)
    return calls


@pytest.mark.parametrize("recipe", ["binary", "digits-binary"])
def test_train_a_student(hwgen, training, recipe):
    done = hwgen("train", recipe)
    assert done.code == 0
    assert training == [(["digits-binary"], "rtl_out/demo", 1)]
    assert "digits-binary: 97.2 % of the test images (float teacher 98.8 %)" in done.words
    assert "torch and golden agree on 5,000 of 5,000 scores" in done.words
    assert "Next: hwgen generate rtl_out/demo/digits-binary.hwgen" in done.words


def test_train_as_json(hwgen, training):
    done = hwgen("train", "binary", "-o", "here", "--seed", "5", "--json")
    assert training == [(["digits-binary"], "here", 5)]
    assert done.json == {
        "recipe": "digits-binary", "seed": 5, "checkpoints": "here/checkpoints",
        "network": "here/digits-binary.hwgen", "digest": "abc", "accuracy": Trained.accuracy,
        "scores": Trained.scores, "teacher": Trained.teacher, "curve": [], "seconds": 12.5}


@pytest.fixture
def short(monkeypatch):
    """The teacher's own recipe, with a few epochs."""
    monkeypatch.setattr(recipes, "train_teacher", partial(recipes.train_teacher, effort=0.05))


@pytest.mark.usefixtures("short")
def test_train_the_teacher(hwgen, tmp_path):
    first = hwgen("train", "teacher", "-o", "here", "--json").json
    assert {key: first[key] for key in ("recipe", "seed", "checkpoints", "network", "reused")} == {
        "recipe": "digits-teacher", "seed": 1, "checkpoints": "here/checkpoints", "network": None,
        "reused": []}
    assert 80 < first["accuracy"] <= 100
    assert (first["parameters"], len(first["curve"])) == (26634, 3)
    assert list((tmp_path / "here/checkpoints").iterdir())

    again = hwgen("train", "teacher", "-o", "here", "--json").json
    assert again == first | {"reused": ["digits-teacher: train"]}
    assert hwgen("train", "teacher", "-o", "here").out == (
        f"digits-teacher: {first['accuracy']:.1f} % of the test images, 26,634 parameters\n"
        "Checkpoint in here/checkpoints; the students start from it.\n")


@pytest.mark.parametrize("name", ["ternary", "mnist-sfc"])
def test_train_of_no_such_recipe(hwgen, name):
    done = hwgen("train", name)
    assert (done.code, done.err) == (
        1, "error: recipe must be one of teacher, binary, fixed, sparse or, with --data, one of"
           " mnist-teacher, mnist-tfc-w1a1, mnist-sfc-w1a1, mnist-lfc-w1a1, mnist-sfc-w1a2,"
           " mnist-sfc-w2a2, mnist-sfc-ternary, mnist-sfc-residual, mnist-up5k, mnist-up5k-w1a2,"
           f" not {name!r}\n")


def test_seeds_are_not_negative(hwgen):
    done = hwgen("train", "binary", "--seed", "-1")
    assert done.code == 2
    assert "Invalid value for '--seed'" in done.err


def test_train_for_mnist(hwgen, monkeypatch):
    calls = []

    def train_mnist(name, data, out, *, progress, **options):
        calls.append((name, str(data), str(out), options))
        return {"network": str(out / f"{name}.hwgen"), "digest": "abc", "curve": [],
                "accuracy": {"torch": 98.25, "golden": 98.25}, "seconds": 3.0,
                "scores": {"compared": 100_000, "mismatched": 0}}

    monkeypatch.setattr("hwgen.flow.mnist.train_mnist", train_mnist)
    done = hwgen("train", "mnist-sfc-w1a1", "--data", "idx", "-o", "here", "--seed", "0")
    assert calls == [("mnist-sfc-w1a1", "idx", "here",
                      {"seed": 0, "validation": False, "effort": 1.0})]
    assert "mnist-sfc-w1a1: 98.25 % of the test images; torch and golden agree on 100,000 of" \
        " 100,000 scores" in done.words
    assert "Next: hwgen generate here/mnist-sfc-w1a1.hwgen" in done.words
    done = hwgen("train", "mnist-lfc-w1a1", "--data", "idx", "--validation", "--effort", "0.1")
    assert calls[1][3] == {"seed": 1, "validation": True, "effort": 0.1}
    assert "98.25 % of the held-back images" in done.words


@pytest.mark.parametrize(("arguments", "message"), [
    (["mnist-up5k"],
     "--data must name the folder with the IDX files of MNIST for 'mnist-up5k'"),
    (["binary", "--validation"],
     "--data, --validation and --effort must be given for a mnist recipe, not for 'digits-binary'"),
    (["mnist-up5k", "--data", "none"],
     "mnist: folder 'none' must hold 'train-images-idx3-ubyte' or 'train-images-idx3-ubyte.gz', and"
     " does not; point --data at the folder with the four IDX files of MNIST"),
    (["mnist-up5k", "--data", "idx", "--effort", "2"],
     "recipe 'mnist-teacher': effort must be above 0 and at most 1, not 2.0"),
])
def test_train_for_mnist_is_refused(hwgen, arguments, message, tmp_path):
    write_digits(tmp_path / "idx")
    done = hwgen("train", *arguments)
    assert (done.code, done.err) == (1, f"error: {message}\n")


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
               "simulator": "verilator"})
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
                   "mode": "reset", "simulator": "icarus"})
    assert done.json == {
        "artefact": "art", "bench": "cocotb", "simulator": "icarus", "version": "5",
        "stalls": "random", "seed": 3,
        "mode": "reset", "compared": 20, "mismatched": 0, "latency_cycles": 31,
        "interval_cycles": 16.5, "cycles": 1234, "seconds": 0.25}
    assert np.load(tmp_path / "scores.npy").tolist() == np.arange(16).reshape(4, 4).tolist()


@pytest.mark.usefixtures("artefact")
def test_simulate_many_frames_with_the_compiled_bench(hwgen):
    done = hwgen("simulate", "art", "--bench", "compiled", "--frames", "10000")
    assert FakeArtefact.last.asked[1] == {
        "frames": 10000, "stalls": "none", "seed": 0, "bench": "compiled", "mode": "stream",
        "simulator": "verilator"}
    assert "(verilator, compiled bench, mode stream" in done.words


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
        "cores": {"fc1": {"pe": 2, "simd": 5, "core": "binary"}}}


def test_generate_by_default(hwgen, api):
    NETWORK.save("net.hwgen")
    hwgen("generate", "net.hwgen")
    assert {k: v for k, v in api.items() if k != "network"} == {
        "target": "ulx3s-85f", "interval_cycles": None, "clk_hz": None, "cores": None}


def test_generate_of_a_file_that_is_not_there(hwgen):
    done = hwgen("generate", "none.hwgen")
    assert (done.code, done.err) == (
        1, "error: 'none.hwgen' cannot be used: No such file or directory\n")
