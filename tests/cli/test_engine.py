# amaranth: UnusedElaboratable=no
"""``hwgen engine``, and ``hwgen simulate`` of its folder."""

import re
import typing

import pytest

from hwgen.cli import engine
from hwgen.emit import read_manifest

SMALL = ("engine", "systolic", "--rows", 2, "--columns", 3)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("words", "message"), [
    (("--depth", 0), "engine 'systolic': depth must be in 1..65536, not 0"),
    (("--product", "3x4"), "--product must be MxKxN, such as 256x784x64, not '3x4'"),
    (("--tiles", 2, "--product", "3x5x4"),
     "engine 'systolic': k must be at most 4 (2 rows times 2 tiles), not 5")])
def test_wrong_numbers_are_refused_and_nothing_is_written(hwgen, tmp_path, words, message):
    done = hwgen(*SMALL, *words)
    assert (done.code, done.out, done.err) == (1, "", f"error: {message}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "other", "words"), [
    *(("eie", "systolic", words) for words in (
        ("--rows", 2), ("--columns", 2), ("--depth", 256), ("--tiles", 2), ("--product", "2x2x2"),
        ("--multipliers", "luts"))),
    *(("systolic", "eie", words) for words in (
        ("--pe", 16), ("--lanes", 2), ("--set", "rows=2"), ("--network", "n.hwgen"),
        ("--balance",), ("--huffman",), ("--delta",), ("--threshold", 2)))])
def test_options_of_the_other_engine_are_refused(hwgen, tmp_path, kind, other, words):
    done = hwgen("engine", kind, *words)
    assert (done.code, done.err) == (1, f"error: {words[0]} must be left out for {kind}: it is an"
                                        f" option of {other}\n")
    assert not list(tmp_path.iterdir())


def test_help_of_simulate_names_what_writes_folders(hwgen):
    words = hwgen("simulate", "--help").words
    assert all(f"'hwgen {verb}'" in words for verb in ("generate", "core", "engine", "spmv"))


def test_every_option_of_one_engine_says_so():
    helps = {name: hint.__metadata__[0].help for name, hint in typing.get_type_hints(
        engine.command, include_extras=True).items() if hasattr(hint, "__metadata__")}
    own = {name for options in engine.OPTIONS.values() for name in options}
    assert own == {name for name, text in helps.items() if re.match("systolic:|eie.*:", text)}


@pytest.mark.cosim
def test_engine_is_written_and_simulated(hwgen, tmp_path):
    done = hwgen(*SMALL, "--x-bits", 5, "--x-unsigned", "--w-bits", 3, "--depth", 8, "--tiles", 4,
                 "--product", "20x7x4", "--multipliers", "luts", "--json")
    folder = tmp_path / "rtl_out" / "systolic-2x3"
    assert done.json["artefact"] == "rtl_out/systolic-2x3"
    assert done.json["product"]["cycles"] == 4 + 1 + (3 * 8 + 8) * 4 + (3 * 4 + 4) * 2 + 12 - 1
    assert (done.json["macs"], done.json["estimate"]["dsp"]) == (6, 0)
    manifest = read_manifest(folder, "engine")
    assert manifest["engine"]["x"] == {"kind": "fixed", "bits": 5, "frac": 0, "signed": False}
    found = hwgen("simulate", folder, "--json").json
    assert found["cycles"] > 0
    text = hwgen("simulate", folder, "--stalls", "both", "--seed", 4)
    assert text.code == 0
    assert f"{found['compared']:,} results of {found['jobs']} jobs compared, 0 mism" in text.words
    done = hwgen("simulate", folder, "--bench", "compiled")
    assert done.err == ("error: --bench must be left out for an engine, whose bench sends what"
                        " its folder holds\n")


@pytest.mark.synth
def test_table_tells_the_sizes(hwgen):
    done = hwgen(*SMALL, "--product", "20x512x3", "-o", "mine")
    assert "products a cycle 6" in done.words
    assert "for sums of up to 512 products" in done.words
    assert "cycles in 1 job(s), 99.7% of all products that there could be" in done.words
    assert "Written to mine. Next: hwgen simulate mine" in done.words
