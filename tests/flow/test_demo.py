"""The demo's trainings and hardware: order, kept results and failures, with quick stand-ins."""

import json
import threading
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import fixed, inputs
from flow.reports import REPORT

from hwgen import golden
from hwgen.flow import demo, hardware, training
from hwgen.flow.demo import DEMO, run_demo
from hwgen.flow.training import TrainedNetwork, train_all
from hwgen.ir import Network
from hwgen.numeric import SpecError
from hwgen.plan import FitError
from hwgen.verify import Mismatch, MismatchError, SimResult

BOARDS, NETWORKS = ("ulx3s-85f", "icebreaker"), ("digits-binary", "digits-fixed", "digits-sparse")
COUNT, WRONG = 20, 4
"""Images, and how many of them the network takes for another digit."""



PARAMETERS = 64 * 128 + 128 * 128 + 128 * 10 + (128 + 128 + 10) + 2 * (128 + 128)
"""Of the teacher: weights, biases, batch norms."""


def trained(name, *, reused=()):
    """A student called ``name``: small, untrained, with ten classes."""
    small = fixed(seed=NETWORKS.index(name), sizes=(6, 5, 10))
    network = Network(name, small.nodes, small.outputs)
    x = inputs(network, COUNT)
    classes = golden.run(network, x)["argmax"][:, 0]
    labels = np.where(np.arange(COUNT) < WRONG, (classes + 1) % 10, classes)
    return TrainedNetwork(
        network=network, x=x, labels=labels, accuracy={"torch": 80.0, "golden": 80.0},
        scores={"compared": 10 * COUNT, "mismatched": 0}, curve=[{"epoch": 1}],
        teacher={"accuracy": 98.0, "parameters": 9, "curve": []}, dataset={"name": "scans"},
        seconds=1.5, reused=list(reused))


class Tools:
    """Stand-ins for what takes long, which note each call; `fail` names one that is to fail."""

    def __init__(self, monkeypatch):
        self.calls, self.fail, self.wrong = [], None, set()
        self.networks = {name: trained(name) for name in NETWORKS}
        self._lock = threading.Lock()
        monkeypatch.setattr(hardware, "build", self.build)
        monkeypatch.setattr(hardware, "Artefact", partial(Artefact, self))
        monkeypatch.setattr(demo, "train_all", self.train_all)

    def note(self, *call):
        with self._lock:
            self.calls.append(call)
        if self.fail == call:
            raise OSError(f"{call[0]} must fail here")

    def train_all(self, names, out, *, seed, progress):
        for name in names:
            self.note("train", name)
            progress(f"{name}: train", 1.0, "")
            yield self.networks[name]

    def build(self, design, folder, *, x, progress):
        self.note("build", folder.name)
        folder.mkdir(exist_ok=True)
        document = {"name": design.name, "sha256": {"net.v": str(design.to_dict())},
                    "tools": {"yosys": "0.69"}}
        (folder / "manifest.json").write_text(json.dumps(document))
        progress("generate", None, "Verilog")


class Artefact:
    """Answers as the hardware would that computes what golden does."""

    def __init__(self, tools, folder):
        self.tools, self.folder = tools, folder
        self.manifest = json.loads((folder / "manifest.json").read_text())

    def verify(self, x, *, stalls, seed, progress):
        self.tools.note("verify", self.folder.name, stalls, seed)
        progress("compile", None, "g++")
        progress("simulate", 0.5, "10 of 20 frames")
        values = golden.run(self.tools.networks[self.manifest["name"]].network, x)
        found = SimResult(
            scores=values["fc2"], classes=values["argmax"][:, 0], compared=11 * len(x),
            mismatched=0, first_mismatch=None, latency_cycles=90, interval_cycles=125.0,
            cycles=3000, seconds=0.1, stalls=stalls, seed=seed, mode="stream",
            simulator="verilator", version="5.48")
        if self.folder.name in self.tools.wrong:
            wrong = replace(found, mismatched=1, first_mismatch=Mismatch("fc1", 3, 2, 5, 4))
            raise MismatchError("differs", wrong)
        return found

    def synthesise(self, *, board, seed, progress):
        self.tools.note("place", self.folder.name, board, seed)
        for step in ("yosys", "nextpnr", "pack"):
            progress(step, 0.5, "")
        (self.folder / "synth" / board).mkdir(parents=True, exist_ok=True)
        REPORT.save(self.folder / "synth" / board / "report.json")

    def report(self, board):
        assert (self.folder / "synth" / board / "report.json").is_file()
        return REPORT


@pytest.fixture
def tools(monkeypatch):
    return Tools(monkeypatch)


def ignore(*_state):
    """Progress that nobody looks at."""


def names_of(rows):
    return [(row["network"], row["board"]) for row in rows]


def test_every_network_on_every_board_in_the_order_of_the_table(tools, tmp_path):
    told = []
    found = run_demo(tmp_path / "out", progress=lambda *state: told.append(state), seed=7)
    assert names_of(found["rows"]) == [(job.network, job.board) for job in DEMO]
    assert len(found["rows"]) == 6
    assert json.loads(json.dumps(found)) == found
    assert (found["format"], found["version"], found["seed"]) == ("hwgen-demo", 1, 7)
    assert found["teacher"]["accuracy"] == 98.0
    assert found["reused"] == []
    assert list(found["curves"]) == list(found["training_seconds"]) == list(NETWORKS)
    assert {"torch", "cocotb", "verilator", "yosys"} <= set(found["tools"])
    assert [call for call in tools.calls if call[0] == "train"] == [
        ("train", name) for name in NETWORKS]
    assert all(0 <= fraction <= 1 for _step, fraction, _text in told if fraction is not None)
    placed = [fraction for step, fraction, _ in told
              if step == "digits-fixed on icebreaker: place and route"]
    assert placed == pytest.approx([0.0, 0.175, 0.65, 0.975, 1.0])


def test_a_row_says_what_was_compared_and_measured(tools, tmp_path):
    row = run_demo(tmp_path, progress=ignore, only=["digits-fixed"], boards=["ulx3s-85f"],
                   seed=7)["rows"][0]
    assert row["accuracy"] == {"torch": 80.0, "golden": 80.0, "rtl": 80.0}
    assert row["scores"] == {
        "torch_golden": {"compared": 200, "mismatched": 0},
        "rtl": {"compared": 220, "mismatched": 0, "first_mismatch": None},
        "rtl_stalled": {"compared": 220, "mismatched": 0, "first_mismatch": None, "seed": 7}}
    assert ("verify", "digits-fixed-ulx3s-85f", "none", 0) in tools.calls
    assert ("verify", "digits-fixed-ulx3s-85f", "random", 7) in tools.calls
    assert ("place", "digits-fixed-ulx3s-85f", "ulx3s-85f", 7) in tools.calls
    confusion = np.array(row["confusion"])
    assert confusion.shape == (10, 10)
    assert (confusion.sum(), np.trace(confusion)) == (COUNT, COUNT - WRONG)
    labels = tools.networks["digits-fixed"].labels
    assert np.array_equal(confusion.sum(axis=1), np.bincount(labels, minlength=10))
    assert row["shape"] == "6-5-10"
    assert row["weight_bits"]["total"] == sum(
        bits for what, bits in row["weight_bits"].items() if what != "total")
    assert row["cells"] == {"lut": 6, "ff": 7, "bram": 1, "dsp": 2}
    assert (row["fmax_mhz"], row["clk_mhz"], row["met"]) == (50.0, 25.0, True)
    assert (row["latency_us"], row["interval_us"], row["images_per_s"]) == (3.6, 5.0, 200_000.0)
    assert row["artefact"] == "digits-fixed-ulx3s-85f"
    assert row["bitstream"] == "digits-fixed-ulx3s-85f/synth/ulx3s-85f/board_top.bit"
    assert (row["fits"], row["reason"]) == (True, None)
    assert set(row["seconds"]) == {
        "train", "generate", "simulate", "simulate, random stalls", "place and route"}


def test_a_second_run_finds_everything_there(tools, tmp_path):
    first = run_demo(tmp_path, progress=ignore)
    tools.calls.clear()
    second = run_demo(tmp_path, progress=ignore)
    assert {call[0] for call in tools.calls} == {"train"}
    assert len(second["reused"]) == 6 * 4
    assert "digits-binary on icebreaker: place and route" in second["reused"]
    for one, other in zip(first["rows"], second["rows"], strict=True):
        assert one | {"reused": other["reused"]} == other


def test_another_seed_simulates_and_places_again_and_a_lost_artefact_is_made_again(tools, tmp_path):
    chosen = {"only": ["digits-fixed"], "boards": ["icebreaker"], "progress": ignore}
    run_demo(tmp_path, **chosen, seed=1)
    tools.calls.clear()
    run_demo(tmp_path, **chosen, seed=2)
    assert [call[0] for call in tools.calls] == ["train", "verify", "verify", "place"]
    tools.calls.clear()
    (tmp_path / "digits-fixed-icebreaker" / "manifest.json").unlink()
    run_demo(tmp_path, **chosen, seed=2)
    assert [call[0] for call in tools.calls] == ["train", "build"]


def test_another_folding_is_generated_and_simulated_again(tools, tmp_path):
    student = tools.networks["digits-fixed"]
    for interval in (100, 100, 30):
        hardware.hardware_row(student, "ulx3s-85f", interval, tmp_path, seed=1, progress=ignore)
    assert [call[0] for call in tools.calls] == ["build", "verify", "verify", "place"] * 2


def test_a_mismatch_stands_in_its_row_and_the_others_go_on(tools, tmp_path):
    tools.wrong = {"digits-binary-icebreaker"}
    rows = run_demo(tmp_path, progress=ignore)["rows"]
    wrong = {names: row["scores"]["rtl"] for names, row in zip(names_of(rows), rows, strict=True)
             if row["scores"]["rtl"]["mismatched"]}
    assert wrong == {("digits-binary", "icebreaker"): {
        "compared": 220, "mismatched": 1,
        "first_mismatch": "node 'fc1' of image 3, index 2: expected 5, found 4"}}


def test_a_network_too_large_for_a_board_is_a_row_that_says_so(tools, tmp_path, monkeypatch):
    real = hardware.plan

    def plan(network, *, target, interval_cycles):
        if target == "icebreaker":
            raise FitError("too large")
        return real(network, target=target, interval_cycles=interval_cycles)

    monkeypatch.setattr(hardware, "plan", plan)
    found = run_demo(tmp_path, progress=ignore, only=["digits-fixed"])
    large, small = sorted(found["rows"], key=lambda row: row["fits"])
    assert (large["reason"], large["cells"], large["accuracy"]["rtl"]) == ("too large", None, None)
    assert small["fits"]
    assert set(large) | {"folding", "estimate", "planned"} == set(small)
    assert json.loads(json.dumps(found)) == found


def test_a_failing_step_stops_the_demo_and_loses_nothing(tools, tmp_path):
    tools.fail = ("place", "digits-fixed-icebreaker", "icebreaker", 1)
    chosen = {"only": ["digits-fixed"], "progress": ignore}
    with pytest.raises(OSError, match=r"^place must fail here$"):
        run_demo(tmp_path, **chosen)
    tools.fail, done = None, len(tools.calls)
    found = run_demo(tmp_path, **chosen)
    again = [call[0] for call in tools.calls[done:]]
    assert "build" not in again
    assert "verify" not in again
    assert ("place", "digits-fixed-icebreaker", "icebreaker", 1) in tools.calls[done:]
    assert all(row["fits"] for row in found["rows"])


def test_refuses_names_that_are_none_of_its(tmp_path):
    with refused(SpecError, "network of the demo must be one of ['digits-binary', 'digits-fixed',"
                            " 'digits-sparse'], not 'digits'"):
        run_demo(tmp_path / "out", progress=ignore, only=["digits-fixed", "digits"])
    with refused(SpecError, "board of the demo must be one of ['icebreaker', 'ulx3s-85f'],"
                            " not 'ulx3s'; did you mean 'ulx3s-85f'?"):
        run_demo(tmp_path / "out", progress=ignore, boards=["ulx3s"])
    assert not (tmp_path / "out").exists()


# -- training, with few images and one epoch -------------------------------------------------------

@pytest.fixture
def quick(monkeypatch):
    """The real recipes on few images for an epoch each; counts their calls."""
    from hwgen import compress
    from hwgen.compress import recipes

    whole, calls = compress.digits(), []
    few = replace(whole, x_train=whole.x_train[:80], y_train=whole.y_train[:80],
                  x_test=whole.x_test[:30], y_test=whole.y_test[:30])
    teacher, student = recipes.train_teacher, recipes.train_student

    def train_teacher(split, **options):
        calls.append("teacher")
        return teacher(split, effort=0.01, **options)

    def train_student(name, split, module, **options):
        calls.append(name)
        return student(name, split, module, effort=0.01, **options)

    monkeypatch.setattr(compress, "digits", lambda: few)
    monkeypatch.setattr(recipes, "train_teacher", train_teacher)
    monkeypatch.setattr(recipes, "train_student", train_student)
    return SimpleNamespace(calls=calls, split=few)


def test_students_are_exact_networks_and_are_kept(quick, tmp_path):
    told = []
    names = ["digits-fixed", "digits-binary"]
    run = partial(train_all, names, tmp_path, seed=1, progress=lambda *state: told.append(state))
    first = list(run())
    assert [student.name for student in first] == names
    assert quick.calls == ["teacher", *names]
    for student in first:
        assert student.scores == {"compared": 300, "mismatched": 0}
        assert student.accuracy["torch"] == student.accuracy["golden"]
        assert student.network.meta["accuracy"] == student.accuracy["torch"]
        assert np.array_equal(student.x, quick.split.x_test)
        assert student.dataset == {"name": "scikit-learn digits, 8x8", "train": 80, "test": 30}
        assert student.curve[-1].keys() >= {"epoch", "loss", "accuracy", "density"}
        assert student.teacher["parameters"] == PARAMETERS
        assert student.reused == []
    assert {step for step, _at, _text in told} == {
        "digits-teacher: train", "digits-fixed: train", "digits-binary: train"}
    second = list(run())
    assert quick.calls == ["teacher", *names]
    assert [student.reused for student in second] == [[f"{name}: train"] for name in names]
    for one, other in zip(first, second, strict=True):
        assert one.network.digest == other.network.digest
        assert (one.accuracy, one.curve, one.teacher) == (
            other.accuracy, other.curve, other.teacher)


def test_a_lost_network_is_trained_again_from_the_checkpoints(quick, tmp_path):
    run = partial(train_all, ["digits-fixed"], tmp_path, seed=1, progress=ignore)
    digest = next(run()).network.digest
    (tmp_path / "digits-fixed.hwgen").unlink()
    assert next(run()).network.digest == digest
    assert quick.calls == ["teacher", "digits-fixed"] * 2


def test_another_seed_trains_again(quick, tmp_path):
    run = partial(train_all, ["digits-fixed"], tmp_path, progress=ignore)
    one, two = (next(run(seed=seed)).network.digest for seed in (1, 2))
    assert one != two
    assert quick.calls == ["teacher", "digits-fixed"] * 2
    assert next(run(seed=1)).network.digest == one      # from its own checkpoints
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_training_names_are_those_of_the_demo():
    from hwgen.compress import STUDENTS

    assert {job.network for job in DEMO} == set(STUDENTS) == set(NETWORKS)
    assert {job.board for job in DEMO} == set(BOARDS)
    assert training.TEACHER not in NETWORKS
