# amaranth: UnusedElaboratable=no
"""``hwgen spmv``, and ``hwgen simulate`` of its folder."""

import json

import numpy as np
import pytest

from hwgen.emit import read_manifest
from hwgen.host.spmv import SpmvHost

SMALL = ("spmv", "--lanes", 2, "--columns", 8, "--slots", 4, "--x-lanes", 2)
REAL = "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n1 1 1.5\n2 1 -0.3\n3 3 2\n"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("words", "message"), [
    (("--slots", 0), "engine 'spmv': slots must be in 1..65536, not 0"),
    (("--x-format", "s8.fit"), "--x-format must have a number of fractional bits, not 'fit'"),
    (("--x-format", "s8", "--x-max", 200), "--x-max must be in 1..128, not 200"),
    (("none.mtx",), "none.mtx: must be a text file that can be read: [Errno 2] No such file or"
                    " directory: 'none.mtx'")])
def test_wrong_words_are_refused_and_nothing_is_written(hwgen, tmp_path, words, message):
    done = hwgen(*SMALL, *words)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: {message}\n"
    assert not list(tmp_path.iterdir())


def test_real_values_need_a_format(hwgen, tmp_path):
    (tmp_path / "a.mtx").write_text(REAL)
    done = hwgen(*SMALL, "a.mtx")
    assert "2 of 4 are none" not in done.err
    assert "with --w-format s16.13, the finest that holds them" in done.err
    (tmp_path / "a.mtx").write_text(REAL.replace("1.5", "3.9").replace("-0.3", "3.9"))
    done = hwgen(*SMALL, "a.mtx", "--w-format", "u8.6", "--x-format", "u8", "--terms", 1)
    assert "the sum of row 0 must fit fixed u16.0 (0..65535) for every x in 0..255" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.mtx"]


@pytest.mark.cosim
def test_engine_is_written_and_simulated_with_the_matrix(hwgen, tmp_path):
    (tmp_path / "a.mtx").write_text(REAL)
    done = hwgen(*SMALL, "a.mtx", "--w-format", "s8.5", "--x-format", "s8.2", "--x-max", 100,
                 "--packed", "mine", "--json")
    row, = done.json["matrices"]
    assert done.json["bench"] == "matrices"
    assert (row["name"], row["shape"], row["nonzeros"]) == ("a", [3, 3], 4)
    assert (row["w_frac"], row["y_frac"], row["became_zero"]) == (5, 7, 0)
    assert row["largest_rounding"] == pytest.approx(0.0125)
    assert row["cycles"] == 2 + 2 + 2 + 17
    folder = tmp_path / "rtl_out" / "spmv-2"
    engine = read_manifest(folder, "engine")["engine"]
    packed = SpmvHost.from_manifest(engine).load(tmp_path / "mine" / "a.npz")
    assert (packed.frac, packed.x_range) == (5, (-100, 100))
    with np.load(folder / "vectors.npz") as arrays:
        dense = np.array([[48, -10, 0], [-10, 0, 0], [0, 0, 64]])
        np.testing.assert_array_equal(arrays["y0"], dense @ arrays["x0_0"])
    found = hwgen("simulate", folder, "--json").json
    assert (found["cycles"], found["jobs"], found["compared"]) == (row["cycles"], 1, 4)
    text = hwgen("simulate", folder, "--stalls", "both", "--seed", 4)
    assert "4 results of 1 jobs compared, 0 mism" in text.words
    broken = json.loads((folder / "manifest.json").read_text())
    assert broken["weights"] == {"port": "s_axis_matrix", "beat_bytes": 4}


@pytest.mark.synth
def test_table_tells_the_sizes(hwgen, tmp_path):
    (tmp_path / "a.mtx").write_text(REAL.replace("1.5", "2").replace("-0.3", "-3"))
    done = hwgen(*SMALL, "a.mtx", "-o", "mine")
    assert "up to 8 columns, 4 rows in each lane" in done.words
    assert "Written to mine. Next: hwgen simulate mine" in done.words
    assert "a 3 x 3 4 2^0 0 0 1 23" in done.words
    assert "The bench multiplies these matrices by random vectors. Written" in done.words


@pytest.mark.synth
def test_what_the_bench_multiplies_is_told_where_matrices_are_empty(hwgen, tmp_path):
    (tmp_path / "a.mtx").write_text(REAL.replace("1.5", "2").replace("-0.3", "-3"))
    (tmp_path / "none.mtx").write_text("%%MatrixMarket matrix coordinate integer general\n5 5 0\n")
    done = hwgen(*SMALL, "none.mtx")
    assert ("The bench multiplies a sample of random matrices, as no matrix has an entry, and there"
            " is nothing to send for them. Written") in done.words
    done = hwgen(*SMALL, "none.mtx", "a.mtx")
    assert ("The bench multiplies these matrices by random vectors, but not none, without entries."
            " Written") in done.words
