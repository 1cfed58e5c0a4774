# amaranth: UnusedElaboratable=no
"""The emitted Verilog under cocotb, sound and broken on purpose."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from cases.networks import NETWORKS, inputs
from cases.targets import ECP5
from verify.broken import break_artefact, flip_top_bit, stuck, with_weight

from hwgen import golden
from hwgen.emit import bench_folder, read_manifest, sample_inputs, write_artefact
from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, SpecError
from hwgen.plan import plan
from hwgen.toolchain import ToolError
from hwgen.verify import Mismatch, MismatchError, VerifyError, simulate

pytestmark = pytest.mark.cosim

CORES = ("binary", "fixed", "sparse")


def builds(folder):
    """The simulations of an artefact that were built for cocotb, and when each was made.

    Other tests of the session may have built the compiled bench beside them.
    """
    return {path.parent.name: path.stat().st_mtime_ns
            for path in folder.glob("sim/build-verilator-*/complete")}


@pytest.mark.parametrize("name", CORES)
def test_every_value_is_the_golden_one_under_any_stalls(artefact, name):
    folder, network = artefact(name), NETWORKS[name]()
    x = inputs(network, 20)
    edges = golden.run(network, x)
    for seed, stalls in enumerate(("none", "input", "output", "both", "random")):
        result = simulate(folder, x, stalls=stalls, seed=seed)
        assert np.array_equal(result.scores, edges[network.scores])
        assert np.array_equal(result.classes, edges["argmax"][:, 0])
        assert (result.compared, result.mismatched) == (20 * (result.scores.shape[1] + 1), 0)
        assert (result.stalls, result.seed, result.simulator) == (stalls, seed, "verilator")
    assert len(builds(folder)) == 1


@pytest.mark.parametrize("name", ["binary", "fixed"])
def test_latency_and_interval_are_those_of_the_plan(artefact, name):
    design = plan(NETWORKS[name](), ECP5)
    result = simulate(artefact(name))
    assert result.latency_cycles == design.latency_cycles
    assert result.interval_cycles == design.interval_cycles
    assert result.first_mismatch is None


@pytest.mark.parametrize("name", CORES)
@pytest.mark.parametrize("mode", ["reset", "length"])
def test_resets_and_wrong_lengths_harm_no_other_frame(artefact, name, mode):
    result = simulate(artefact(name), mode=mode, stalls="random", seed=7)
    assert result.mismatched == 0
    assert result.compared > 0
    assert result.latency_cycles is None
    assert result.interval_cycles is None


def test_build_is_used_again_and_progress_is_told(artefact):
    folder, told = artefact("fixed"), []
    simulate(folder)
    before = builds(folder)
    simulate(folder, stalls="random", progress=lambda *state: told.append(state))
    assert builds(folder) == before
    assert told[0] == ("compile", None, f"{next(iter(before))} is there already")
    assert told[1] == ("compile", 1.0, "done")
    assert told[-1] == ("simulate", 1.0, "64 of 64 frames")


def test_same_seed_gives_the_same_cycles(artefact):
    folder = artefact("fixed")
    cycles = [simulate(folder, stalls="random", seed=seed).cycles for seed in (1, 1, 2)]
    assert cycles[0] == cycles[1] != cycles[2]


@pytest.mark.parametrize("name", ["binary", "fixed"])
def test_a_wrong_weight_is_found_at_its_node(artefact, name, tmp_path):
    network = NETWORKS[name]()
    node = network.node("fc2")
    last = int(node.weights.to_dense()[-1, -1])
    fmt = node.weights.format
    code = int(fmt.encode(np.array([last]))[0]) ^ 1 << (fmt.bits - 1)
    wrong = with_weight(network, "fc2", int(fmt.decode(np.array([code]))[0]))
    x = sample_inputs(network)
    seen = "bn2" if isinstance(fmt, Bipolar) else "rq2"
    right, found = (golden.run(n, x)[seen] for n in (network, wrong))
    image, index = (int(k) for k in np.argwhere(right != found)[0])
    values = int(right[image, index]), int(found[image, index])

    folder = break_artefact(artefact(name), tmp_path / "broken", lambda verilog: flip_top_bit(
        verilog, f"case_{name}.stage_fc2.weights"))
    with pytest.raises(MismatchError) as caught:
        simulate(folder, stalls="random", seed=3)
    error = caught.value
    assert error.mismatch == Mismatch(seen, image, index, *values)
    differ = sum(int(np.sum(golden.run(network, x)[edge] != golden.run(wrong, x)[edge]))
                 for edge in network.outputs)
    assert error.result.mismatched == differ
    assert str(error) == (
        f"case-{name}: node '{seen}' of image {image}, index {index}: expected {values[0]},"
        f" found {values[1]}; {differ} of {64 * 5} values differ"
        f" (mode stream, stalls random, seed 3, verilator)")


def test_a_broken_sparse_core_is_found_at_its_node(artefact, tmp_path):
    def change(verilog):
        module = re.search(r"module \\(case_fixed\.stage_fc2\.\S*entries) ", verilog)[1]
        return flip_top_bit(verilog, module)

    folder = break_artefact(artefact("sparse"), tmp_path / "broken", change)
    with pytest.raises(MismatchError, match=r"^case-fixed: node 'rq2' of image \d+, index \d+: "):
        simulate(folder)


def test_a_design_that_hangs_is_stopped_and_says_how_far_it_came(artefact, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken", stuck("m_axis_tvalid", 0))
    with pytest.raises(VerifyError) as caught:
        simulate(folder)
    assert not isinstance(caught.value, MismatchError)
    lines = str(caught.value).splitlines()
    assert lines[0] == ("case-fixed: simulation must end soundly"
                        " (mode stream, stalls none, seed 0, verilator)")
    assert re.fullmatch(r"  no output frame for \d+ cycles: 0 of 64 frames came out", lines[1])
    assert lines[2:] == ["  whole frames that left each node: rq1 1, rq2 1, fc3 1"]
    assert caught.value.result.compared == 0


def test_frames_of_a_wrong_size_and_errors_without_cause_are_found(artefact, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken", lambda verilog: stuck(
        "frame_error", 1)(stuck("m_axis_tlast", 1)(verilog)))
    with pytest.raises(MismatchError) as caught:
        simulate(folder)
    assert caught.value.faults[0] == "output frame 0 must be of 10 bytes, not 2"
    more = r"sink must be empty at the end, \d+ more frame\(s\) came out than went in"
    assert any(re.fullmatch(more, fault) for fault in caught.value.faults)
    assert caught.value.faults[-1] == "frame_error must be 0 at the end, not 1"
    for fault in caught.value.faults:
        assert f"\n  {fault}" in str(caught.value)


def test_bench_of_the_artefact_runs_alone(artefact, tmp_path):
    folder = artefact("fixed")
    simulate(folder)
    [build] = builds(folder)
    command = [sys.executable, str(folder / "bench" / "run.py"), "--stalls", "random", "--seed",
               "3", "--frames", "5", "--results", str(tmp_path), "--build",
               str(folder / "sim" / build)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"build: {build} is there already" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["passed"], results["compared"], results["mismatched"]) == (True, 25, 0)
    for path in (folder / "bench").glob("*.py"):
        assert path.read_bytes() == (bench_folder() / path.name).read_bytes()


def test_verilog_that_does_not_compile_is_a_tool_error(artefact, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken",
                            lambda verilog: verilog + "modul oops;\n")
    with pytest.raises(ToolError) as caught:
        simulate(folder)
    assert caught.value.reason == "bench must run verilator to the end, and did not"
    assert caught.value.returncode == 2
    assert f"%Error: {folder / 'case-fixed.v'}:" in str(caught.value)


def test_manifest_lists_a_probe_for_each_stage(artefact):
    manifest = read_manifest(artefact("binary"))
    assert [probe["node"] for probe in manifest["probes"]] == ["code", "bn1", "bn2", "fc3"]


@pytest.mark.parametrize(("options", "message"), [
    ({"stalls": "some"},
     "stalls must be one of ['none', 'input', 'output', 'both', 'random'], not 'some'"),
    ({"simulator": "vcs"}, "simulator must be one of ['verilator', 'icarus'], not 'vcs'"),
    ({"mode": "fast"}, "mode must be one of ['stream', 'reset', 'length'], not 'fast'"),
    ({"mode": "length", "x": np.zeros((1, 6), int)},
     "x and frames must be None in mode 'length', which has frames of its own"),
    ({"x": np.zeros((0, 6), int)}, "x must be of shape (n, 6) with n at least 1, not (0, 6)"),
    ({"x": np.zeros(6, int)}, "x must be of shape (n, 6) with n at least 1, not (6,)"),
])
def test_wrong_arguments_are_refused(artefact, options, message):
    with pytest.raises(SpecError) as caught:
        simulate(artefact("fixed"), **options)
    assert str(caught.value) == message


def test_inputs_outside_the_format_are_refused(artefact):
    with pytest.raises(SpecError, match=r"not 128 at index"):
        simulate(artefact("fixed"), np.full((2, 6), 128))


def best_classes(k):
    """Few scores that are equal often, and the ``k`` best classes."""
    weights = Dense(np.random.default_rng(8).choice([-1, 1], (6, 5)), Bipolar())
    return Network("best", [Input("x", (), (5,), Bipolar()), MatVec("fc", ("x",), weights),
                            Argmax("class", ("fc",), k)], ("fc", "class"))


@pytest.mark.parametrize("k", [3, 6])
def test_the_best_classes_follow_the_scores(tmp_path, k):
    network = best_classes(k)
    folder = write_artefact(plan(network, ECP5), tmp_path / "best")
    manifest, x = read_manifest(folder), inputs(network, 30)
    assert manifest["output"]["fields"][1] == {"name": "class", "node": "class", "count": k}
    assert f"one frame = 6 x scores, then {k} x class;" in (folder / "README.txt").read_text()
    expected = golden.run(network, x)
    assert min(len(set(row)) for row in expected["fc"].tolist()) < 6
    for stalls, mode, bench in (("none", "stream", "compiled"), ("random", "stream", "compiled"),
                                ("both", "length", "compiled"), ("both", "reset", "compiled"),
                                ("random", "stream", "cocotb")):
        given = None if mode == "length" else x
        result = simulate(folder, given, mode=mode, stalls=stalls, bench=bench, seed=2)
        assert result.mismatched == 0
        if given is not None:
            assert result.compared == 30 * (6 + k)
            assert np.array_equal(result.scores, expected["fc"])
            assert np.array_equal(result.classes, expected["class"])
        if stalls == "none":
            assert result.latency_cycles == manifest["latency_cycles"]
            assert result.interval_cycles == manifest["interval_cycles"] == 6 + k


def test_a_wrong_class_is_found_at_its_place(tmp_path):
    right = write_artefact(plan(best_classes(3), ECP5), tmp_path / "right")

    def ties_to_the_highest(verilog):
        changed, count = re.subn(r"hwgen_at_least (#\([^;]*?\) held_1 \()", r"above \1", verilog)
        assert count == 1
        body = re.search(r"module hwgen_at_least.*?endmodule", verilog, re.DOTALL)[0]
        return changed + body.replace("hwgen_at_least", "above").replace("a >= (", "a > (") + "\n"

    folder = break_artefact(right, tmp_path / "wrong", ties_to_the_highest)
    with pytest.raises(MismatchError, match=r"^best: node 'class' of image \d+, index 1: "):
        simulate(folder)


def test_signs_in_and_out_and_no_class(tmp_path):
    rng = np.random.default_rng(5)
    weights = Dense(rng.choice([-1, 1], (6, 9)), Bipolar())
    network = Network("signs", [
        Input("x", (), (9,), Bipolar()), MatVec("fc1", ("x",), weights),
        Threshold("bn1", ("fc1",), rng.integers(-3, 4, 6), rng.random(6) < 0.5)], ("bn1",))
    folder = write_artefact(plan(network, ECP5), tmp_path / "signs")
    x = inputs(network, 12)
    for mode, given in (("stream", x), ("length", None)):
        result = simulate(folder, given, mode=mode, stalls="random", seed=2)
        assert result.classes is None
        assert set(np.unique(result.scores)) == {-1, 1}
        if given is not None:
            assert np.array_equal(result.scores, golden.run(network, x)["bn1"])
