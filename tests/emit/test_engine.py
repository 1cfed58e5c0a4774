# amaranth: UnusedElaboratable=no
"""The folder of an engine: what is in it, what it says, what it refuses."""

import numpy as np
import pytest
from cases.errors import refused
from cases.systolic import host_of, product, spec_of

from hwgen.emit import bench_folder, read_manifest, write_engine
from hwgen.emit.engine import sample_products, spec_from, write_jobs
from hwgen.emit.manifest import kind_of
from hwgen.numeric import Fixed, SpecError

pytestmark = pytest.mark.synth

SPEC = spec_of((3, 2, 8, 5), Fixed(7), Fixed(6, signed=False))

FILES = [
    "README.txt", "bench/bench_found.py", "bench/bench_model.py", "bench/bench_watch.py",
    "bench/compiled_bench.py", "bench/engine_bench.py", "bench/object_cache.py", "bench/run.py",
    "bench/stream_bench.py", "my-array.v", "vectors.npz",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_engine(SPEC, tmp_path_factory.mktemp("out") / "my-array")


def test_folder_holds_everything_and_nothing_else(folder):
    manifest = read_manifest(folder, "engine")
    assert sorted(manifest["sha256"]) == FILES
    there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert there == sorted([*FILES, "manifest.json"])
    for name in FILES[1:9]:
        assert (folder / name).read_bytes() == (bench_folder() / name[6:]).read_bytes()


def test_manifest_says_what_the_host_needs(folder):
    manifest = read_manifest(folder, "engine")
    assert (kind_of(folder), kind_of(folder.parent)) == ("engine", "artefact")
    assert (manifest["top"], manifest["verilog"]) == ("my_array", ["my-array.v"])
    assert spec_from(manifest["engine"]) == SPEC
    assert host_of(SPEC) == type(host_of(SPEC)).from_manifest(manifest["engine"])
    assert manifest["weights"] == {"port": "s_axis_weights", "beat_bytes": 2}
    assert manifest["input"] == {"port": "s_axis", "beat_bytes": 3}
    assert manifest["output"] == {"port": "m_axis", "beat_bytes": 6}


def test_readme_has_the_beats(folder):
    text = (folder / "README.txt").read_text()
    assert "s_axis_weights  2 beat(s): vectors - 1 and tiles - 1" in text
    assert "LAST row first, of 2 elements of 6 bits (unsigned),\n                1 byte(s)" in text
    assert "m_axis          a beat for each vector: 2 sums of 17 bits" in text


def test_vectors_are_products_with_every_edge(tmp_path):
    products = sample_products(SPEC)
    answers = write_jobs(tmp_path / "v.npz", SPEC, products).answers
    with np.load(tmp_path / "v.npz") as arrays:
        for number, (a, b) in enumerate(products):
            np.testing.assert_array_equal(arrays[f"c{number}"], product(a, b))
            np.testing.assert_array_equal(arrays[f"c{number}"], answers[number])
        jobs = [job for a, b in products for job in SPEC.jobs(len(a), *b.shape)]
        assert int(arrays["cycles"]) == SPEC.cycles_of(jobs)
        assert arrays["x_bytes"].tolist() == [3 * job.vectors * job.tiles for job in jobs]
        assert arrays["results_bytes"].tolist() == [6 * job.vectors for job in jobs]
        assert arrays["results"].size == arrays["results_bytes"].sum()


def test_products_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path):
    wide = [(np.zeros((1, 1), int), np.full((1, 1), 64))]
    with refused(SpecError, "b must be in 0..63, which the engine multiplies, not in 64..64"):
        write_engine(SPEC, tmp_path / "array", products=wide)
    assert not list(tmp_path.iterdir())


def test_spec_must_be_one(tmp_path):
    with refused(TypeError, "spec must be that of an engine, not 8"):
        write_engine(8, tmp_path / "array")
