# amaranth: UnusedElaboratable=no
"""``hwgen engine eie``, and ``hwgen simulate`` of its folder."""

import numpy as np
import pytest

from hwgen.emit import read_manifest
from hwgen.emit.engines.eie import stored
from hwgen.golden import run
from hwgen.golden.delta import run_delta
from hwgen.ir import Dense, Input, MatVec, Network, Requantise, SlidingWindow, load
from hwgen.numeric import Fixed

SMALL = ("engine", "eie", "--pe", 2, "--set", "vector=16", "--set", "columns=40", "--set",
         "entries=60", "--set", "rows=8")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("words", "message"), [
    (("--lanes", 4), "engine 'eie': lanes must divide pe, 2, not be 4"),
    (("--set", "depth=3"), "--set must be WHAT=N, with WHAT of code_bits, index_bits,"
                           " accumulator_bits, layers, vector, rows, biases, columns, entries,"
                           " queue_depth, not 'depth=3'"),
    (("--set", "row=9"), "--set must be WHAT=N, with WHAT of code_bits, index_bits,"
                         " accumulator_bits, layers, vector, rows, biases, columns, entries,"
                         " queue_depth, not 'row=9'; did you mean 'rows'?"),
    (("--set", "rows=9"), "--set of rows must be given once, not twice")])
def test_wrong_numbers_are_refused_and_nothing_is_written(hwgen, tmp_path, words, message):
    done = hwgen(*SMALL, *words)
    assert (done.code, done.out, done.err) == (1, "", f"error: {message}\n")
    assert not list(tmp_path.iterdir())


def test_a_convolutional_network_is_refused(hwgen, tmp_path):
    Network("conv", (
        Input("x", (), (6, 6, 1), Fixed(4)), SlidingWindow("w", ("x",), (3, 3)),
        MatVec("c1", ("w",), Dense(np.ones((20, 9), int), Fixed(3)))), ("c1",)).save(
            tmp_path / "conv.hwgen")
    done = hwgen("engine", "eie", "--network", "conv.hwgen")
    assert done.code == 1
    assert "node 'c1': input must be a vector (n,)" in done.err
    assert "convolutions are not for this engine" in done.err


def test_a_systolic_array_needs_its_sizes(hwgen):
    done = hwgen("engine", "systolic", "--rows", 2)
    assert done.err == "error: --columns must be given for a systolic array\n"


@pytest.mark.synth
def test_table_tells_the_sizes(hwgen):
    done = hwgen(*SMALL, "-o", "mine")
    assert "EIE engine, 2 elements" in done.words
    assert "60 in each element, of 4 + 4 bits; 8 columns wait in front of it" in done.words
    assert "Written to mine. Next: hwgen simulate mine" in done.words


def two_layers(folder, rng, rows=(1,) * 9):
    """Writes ``two.hwgen``, with the first weights by row times ``rows``; its weights."""
    u4 = Fixed(4, signed=False)
    w = [rng.integers(-2, 3, shape) for shape in ((9, 6), (3, 9))]
    w[0] *= np.array(rows)[:, None]
    Network("two", (
        Input("x", (), (6,), u4), MatVec("fc1", ("x",), Dense(w[0], Fixed(3))),
        Requantise("rq1", ("fc1",), np.array([1]), 2, "half_up", u4),
        MatVec("fc2", ("rq1",), Dense(w[1], Fixed(3)))), ("fc2",)).save(folder / "two.hwgen")
    return w


@pytest.mark.synth
def test_engine_is_fitted_to_a_network(hwgen, tmp_path, rng):
    w = two_layers(tmp_path, rng)
    done = hwgen("engine", "eie", "--pe", 3, "--lanes", 1, "--network", "two.hwgen", "--huffman",
                 "--json")
    engine = read_manifest(tmp_path / "rtl_out" / "eie-3", "engine")["engine"]
    sizes = ("layers", "vector", "rows", "columns", "biases", "code_bits", "huffman")
    assert {what: engine[what] for what in sizes} == {
        "layers": 2, "vector": 9, "rows": 3, "columns": 17, "biases": 12, "code_bits": 3,
        "huffman": True}
    held = done.json["network"]
    nonzeros = sum(map(np.count_nonzero, w))
    assert held["entries"] - held["padding"] == nonzeros
    assert held["stored_bits"]["weights"] == 3 * nonzeros
    assert (held["vectors"], held["cycles"] > held["coded_bits"]) == (8, True)
    assert done.json["estimate"]["dsp"] == 3


@pytest.mark.synth
@pytest.mark.parametrize(("words", "moved"), [((), ["fc1"]), (("--no-balance",), [])])
def test_rows_are_dealt_out_unless_they_are_not_to_be(hwgen, tmp_path, rng, words, moved):
    two_layers(tmp_path, rng, rows=[1, 0, 0] * 3)
    done = hwgen("engine", "eie", "--pe", 3, "--network", "two.hwgen", *words, "-o", "mine",
                 "--json")
    assert done.json["network"]["dealt_out"] == moved
    with np.load(tmp_path / "mine" / "vectors.npz") as arrays:
        (work,), y = stored(arrays), arrays["y"]
    np.testing.assert_array_equal(y, run(load(tmp_path / "two.hwgen"), work.x)["fc2"])


@pytest.mark.synth
@pytest.mark.parametrize(("given", "kept"), [((3,), [3, 3]), ((5, 2), [5, 2])])
def test_thresholds_are_in_the_sample(hwgen, tmp_path, rng, given, kept):
    two_layers(tmp_path, rng)
    words = [word for value in given for word in ("--threshold", value)]
    done = hwgen("engine", "eie", "--pe", 3, "--network", "two.hwgen", "--delta", *words, "-o",
                 "mine", "--json")
    assert done.json["network"]["thresholds"] == kept
    net = load(tmp_path / "two.hwgen")
    with np.load(tmp_path / "mine" / "vectors.npz") as arrays:
        (work,), y = stored(arrays), arrays["y"]
    assert [layer.threshold for layer in work.layers] == kept
    limits = dict(zip(("fc1", "fc2"), kept, strict=True))
    expected = run_delta(net, work.x, limits).values["fc2"]
    np.testing.assert_array_equal(y, expected)
    assert (expected != run(net, work.x)["fc2"]).any()


@pytest.mark.parametrize(("words", "message"), [
    (("--network", "two.hwgen"), "--threshold must come with --delta and --network, whose layers"
                                 " have it"),
    (("--delta",), "--threshold must come with --delta and --network, whose layers have it"),
    (("--network", "two.hwgen", "--delta", "--threshold", 1, "--threshold", 1),
     "--threshold must be given once, or for each of 2 layers, ['fc1', 'fc2'], not 3 times"),
    (("--network", "two.hwgen", "--delta", "--threshold", -1),
     "layer 'fc2': shift and threshold must be at least 0, not 0 and -1"),
    (("--network", "two.hwgen", "--delta", "--threshold", 16),
     "layer 'fc2': threshold must be at most 15, by which activations can move, not 16")])
def test_wrong_thresholds_are_refused(hwgen, tmp_path, rng, words, message):
    two_layers(tmp_path, rng)
    done = hwgen("engine", "eie", "--pe", 3, "--threshold", 1, *words)
    assert (done.code, done.err) == (1, f"error: {message}\n")
    assert not (tmp_path / "rtl_out").exists()
