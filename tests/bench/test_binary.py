"""The frame of the binarised cores' benchmark: parts chosen, kept, left out."""

from types import SimpleNamespace

import pytest
from cases.errors import refused

from hwgen import bench
from hwgen.bench import Row, binary
from hwgen.bench.binary_parts import PARTS
from hwgen.bench.binary_parts.interval import CASES, Layer
from hwgen.bench.binary_parts.works import binary_mlp, folded
from hwgen.bench.frame.devices import ecp5_target
from hwgen.cli.bench import command
from hwgen.numeric import SpecError


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Two parts that measure nothing; ``ran`` says which did."""
    ran = []
    (tmp_path / "part.py").write_text("")

    def part(name, lacking=None):
        def measure(_bench):
            ran.append(name)
            yield Row(work=name, metric="m", value=len(ran), must="<= 1", published="p",
                      tools="y 2, x 1")

        return SimpleNamespace(__file__=str(tmp_path / "part.py"), KEY=(1,), measure=measure,
                               lacking=lambda _bench: lacking)

    both = {"one": part("one"), "two": part("two", "a thing")}
    monkeypatch.setattr(binary, "PARTS", both)
    monkeypatch.setattr(binary, "FOLDER", tmp_path / "out")
    monkeypatch.setattr(binary, "DOCUMENT", tmp_path / "docs" / "binary.md")
    return SimpleNamespace(ran=ran, both=both)


def run(**options):
    told = []
    rows = binary.run(lambda *what: told.append(what), **options)
    return rows, told


def test_part_that_is_done_is_not_done_again(parts):
    first, _ = run(parts=["one"])
    again, told = run(parts=["one"])
    assert first == again == [Row(work="one", metric="m", value=1, must="<= 1", published="p",
                                 tools="y 2, x 1")]
    assert parts.ran == ["one"]
    assert told[-1] == ("bench binary: one", 1.0, "there already")


def test_part_is_done_again_when_what_decides_it_changes(parts):
    run(parts=["one"])
    parts.both["one"].KEY = (2,)
    rows, _ = run(parts=["one"])
    assert (rows[0].value, parts.ran) == (2, ["one", "one"])
    parts.both["one"].inputs = lambda _bench: {"file": "digest"}
    assert run(parts=["one"])[0][0].value == 3


def test_part_that_lacks_something_is_left_out_and_said(parts):
    rows, told = run()
    assert [row.work for row in rows] == ["one"]
    assert told[-1] == ("bench binary: two", 1.0, "left out: it must have a thing")
    assert not binary.DOCUMENT.exists()
    run(data="idx")
    assert ("| p |  |\n\nNot measured in this run: `two`; it must have a thing.\n\nNo seed; "
            in binary.DOCUMENT.read_text())


def test_rows_of_all_parts_are_written_as_a_document(parts):
    parts.both["two"].lacking = lambda _bench: None
    _, told = run(data="idx")
    assert told[-1] == ("bench binary", 1.0, f"2 rows; table in {binary.DOCUMENT}")
    text = binary.DOCUMENT.read_text()
    assert text.startswith("# Binarised cores, measured\n\nWritten by `hwgen bench binary")
    assert ("\n| one | m | 1 | <= 1 |  | yes | p |  |"
            "\n| two | m | 2 | <= 1 |  | no | p |  |\n") in text
    assert text.endswith(". Tools: x 1, y 2.\n")


def test_part_that_lacks_something_is_refused_where_it_is_asked_for(parts):
    with refused(SpecError, "part 'two' must have a thing"):
        run(parts=["two"])


def test_unknown_part_is_refused():
    message = f"part of benchmark 'binary' must be one of {', '.join(PARTS)}, not 'tfc'"
    with refused(SpecError, message):
        run(parts=["interval", "tfc"])


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_what_the_frame_asks_for(name):
    part = PARTS[name]
    assert part.KEY
    assert callable(part.measure)
    assert part.lacking(SimpleNamespace(data=None)) is None or isinstance(
        part.lacking(SimpleNamespace(data=None)), str)


def test_benchmark_is_found():
    assert bench.load("binary") is binary


def test_formula_of_the_interval_is_that_of_the_issue():
    assert Layer(16, 64, 4, 8, pairs=4, side=1).interval == 4 * 4 * 8
    assert Layer(16, 64, 4, 8, pairs=4, side=4).interval == 4 * 8
    assert len(CASES) > 10


def test_design_has_the_foldings_that_are_asked_for():
    network = binary_mlp((32, 16, 8), seed=1, name="net")
    design = folded(network, ecp5_target(50_000_000), [(4, 8), (2, 16)], clk_hz=50_000_000)
    assert [(s.pe, s.simd) for s in design.stages] == [(4, 8), (2, 16)]
    assert design.interval_cycles == 16


def test_benchmark_without_parts_takes_none():
    message = "benchmark 'demo' has no parts: --part and --data must not be given"
    with refused(SpecError, message):
        command(name="demo", part=["one"], data=None)
