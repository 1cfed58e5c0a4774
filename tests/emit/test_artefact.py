# amaranth: UnusedElaboratable=no
"""The artefact folder: what is in it, how it replaces another, what it refuses."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import NETWORKS, inputs
from cases.targets import ECP5

from hwgen import golden
from hwgen.emit import bench_folder, read_manifest, verilog, write_artefact, write_vectors
from hwgen.emit.readme import readme
from hwgen.ir import load
from hwgen.numeric import SpecError
from hwgen.plan import plan
from hwgen.toolchain import ToolError

pytestmark = pytest.mark.synth

FILES = [
    "README.txt", "bench/bench_found.py", "bench/bench_model.py", "bench/bench_watch.py",
    "bench/compiled_bench.cpp", "bench/compiled_bench.py", "bench/object_cache.py", "bench/run.py",
    "bench/stream_bench.py", "case-fixed.v", "design.json", "network.hwgen", "vectors.npz",
]


def design(name="fixed"):
    return plan(NETWORKS[name](), ECP5)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    network = NETWORKS["fixed"]()
    return write_artefact(design(), tmp_path_factory.mktemp("out") / "deep" / "net",
                          x=inputs(network, 20))


def test_folder_holds_everything_and_nothing_else(written):
    manifest = read_manifest(written)
    assert sorted(manifest["sha256"]) == FILES
    there = sorted(p.relative_to(written).as_posix() for p in written.rglob("*") if p.is_file())
    assert there == sorted([*FILES, "manifest.json"])
    assert [path.name for path in written.parent.iterdir()] == ["net"]


def test_manifest_describes_ports_and_stages(written):
    manifest, plain = read_manifest(written), design()
    assert (manifest["name"], manifest["top"]) == ("case-fixed", "case_fixed")
    assert manifest["input"] == {
        "port": "s_axis", "lanes": plain.in_lanes, "elements": 6, "element_bytes": 1, "bits": 8,
        "bipolar": False, "signed": True, "min": -128, "max": 127}
    assert manifest["output"]["fields"] == [
        {"name": "scores", "node": "fc3", "count": 4},
        {"name": "class", "node": "argmax", "count": 1}]
    assert manifest["digest"] == plain.network.digest == load(written / "network.hwgen").digest
    assert manifest["interval_cycles"] == plain.interval_cycles
    assert manifest["latency_cycles"] == plain.latency_cycles
    assert manifest["weight_bits"] == plain.weight_bits
    assert set(manifest["tools"]) == {"hwgen", "amaranth", "numpy", "python", "yosys"}
    assert json.loads((written / "design.json").read_text()) == plain.to_dict()


def test_vectors_are_the_golden_values(written):
    network = NETWORKS["fixed"]()
    with np.load(written / "vectors.npz") as arrays:
        values = golden.run(network, arrays["x"])
        assert np.array_equal(arrays["x"], inputs(network, 20))
        assert np.array_equal(arrays["scores"], values["fc3"])
        assert np.array_equal(arrays["classes"], values["argmax"][:, 0])
        for node in network.nodes:
            assert np.array_equal(arrays[f"edge_{node.name}"], values[node.name][:16])


@pytest.mark.parametrize(("x", "error", "message"), [
    (np.zeros((0, 6), int), SpecError, "x must be of shape (n, 6) with n at least 1, not (0, 6)"),
    (np.zeros(6, int), SpecError, "x must be of shape (n, 6) with n at least 1, not (6,)"),
    ([[1], [1, 2]], TypeError, "x must be an array, not lists of different lengths"),
])
def test_refuses_inputs_that_are_no_frames(tmp_path, x, error, message):
    with refused(error, message):
        write_vectors(tmp_path / "v.npz", NETWORKS["fixed"](), x, lanes=1)


def test_readme_says_what_is_there(written):
    text = (written / "README.txt").read_text()
    assert len(text.splitlines()) <= 17
    for word in ("case-fixed.v", "s_axis", "m_axis", "python bench/run.py", "6 elements of 8 bits",
                 "4 x scores, then 1 x class", "frame_error"):
        assert word in text


def test_readme_says_when_results_come(written):
    manifest = read_manifest(written, "artefact")
    cycles = f"{manifest['interval_cycles']} cycles, the first after {manifest['latency_cycles']}"
    assert f"A frame every {cycles}.\n" in (written / "README.txt").read_text()
    manifest["stages"][0]["core"] = "sparse-columns"
    assert f"A frame every {cycles}, sooner\n        where activations are 0.\n" in readme(manifest)


def test_same_design_gives_the_same_bytes_anywhere(written, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from cases.networks import NETWORKS, inputs\n"
        "from cases.targets import ECP5\n"
        "from hwgen.emit import write_artefact\nfrom hwgen.plan import plan\n"
        "network = NETWORKS['fixed']()\n"
        "write_artefact(plan(network, ECP5), sys.argv[2], x=inputs(network, 20))\n")
    tests = os.fspath(bench_folder().parent / "tests")
    subprocess.run([sys.executable, "-c", code, tests, tmp_path / "again"], check=True,
                   env=os.environ | {"PYTHONHASHSEED": "12345"})
    assert read_manifest(tmp_path / "again")["sha256"] == read_manifest(written)["sha256"]
    assert not re.search(r"/(tmp|home|root|work|site-packages)\b",
                         (written / "case-fixed.v").read_text())


def test_artefact_is_replaced_and_nothing_stale_is_left(tmp_path):
    folder = write_artefact(design("fixed"), tmp_path / "net")
    (folder / "synth").mkdir()
    (folder / "synth" / "report.json").write_text("{}")
    steps = []
    assert write_artefact(design("binary"), folder, progress=steps.append) == folder
    assert read_manifest(folder)["name"] == "case-binary"
    assert not (folder / "synth").exists()
    assert not (folder / "case-fixed.v").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["net"]
    assert steps[:2] == ["golden model: vectors", "Amaranth to Verilog"]


def test_empty_folder_is_filled(tmp_path):
    (tmp_path / "net").mkdir()
    assert read_manifest(write_artefact(design(), tmp_path / "net"))["name"] == "case-fixed"


def test_folder_of_something_else_is_refused_and_kept(tmp_path):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt", "g.txt"):
        (tmp_path / name).write_text(name)
    with pytest.raises(SpecError) as caught:
        write_artefact(design(), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: output folder must be empty or an artefact (with manifest.json), but it"
        " holds a.txt, b.txt, c.txt, d.txt, e.txt and 2 more; choose another or move them away")
    assert len(list(tmp_path.iterdir())) == 7


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "net").write_text("mine")
    with pytest.raises(SpecError) as caught:
        write_artefact(design(), tmp_path / "net")
    assert str(caught.value) == f"{tmp_path / 'net'}: output must be a folder, not a file"
    assert (tmp_path / "net").read_text() == "mine"


def test_what_is_no_design_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"^design must be a Design, not 'fixed'$"):
        write_artefact("fixed", tmp_path / "net")


@pytest.mark.parametrize("error", [KeyboardInterrupt, ToolError("yosys must work")])
def test_old_artefact_stays_whole_when_writing_is_cut_off(tmp_path, monkeypatch, error):
    folder = write_artefact(design("fixed"), tmp_path / "net")
    before = read_manifest(folder)

    def fail(*args, **options):
        raise error

    monkeypatch.setattr(verilog, "run", fail)
    with pytest.raises(type(error) if isinstance(error, ToolError) else error):
        write_artefact(design("binary"), folder)
    assert read_manifest(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_old_artefact_stays_when_the_new_one_cannot_be_put_there(tmp_path, monkeypatch):
    folder = write_artefact(design("fixed"), tmp_path / "net")
    before = read_manifest(folder)
    rename = type(folder).rename

    def refuse_new(path, target):
        if ".new-" in path.name:
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(type(folder), "rename", refuse_new)
    with pytest.raises(OSError, match="no"):
        write_artefact(design("binary"), folder)
    assert read_manifest(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_inputs_that_do_not_fit_leave_nothing_behind(tmp_path):
    with pytest.raises(SpecError):
        write_artefact(design(), tmp_path / "net", x=np.full((2, 6), 128))
    assert list(tmp_path.iterdir()) == []


def test_folder_may_be_read_by_others(written):
    umask = os.umask(0)
    os.umask(umask)
    assert written.stat().st_mode & 0o777 == 0o777 & ~umask
