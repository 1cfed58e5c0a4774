# amaranth: UnusedElaboratable=no
"""What `read_manifest` says about folders that are no sound artefact."""

import json

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen.emit import MANIFEST_VERSION, read_manifest, write_artefact
from hwgen.emit.manifest import describe_element
from hwgen.ir import Dense, Edge, Input, MatVec, Network
from hwgen.numeric import Bipolar, Codebook, Fixed, SpecError
from hwgen.plan import plan

GOOD = {
    "format": "hwgen-artefact", "version": 1, "name": "net", "top": "net", "verilog": ["net.v"],
    "network": "network.hwgen", "digest": "", "clock": "clk", "reset": "rst", "clk_hz": 1,
    "input": {}, "output": {}, "probes": [], "interval_cycles": 1, "latency_cycles": 1,
    "sha256": {"net.v": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.v").write_text("")
    (tmp_path / "manifest.json").write_text(json.dumps(GOOD))
    return tmp_path


def change(folder, **entries):
    (folder / "manifest.json").write_text(json.dumps(GOOD | entries))


def message(folder):
    with pytest.raises(SpecError) as caught:
        read_manifest(folder)
    return str(caught.value)


def test_sound_manifest_is_read(folder):
    assert read_manifest(folder) == GOOD
    assert GOOD["version"] == MANIFEST_VERSION


def test_folder_without_manifest(folder):
    (folder / "manifest.json").unlink()
    assert message(folder) == f"{folder}: must be an artefact folder (with manifest.json)"


def test_manifest_cut_short(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[:40])
    assert message(folder).startswith(f"{folder / 'manifest.json'}: damaged: no JSON (")


def test_manifest_of_an_engine(folder):
    change(folder, format="hwgen-engine")
    assert message(folder) == (
        f"{folder / 'manifest.json'}: must be of a network's artefact, not of an engine, of which"
        f" there is no report, synthesis or run on a board: hwgen simulate {folder} runs it")


def test_manifest_of_another_kind(folder):
    expected = f"{folder / 'manifest.json'}: must be the manifest of a hwgen artefact, not of" \
        " another kind"
    change(folder, format="recipe")
    assert message(folder) == expected
    (folder / "manifest.json").write_text("[]")
    assert message(folder) == expected


@pytest.mark.parametrize("version", [2, "1", None])
def test_manifest_of_another_version(folder, version):
    change(folder, version=version)
    assert message(folder) == (
        f"{folder / 'manifest.json'}: version must be at most 1, not {version!r}: written by a"
        " newer hwgen, upgrade to read")


def test_manifest_that_lacks_entries(folder):
    broken = {key: value for key, value in GOOD.items() if key not in ("top", "clock")}
    (folder / "manifest.json").write_text(json.dumps(broken))
    assert message(folder) == f"{folder / 'manifest.json'}: damaged: clock, top must be there"


def test_file_that_is_missing(folder):
    (folder / "net.v").unlink()
    assert message(folder) == (
        f"{folder}: file 'net.v' of the manifest must be there, and is not; generate the artefact"
        " again")


def test_file_that_was_changed(folder):
    (folder / "net.v").write_text("module net; endmodule\n")
    assert message(folder) == (
        f"{folder}: file 'net.v' must be as the manifest says (sha256), and was changed; generate"
        " the artefact again")


def test_files_beside_the_manifest_are_ignored(folder):
    (folder / "sim").mkdir()
    (folder / "sim" / "results.json").write_text("{}")
    assert read_manifest(folder) == GOOD


def network(fmt):
    weights = Dense(np.array([[1, -1], [1, 1]]), Bipolar() if fmt == Bipolar() else Fixed(4))
    return Network("small", [Input("x", (), (2,), fmt), MatVec("fc1", ("x",), weights)], ("fc1",))


@pytest.mark.synth
def test_network_without_class_and_with_signs_as_input(tmp_path):
    manifest = read_manifest(write_artefact(plan(network(Bipolar()), ECP5), tmp_path / "net"))
    assert manifest["output"]["fields"] == [{"name": "scores", "node": "fc1", "count": 2}]
    assert (manifest["input"]["bipolar"], manifest["input"]["signed"]) == (True, False)
    with np.load(tmp_path / "net" / "vectors.npz") as arrays:
        assert "classes" not in arrays.files
        assert set(arrays["x"].reshape(-1).tolist()) == {-1, 1}


def test_input_that_has_no_form_on_the_bus_is_refused():
    edge = Edge((2,), Codebook((-3, 0, 7)), -3, 7)
    with pytest.raises(SpecError) as caught:
        describe_element(edge, "network 'small': input")
    assert str(caught.value) == ("network 'small': input must be fixed point, bipolar or ternary,"
                                 " not codebook of 3 values (-3..7)")
