"""``hwgen core`` and what follows from its folder: generate, simulate, report, the real path."""

import re
import shutil

import numpy as np
import pytest

from hwgen.cli.core import Kind, _random, layer_network
from hwgen.ir import Dense, load
from hwgen.numeric import Bipolar, Codebook, Fixed, PowerOfTwo, Ternary

RANDOM = ("--n-in", 12, "--n-out", 6)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(hwgen, message, *words):
    done = hwgen("core", *words)
    assert (done.code, done.out, done.err) == (1, "", f"error: {message}\n")


def save(values):
    np.save("w.npy", values)
    return "--weights", "w.npy"


@pytest.mark.parametrize(("words", "message"), [
    (("binary",), "--n-out must be given where there is no --weights"),
    (("binary", "--n-out", 4), "--n-in must be given where there is no --weights"),
    (("binary", "--n-out", 4, "--n-in", 0), "--n-in must be at least 1, not 0"),
    (("fixed", *RANDOM, "--w-bits", 17), "--w-bits must be in 1..16, not 17"),
    (("fixed", *RANDOM, "--x-bits", 0), "--x-bits must be in 1..16, not 0"),
    (("sparse", *RANDOM, "--density", 0), "--density must be above 0 and at most 1, not 0"),
    (("sparse", *RANDOM, "--density", 1.5), "--density must be above 0 and at most 1, not 1.5"),
    (("binary", *RANDOM, "--w-bits", 0), "--w-bits must be in 1..16, not 0"),
    (("binary", *RANDOM, "--w-bits", 2, "--ternary"),
     "--w-bits must not be given with --ternary, whose weights are -1, 0 and +1, not 2"),
    (("binary", *RANDOM, "--w-bits", 2, "--x-bits", 3, "--planes", 2),
     "binary core 'fc': planes must be 1 (one pair of planes after another) or all 6 pairs side by"
     " side, not 2"),
    (("binary", *RANDOM, "--w-bits", 9, "--x-bits", 8),
     "binary core 'fc': weight planes times input planes must be at most 64, not 9 * 8; choose the"
     " fixed core"),
    (("binary", *RANDOM, "--memory", "disk"),
     "binary core 'fc': memory must be one of auto, block, logic, not 'disk'"),
    (("fixed", *RANDOM, "--planes", 2),
     "--planes must not be given for the fixed core, which multiplies whole numbers, not 2"),
    (("fixed-unrolled", *RANDOM, "--memory", "block"),
     "--memory must not be given for the fixed-unrolled core, whose weights are shifts and adders,"
     " not block"),
    (("sparse", *RANDOM, "--planes", 2),
     "--planes must not be given for the sparse core, which multiplies whole numbers, not 2"),
    (("sparse", *RANDOM, "--memory", "block"),
     "--memory must not be given for the sparse core, whose elements have memories of their own,"
     " not block"),
    (("shift", *RANDOM, "--planes", 1),
     "--planes must not be given for the shift core, which adds up whole numbers, not 1"),
    (("shift", *RANDOM, "--w-bits", 7), "--w-bits of the shift core must be in 2..6, not 7"),
    (("codebook", *RANDOM, "--w-bits", 0), "--w-bits of the codebook core must be in 1..7, not 0"),
    (("codebook", *RANDOM, "--ternary"),
     "--ternary must not be given for the codebook core, whose weights have codes of --w-bits"),
    *[(("binary-unrolled", *RANDOM, f"--{what}", value),
       f"--{what} must not be given for the binary-unrolled core, {why}, not {value}")
      for what, value, why in (
          ("pe", 6, "which takes whole vectors and gives whole ones"),
          ("simd", 4, "which takes whole vectors and gives whole ones"),
          ("planes", 1, "which has all planes side by side"),
          ("memory", "logic", "whose weights are wiring"))],
])
def test_wrong_amounts_are_refused(hwgen, words, message):
    refused(hwgen, message, *words)


def test_pe_that_does_not_divide_is_refused(hwgen):
    done = hwgen("core", "fixed", *RANDOM, "--pe", 4)
    assert done.code == 1
    assert done.err.startswith("error: fixed core 'fc': pe must divide n_out = 6, not 4")


def test_weights_must_be_a_matrix(hwgen):
    refused(hwgen, "weights 'w.npy' must be of shape (n_out, n_in), not (3,)",
            "fixed", *save(np.array([1, 2, 3])))


@pytest.mark.parametrize(("option", "found"), [("--n-out", 2), ("--n-in", 3)])
def test_sizes_must_be_those_of_the_weights(hwgen, option, found):
    refused(hwgen, f"{option} must be {found}, as in 'w.npy', not 5",
            "fixed", *save(np.ones((2, 3), int)), option, 5)


def test_weights_must_be_of_the_format(hwgen):
    done = hwgen("core", "binary", *save(np.zeros((2, 3), int)))
    assert done.code == 1
    assert done.err.startswith("error: weights")


def test_folder_that_holds_something_else_is_refused(hwgen, tmp_path):
    save(np.ones((2, 3), int))
    done = hwgen("core", "fixed", "--weights", "w.npy", "-o", tmp_path)
    assert done.code == 1
    assert (f"error: {tmp_path}: output folder must be empty or an artefact (with manifest.json),"
            f" but it holds w.npy; choose another or move them away\n") in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["w.npy"]


@pytest.mark.parametrize("fmt", [Bipolar(), Fixed(1), Fixed(2), Fixed(6)])
@pytest.mark.parametrize("density", [0.001, 0.25, 1.0])
def test_random_weights_have_the_density_and_the_format(fmt, density):
    values = _random((20, 30), fmt, density=density, seed=3)
    assert np.count_nonzero(values) == max(1, round(density * 600))
    fmt.require(values[values != 0], "weights")
    assert values.tolist() == _random((20, 30), fmt, density=density, seed=3).tolist()
    if fmt.bits > 1 and density == 1:
        assert {int(values.min()), int(values.max())} == {fmt.min, fmt.max}


@pytest.mark.parametrize(("kind", "signed", "fmt"), [
    (Kind.BINARY, False, Bipolar()), (Kind.FIXED, True, Fixed(5)),
    (Kind.SPARSE, False, Fixed(5, signed=False))])
def test_layer_network(kind, signed, fmt):
    matrix = Dense(np.array([[1, -1, 1]]), Bipolar() if kind is Kind.BINARY else Fixed(2))
    bits = None if kind is Kind.BINARY else 5
    network = layer_network(kind, matrix, name="one", x_bits=bits, x_signed=signed)
    assert network.input.format == fmt
    assert network.edges[network.scores].shape == (1,)
    assert network.outputs == ("fc",)


@pytest.mark.parametrize(("kind", "bits", "signed", "fmt"), [
    (Kind.BINARY, 1, False, Bipolar()), (Kind.UNROLLED, None, True, Bipolar()),
    (Kind.BINARY, 3, True, Fixed(3)), (Kind.UNROLLED, 2, False, Fixed(2, signed=False)),
    (Kind.FIXED, None, False, Fixed(8, signed=False)), (Kind.FIXED, 1, True, Fixed(1))])
def test_one_bit_is_a_sign_where_bits_are_counted(kind, bits, signed, fmt):
    matrix = Dense(np.array([[1, -1, 1]]), Bipolar())
    network = layer_network(kind, matrix, name="one", x_bits=bits, x_signed=signed)
    assert network.input.format == fmt


@pytest.mark.parametrize(("words", "fmt", "values"), [
    (("binary",), Bipolar(), {-1, 1}), (("binary", "--w-bits", 1), Bipolar(), {-1, 1}),
    (("binary", "--w-bits", 2), Fixed(2), {-2, -1, 1}), (("fixed", "--w-bits", 1), Fixed(1), {-1}),
    (("binary-unrolled", "--ternary"), Ternary(), {-1, 0, 1}),
    (("shift", "--w-bits", 3), PowerOfTwo(2), {-2, -1, 1, 2}),
    (("codebook", "--w-bits", 2), Codebook((-127, -64, 63)), {-127, -64, 63}),
    (("sparse", "--ternary"), Ternary(), {-1, 0, 1})])
def test_formats_of_weights(hwgen, words, fmt, values):
    done = hwgen("core", *words, "--n-in", 24, "--n-out", 6, "-o", "made", "--json")
    assert done.code == 0, done.err
    weights = load("made/network.hwgen").node("fc").weights
    assert weights.format == fmt
    assert set(np.unique(weights.to_dense()).tolist()) == values
    assert [stage["core"] for stage in done.json["stages"]] == [words[0]]


def test_planes_and_memory_are_those_asked_for(hwgen):
    done = hwgen("core", "binary", "--n-in", 24, "--n-out", 6, "--w-bits", 2, "--x-bits", 3,
                 "--planes", 6, "--memory", "block", "--pe", 2, "--simd", 8, "--json")
    assert done.code == 0, done.err
    folding = done.json["stages"][0]["folding"]
    assert (folding["planes"], folding["memory"], done.json["interval_cycles"]) == (6, "block", 9)


def test_help_has_an_example_of_each_binary_core(hwgen):
    words = hwgen("core", "--help").words
    assert "Example: hwgen core binary --n-in 256 --n-out 64 --w-bits 2 --x-bits 2" in words
    assert "Example: hwgen core binary-unrolled" in words


@pytest.mark.synth
@pytest.mark.cosim
@pytest.mark.parametrize(("words", "name", "interval"), [
    (("binary", "--n-in", 32, "--n-out", 8, "--pe", 4, "--simd", 16), "binary-32x8", 4),
    (("binary-unrolled", "--n-in", 16, "--n-out", 4, "--w-bits", 2), "binary-unrolled-16x4", 1),
    (("fixed", "--n-in", 8, "--n-out", 6, "--pe", 3, "--simd", 4, "--x-signed"), "fixed-8x6", 4),
    (("fixed-unrolled", "--n-in", 8, "--n-out", 6, "--w-bits", 4), "fixed-unrolled-8x6", 1),
    (("shift", "--n-in", 16, "--n-out", 8, "--pe", 2, "--simd", 4), "shift-16x8", 16),
    (("codebook", "--n-in", 16, "--n-out", 8, "--pe", 4, "--simd", 2, "--w-bits", 2),
     "codebook-16x8", 16),
    (("sparse", "--n-in", 16, "--n-out", 8, "--pe", 4, "--density", 0.2), "sparse-16x8", None),
])
def test_core_is_generated_simulated_and_reported(hwgen, tmp_path, words, name, interval):
    done = hwgen("core", *words, "--seed", 2, "--json")
    assert done.code == 0, done.err
    made = done.json
    assert made["artefact"] == f"rtl_out/{name}"
    assert interval in (None, made["interval_cycles"])
    assert {"name", "digest", "board", "clk_hz", "latency_cycles", "weight_bits", "stages",
            "estimate", "bottleneck"} <= set(made)
    folder = tmp_path / "rtl_out" / name
    network = load(folder / "network.hwgen")
    assert (network.name, network.digest) == (name, made["digest"])

    run = hwgen("simulate", folder, "--stalls", "random", "--seed", 7, "-o", "scores.npy", "--json")
    assert run.code == 0, run.err
    assert run.json["mismatched"] == 0
    assert run.json["compared"] == np.load("scores.npy").size > 0

    done = hwgen("report", folder, "--json")
    row, = done.json["rows"]
    assert row["scores"] == {"rtl_stalled": {
        "compared": run.json["compared"], "mismatched": 0, "seed": 7}}
    assert row["weight_bits"]["total"] == sum(made["weight_bits"].values())
    assert (row["shape"], row["interval_cycles"]) == (
        "-".join(re.search(r"(\d+)x(\d+)", name).groups()), made["interval_cycles"])
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"{row['scores']['rtl_stalled']['compared']:,} compared, 0 differ" in page


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus is missing")
@pytest.mark.cosim
@pytest.mark.parametrize("stalls", ["none", "both"])
def test_second_simulator_finds_the_same(hwgen, tmp_path, stalls):
    assert hwgen("core", "binary", "--n-in", 32, "--n-out", 8, "-o", "core").code == 0
    run = hwgen("simulate", "core", "--simulator", "icarus", "--stalls", stalls, "--json")
    assert run.code == 0, run.err
    assert (run.json["simulator"], run.json["mismatched"]) == ("icarus", 0)
    assert run.json["compared"] > 0
