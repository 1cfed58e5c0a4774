"""The table of trained networks, from the files of the repository."""

import shutil
from pathlib import Path

import pytest
from cases.errors import refused

from hwgen.bench import networks
from hwgen.ir import load
from hwgen.numeric import SpecError

FOLDER = Path(__file__).resolve().parents[2] / "networks"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A folder with one of the networks, as the working directory."""
    (tmp_path / "networks").mkdir()
    shutil.copy(FOLDER / "mnist-tfc-w1a1.hwgen", tmp_path / "networks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_rows_and_document(copied):
    rows = {row.metric: row for row in networks.run(lambda *_: None)}
    network = load(FOLDER / "mnist-tfc-w1a1.hwgen")
    assert rows["accuracy noted, 10000 test images, golden"].value == network.meta["accuracy"]
    assert rows["weights"].value == round((784 * 64 + 2 * 64 * 64 + 64 * 10) / 1000, 1)
    assert rows["file"].met
    text = (copied / "docs/networks.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("| `mnist-tfc-w1a1` |"))
    assert f"| {network.meta['accuracy']:.2f} % | 59.0 | 192 |" in line
    assert line.endswith(f"| 200 | 0 | 3 | `{network.digest[:12]}` |")
    heads, rule = text.splitlines()[-3:-1]
    assert heads.count("|") == rule.count("|") == line.count("|")


def test_the_document_of_the_repository_is_the_one_that_is_made():
    paths = sorted(FOLDER.glob("*.hwgen"))
    entries = [networks.describe(load(path), path.stat().st_size) for path in paths]
    assert (FOLDER.parent / networks.DOCUMENT).read_text() == networks.document(entries)


def test_another_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refused(SpecError, "'networks' must hold network files, and there are none: run this in"
                            " the folder of the repository"):
        networks.run(lambda *_: None)
