"""Each command on its own: what it asks of the layers below, its JSON, its exit code.

What trains, simulates, or places and routes is stood in for here; test_core.py runs the real path.
"""

import json
import sys
from types import SimpleNamespace

import pytest
from report.demo_document import demo_document

from hwgen import bench
from hwgen.bench import Row
from hwgen.report import markdown
from hwgen.toolchain import ToolStatus


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_boards(hwgen):
    found = {board["name"]: board for board in hwgen("boards", "--json").json}
    assert found["ulx3s-85f"]["family"] == "ecp5"
    assert found["icebreaker"]["luts"] == 5280
    done = hwgen("boards")
    assert (done.code, done.err) == (0, "")
    for name in found:
        assert name in done.words


@pytest.fixture
def tools(monkeypatch):
    """Have ``hwgen doctor`` find just these."""
    def have(*statuses):
        monkeypatch.setattr("hwgen.toolchain.inspect", lambda: list(statuses))
    return have


THERE = ToolStatus(name="yosys", kind="tool", purpose="synthesis", found=True, version="0.69")
OPTIONAL = ToolStatus(name="iverilog", kind="tool", purpose="a second simulator", found=False,
                      required=False, advice="apt install iverilog")
ABSENT = ToolStatus(name="g++", kind="system", purpose="compiles", found=False,
                    advice="install g++ with the package manager of the system")


def test_doctor_with_all_that_is_needed(hwgen, tools):
    tools(THERE, OPTIONAL)
    done = hwgen("doctor")
    assert done.code == 0
    assert "✓ yosys 0.69" in done.words
    assert "– iverilog not found a second simulator apt install iverilog" in done.words
    assert "All that hwgen needs is here. Next: hwgen demo" in done.words


def test_doctor_with_something_missing(hwgen, tools):
    tools(THERE, ABSENT)
    done = hwgen("doctor")
    assert done.code == 1
    assert "✗ g++ not found compiles install g++ with the package manager" in done.words
    assert "Missing: g++" in done.words


def test_doctor_as_json(hwgen, tools):
    tools(THERE, ABSENT)
    done = hwgen("doctor", "--json")
    assert (done.code, done.err) == (1, "")
    assert (done.json["ok"], done.json["missing"]) == (False, ["g++"])
    assert done.json["tools"][1] == {
        "name": "g++", "kind": "system", "purpose": "compiles", "found": False, "required": True,
        "version": "", "path": "", "warm": None,
        "advice": "install g++ with the package manager of the system"}


@pytest.fixture
def demo(monkeypatch):
    """A stand-in for the flow's demo; ``.calls`` are its arguments."""
    calls = []

    def run_demo(out, *, progress, **options):
        calls.append((str(out), options))
        progress("train", 0.5, "half")
        out.mkdir(parents=True)
        return fake.document

    jobs = [SimpleNamespace(network=row["network"], board=row["board"])
            for row in demo_document()["rows"]]
    fake = SimpleNamespace(run_demo=run_demo, calls=calls, document=demo_document(), DEMO=jobs)
    monkeypatch.setitem(sys.modules, "hwgen.flow.demo", fake)
    return fake


def test_demo_prints_writes_and_draws(hwgen, demo, tmp_path):
    done = hwgen("demo")
    assert done.code == 0
    assert demo.calls == [("rtl_out/demo", {"only": None, "boards": None, "seed": 1})]
    assert "75,000 scores and classes compared, 0 mismatched" in done.words
    folder = tmp_path / "rtl_out/demo"
    assert json.loads((folder / "demo.json").read_text()) == demo.document
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert done.err == (
        "train: half\n"
        "numbers in rtl_out/demo/demo.json, page in rtl_out/demo/report.html\n")


def test_demo_as_json_in_parts(hwgen, demo):
    done = hwgen("demo", "--only", "digits-binary", "--board", "icebreaker", "--seed", "4",
                 "-o", "here", "--json")
    assert done.code == 0
    assert done.json == demo.document
    assert demo.calls == [
        ("here", {"only": ["digits-binary"], "boards": ["icebreaker"], "seed": 4})]


@pytest.mark.parametrize(("words", "message"), [
    (["--only", "digits"],
     "--only must be one of digits-binary, digits-fixed, digits-sparse, not 'digits'"),
    (["--board", "fomu"], "--board must be one of ulx3s-85f, icebreaker, not 'fomu'"),
])
def test_demo_of_what_it_does_not_have(hwgen, demo, words, message):
    done = hwgen("demo", *words)
    assert (done.code, done.err, demo.calls) == (1, f"error: {message}\n", [])


@pytest.mark.parametrize("row", [0, 1])
def test_demo_with_a_mismatch_on_either_board_fails(hwgen, demo, row):
    demo.document["rows"][row]["scores"]["rtl"]["mismatched"] = 1
    done = hwgen("demo")
    assert done.code == 1
    assert "75,000 scores and classes compared, 1 mismatched" in done.words


def test_report_of_a_demo(hwgen, tmp_path):
    document = demo_document()
    (tmp_path / "demo.json").write_text(json.dumps(document))
    done = hwgen("report", tmp_path)
    assert (done.code, done.err) == (0, f"page written to {tmp_path}/report.html\n")
    assert "digits-sparse" in done.words
    done = hwgen("report", tmp_path, "-o", "other.html", "--json")
    assert done.json == document
    assert (tmp_path / "other.html").read_text() == (tmp_path / "report.html").read_text()


def test_report_as_markdown_is_not_wrapped(hwgen, tmp_path):
    document = demo_document()
    document["rows"][0]["network"] = "[bold]-" + "x" * 200
    (tmp_path / "demo.json").write_text(json.dumps(document))
    done = hwgen("report", tmp_path, "--markdown")
    assert (done.code, done.err) == (0, f"page written to {tmp_path}/report.html\n")
    assert done.out == markdown(document)
    assert done.out.startswith("| network, board | accuracy")


def test_report_is_json_or_markdown(hwgen, tmp_path):
    (tmp_path / "demo.json").write_text(json.dumps(demo_document()))
    done = hwgen("report", tmp_path, "--markdown", "--json")
    assert done.code == 1
    assert done.json["error"]["message"] == "--json and --markdown must not both be given"
    assert not (tmp_path / "report.html").exists()


BENCH_ROWS = [Row(work="w", metric="m", value=3, must="<= 4"), Row(work="w", metric="n", value=5)]


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark called ``made-up``, whose rows a test may change."""
    module = SimpleNamespace(NAME="made-up", DESCRIPTION="nothing real", rows=list(BENCH_ROWS))
    module.run = lambda progress: module.rows
    monkeypatch.setattr(bench, "load", lambda name: module)
    monkeypatch.setattr(bench, "names", lambda: ["made-up"])
    return module


def test_bench_prints_and_writes_rows(hwgen, benchmark, tmp_path):
    done = hwgen("bench", "made-up")
    assert (done.code, done.err) == (0, "rows written to rtl_out/bench/made-up.json\n")
    assert "made-up: nothing real" in done.words
    assert "All 1 bounds are met." in done.words
    rows = json.loads((tmp_path / "rtl_out/bench/made-up.json").read_text())
    assert rows == [row.to_dict() for row in BENCH_ROWS]


def test_bench_as_json(hwgen, benchmark, tmp_path):
    done = hwgen("bench", "made-up", "-o", "there", "--json")
    assert done.json == [row.to_dict() for row in BENCH_ROWS]
    assert json.loads((tmp_path / "there/made-up.json").read_text()) == done.json


def test_bench_that_misses_a_bound_fails(hwgen, benchmark):
    benchmark.rows.append(Row(work="w", metric="o", value=9, must="<= 8"))
    done = hwgen("bench", "made-up")
    assert done.code == 1
    assert "1 of 2 bounds are not met: w, o: 9 must be <= 8" in done.words


def test_bench_prints_markdown(hwgen, benchmark):
    done = hwgen("bench", "made-up", "--markdown")
    assert done.out.startswith("| work | metric | value |")
    done = hwgen("bench", "made-up", "--markdown", "--json")
    assert done.code == 1
    assert done.json["error"]["message"] == "--json and --markdown must not both be given"


@pytest.mark.parametrize("words", [["bench"], ["bench", "list"]])
def test_bench_lists(hwgen, benchmark, words):
    done = hwgen(*words, "--json")
    assert done.json == [{"name": "made-up", "description": "nothing real"}]
    assert "made-up nothing real" in hwgen(*words).words


def test_bench_of_no_such_name(hwgen):
    done = hwgen("bench", "demos")
    known = ", ".join(bench.names())
    assert (done.code, done.err) == (
        1, f"error: benchmark must be one of {known}, not 'demos'; did you mean 'demo'?\n")
