"""The frame: registry, file and table."""

import io
import json
import re
import subprocess
from inspect import signature

import pytest
from cases.errors import refused
from rich.console import Console

from hwgen import bench
from hwgen.bench import Row
from hwgen.bench.frame.bench import commit
from hwgen.numeric.errors import SpecError

ROWS = [
    Row(work="a", metric="cells", value=45001, must="<= 45000", stretch="<= 30000", device="d",
        published="p 9"),
    Row(work="a", metric="time", value=12.3456789, unit="s", must="<= 600", stretch="<= 240"),
    Row(work="b", metric="fmax", value=61.25, unit="MHz"),
]


def test_demo_is_found():
    assert "demo" in bench.names()
    assert bench.load("demo").NAME == "demo"


@pytest.mark.parametrize("name", bench.names())
def test_every_benchmark_says_what_it_is(name):
    module = bench.load(name)
    assert module.DESCRIPTION
    assert callable(module.run)


@pytest.mark.parametrize("name", [each for each in bench.names()
                                  if hasattr(bench.load(each), "PARTS")])
def test_every_part_is_asked_with_the_bench(name):
    for part in bench.load(name).PARTS.values():
        for what in ("inputs", "lacking", "measure"):
            if hasattr(part, what):
                assert list(signature(getattr(part, what)).parameters) == ["bench"]


def test_unknown_benchmark_is_refused():
    known = ", ".join(bench.names())
    with refused(SpecError, f"benchmark must be one of {known}, not 'demos'; did you mean"
                            f" 'demo'?"):
        bench.load("demos")


def test_file_is_a_list_of_rows(tmp_path):
    path = bench.write_rows(ROWS, tmp_path / "new" / "bench", "name")
    assert path == tmp_path / "new" / "bench" / "name.json"
    assert json.loads(path.read_text()) == [row.to_dict() for row in ROWS]
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = bench.write_rows(ROWS, tmp_path, "name")
    before = path.read_text()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        bench.write_rows(ROWS[:1], tmp_path, "name")
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_table_has_each_row_with_its_verdict():
    console = Console(width=140, file=io.StringIO())
    console.print(bench.table(ROWS, title="title"))
    lines = [re.split(r"\s*│\s*", line)[1:-1] for line in console.file.getvalue().splitlines()
             if "│" in line]
    assert lines == [
        ["a", "cells", "45,001", "", "<= 45000", "<= 30000", "no", "p 9", "d"],
        ["", "time", "12.346", "s", "<= 600", "<= 240", "yes, stretch", "", ""],
        ["b", "fmax", "61.25", "MHz", "", "", "", "", ""],
    ]


def test_commit_of_the_code(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path,
                       check=True, capture_output=True)

    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert commit(package) == ""
    git("init")
    assert commit(package) == ""
    git("add", ".")
    git("commit", "-m", "first")
    first = commit(package)
    assert re.fullmatch("commit [0-9a-f]{7,}", first)
    (tmp_path / "beside.txt").write_text("no code")
    assert commit(package) == first
    (package / "__init__.py").write_text("1")
    assert commit(package) == f"{first} with changes"
