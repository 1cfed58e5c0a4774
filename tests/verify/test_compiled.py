# amaranth: UnusedElaboratable=no
"""The compiled bench: it agrees with the one under cocotb on sound cores and on broken ones."""

import re
import subprocess
import sys

import numpy as np
import pytest
from cases.networks import NETWORKS, inputs
from verify.broken import break_artefact, flip_top_bit, stuck

from hwgen import golden
from hwgen.emit import sample_inputs
from hwgen.numeric import SpecError
from hwgen.toolchain import ToolError
from hwgen.verify import BENCHES, MismatchError, VerifyError, simulate

pytestmark = pytest.mark.cosim

OUTPUT_FREE = ("none", "input")
"""Stalls under which both take the same cycles; the sink of cocotbext-axi begins some of the
output's pauses a cycle later."""


def both(folder, *args, **options):
    return [simulate(folder, *args, bench=bench, **options) for bench in BENCHES]


def both_errors(folder, **options):
    found = []
    for bench in BENCHES:
        with pytest.raises(VerifyError) as caught:
            simulate(folder, bench=bench, **options)
        found.append(caught.value)
    return found


@pytest.mark.parametrize("name", ["binary", "fixed", "sparse"])
@pytest.mark.parametrize("mode", ["stream", "reset", "length"])
def test_both_benches_agree_under_any_stalls(artefact, name, mode):
    folder = artefact(name)
    for stalls in ("none", "input", "output", "both", "random"):
        cocotb, compiled = both(folder, stalls=stalls, seed=4, mode=mode)
        assert (cocotb.bench, compiled.bench, compiled.simulator) == (*BENCHES, "verilator")
        assert np.array_equal(compiled.scores, cocotb.scores)
        assert np.array_equal(compiled.classes, cocotb.classes)
        assert compiled.compared == cocotb.compared > 0 == compiled.mismatched
        assert compiled.latency_cycles == cocotb.latency_cycles
        assert compiled.interval_cycles == cocotb.interval_cycles
        assert (compiled.stalls, compiled.seed, compiled.mode) == (stalls, 4, mode)
        spread = 0 if stalls in OUTPUT_FREE else 0.05
        assert compiled.cycles == pytest.approx(cocotb.cycles, rel=spread)


@pytest.mark.parametrize("name", ["binary", "fixed"])
def test_a_wrong_weight_is_found_by_both_at_the_same_place(artefact, name, tmp_path):
    folder = break_artefact(artefact(name), tmp_path / "broken", lambda verilog: flip_top_bit(
        verilog, f"case_{name}.stage_fc2.weights"))
    cocotb, compiled = both_errors(folder, stalls="random", seed=3)
    assert isinstance(compiled, MismatchError)
    assert compiled.mismatch == cocotb.mismatch
    assert compiled.result.mismatched == cocotb.result.mismatched > 0
    assert np.array_equal(compiled.result.scores, cocotb.result.scores)
    assert str(compiled) == str(cocotb).replace("verilator)", "compiled)")


@pytest.mark.parametrize(("port", "fault"), [
    ("m_axis_tvalid", r"no output frame for \d+ cycles: 0 of 5 frames came out"),
    ("s_axis_tready", r"no input beat taken for \d+ cycles")])
def test_a_core_that_hangs_is_stopped_by_both(artefact, port, fault, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken", stuck(port, 0))
    cocotb, compiled = both_errors(folder, frames=5)
    assert compiled.faults == cocotb.faults
    assert re.fullmatch(fault, compiled.faults[0])
    assert "\n  whole frames that left each node: " in str(compiled)


@pytest.mark.parametrize(("port", "value"), [
    ("m_axis_tlast", 1), ("m_axis_tlast", 0), ("frame_error", 1), ("m_axis_tvalid", 1)])
def test_faults_besides_values_are_those_of_cocotb(artefact, port, value, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken", stuck(port, value))
    for mode in ("stream", "reset"):
        cocotb, compiled = both_errors(folder, frames=6, mode=mode)
        assert compiled.faults == cocotb.faults != ()


def test_an_output_that_changes_while_it_waits_is_seen(artefact, tmp_path):
    def change(verilog):
        cut = re.sub(r"\.(\w+)\(m_axis_tdata\)", r".\1(steady)", verilog)
        declared = re.search(r"  wire (\[.*\]) m_axis_tdata;", cut)[0]
        return cut.replace(declared, f"{declared}\n{declared.replace('m_axis_tdata', 'steady')}"
                                     "\n  assign m_axis_tdata = steady ^ !m_axis_tready;")

    folder = break_artefact(artefact("fixed"), tmp_path / "broken", change)
    assert simulate(folder, stalls="output").mismatched == 0
    with pytest.raises(VerifyError) as caught:
        simulate(folder, stalls="output", bench="compiled")
    [fault] = caught.value.faults
    assert re.fullmatch(r"output must stay as it is while it waits, and changed in cycle \d+",
                        fault)
    assert "\n  the bench under cocotb finds nothing wrong in the same frames" in str(caught.value)


def test_a_wrong_value_late_among_many_is_traced_to_its_node(artefact, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken", lambda verilog: flip_top_bit(
        verilog, "case_fixed.stage_fc2.weights"))
    x = sample_inputs(NETWORKS["fixed"](), 64)
    with pytest.raises(MismatchError) as caught:
        simulate(folder, x, bench="compiled")
    first = caught.value.mismatch
    same = np.repeat(x[first.image - 1:first.image] if first.image else x[:1], 50, axis=0)
    harmless = _unharmed(folder, same)
    with pytest.raises(MismatchError) as caught:
        simulate(folder, np.concatenate([harmless, x[first.image:]]), bench="compiled")
    assert caught.value.mismatch.image == len(harmless)
    assert (caught.value.mismatch.node, caught.value.mismatch.found) == (first.node, first.found)


def _unharmed(folder, x):
    """``x`` if the broken core gives its values, else nothing."""
    try:
        simulate(folder, x, bench="compiled")
    except MismatchError:
        return x[:0]
    return x


@pytest.mark.parametrize("bench", BENCHES)
def test_number_of_frames_is_free(artefact, bench):
    folder, network = artefact("fixed"), NETWORKS["fixed"]()
    few, many = (simulate(folder, frames=count, bench=bench) for count in (3, 200))
    assert (few.compared, many.compared) == (3 * 5, 200 * 5)
    assert np.array_equal(few.scores, golden.run(network, sample_inputs(network, 3))["fc3"])
    x = inputs(network, 10)
    assert np.array_equal(simulate(folder, x, frames=4, bench=bench).scores,
                          golden.run(network, x[:4])["fc3"])


@pytest.mark.parametrize(("options", "message"), [
    ({"bench": "fast"}, "bench must be one of ['cocotb', 'compiled'], not 'fast'"),
    ({"bench": "compiled", "simulator": "icarus"},
     "simulator of the compiled bench must be 'verilator', not 'icarus'"),
    ({"frames": 0}, "frames must be at least 1, not 0"),
    ({"frames": 3, "x": np.zeros((2, 6), int)}, "frames must be at most 2, those of x, not 3"),
    ({"frames": 3, "mode": "length"},
     "x and frames must be None in mode 'length', which has frames of its own"),
])
def test_wrong_arguments_are_refused(artefact, options, message):
    with pytest.raises(SpecError) as caught:
        simulate(artefact("fixed"), **options)
    assert str(caught.value) == message


def test_verilog_that_does_not_compile_is_a_tool_error(artefact, tmp_path):
    folder = break_artefact(artefact("fixed"), tmp_path / "broken",
                            lambda verilog: verilog + "modul oops;\n")
    with pytest.raises(ToolError) as caught:
        simulate(folder, bench="compiled")
    assert caught.value.reason == "bench must run compiled to the end, and did not"
    assert (caught.value.returncode, caught.value.tail[-1]) == (
        2, "run: verilator must compile the core, and did not")
    assert f"%Error: {folder / 'case-fixed.v'}:" in str(caught.value)


def test_artefact_needs_neither_hwgen_nor_cocotb(artefact, tmp_path):
    folder = artefact("fixed")
    start = (f"import runpy, sys; sys.path.insert(0, {str(folder / 'bench')!r});"
             " sys.modules |= dict.fromkeys(['hwgen', 'cocotb', 'cocotb_tools', 'cocotbext']);"
             " runpy.run_path(sys.path[0] + '/run.py', run_name='__main__')")
    command = [sys.executable, "-c", start, "--bench", "compiled", "--frames", "7", "--results",
               str(tmp_path / "results"), "--build", str(tmp_path / "build")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frames 7 of 7" in done.stdout
    refused = subprocess.run([*command, "--sim", "icarus"], capture_output=True, text=True,
                             check=False, cwd=tmp_path)
    assert refused.returncode == 2
    assert ("--bench compiled must be used with --sim verilator and without --trace"
            in refused.stderr)
