# amaranth: UnusedElaboratable=no
"""``hwgen engine eie``, and ``hwgen simulate`` of its folder."""

import numpy as np
import pytest

from hwgen.emit import read_manifest
from hwgen.ir import Dense, Input, MatVec, Network, Requantise
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


def test_a_systolic_array_needs_its_sizes(hwgen):
    done = hwgen("engine", "systolic", "--rows", 2)
    assert done.err == "error: --columns must be given for a systolic array\n"


@pytest.mark.synth
def test_table_tells_the_sizes(hwgen):
    done = hwgen(*SMALL, "-o", "mine")
    assert "EIE engine, 2 elements" in done.words
    assert "60 in each element, of 4 + 4 bits; 8 columns wait in front of it" in done.words
    assert "Written to mine. Next: hwgen simulate mine" in done.words


@pytest.mark.synth
def test_engine_is_fitted_to_a_network(hwgen, tmp_path, rng):
    u4 = Fixed(4, signed=False)
    w = [rng.integers(-2, 3, shape) for shape in ((9, 6), (3, 9))]
    net = Network("two", (
        Input("x", (), (6,), u4), MatVec("fc1", ("x",), Dense(w[0], Fixed(3))),
        Requantise("rq1", ("fc1",), np.array([1]), 2, "half_up", u4),
        MatVec("fc2", ("rq1",), Dense(w[1], Fixed(3)))), ("fc2",))
    net.save(tmp_path / "two.hwgen")
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
