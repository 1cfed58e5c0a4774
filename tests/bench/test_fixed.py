"""The benchmark of fixed-point cores: its parts, its works."""

from types import SimpleNamespace

import pytest
from cases.errors import refused

from hwgen import bench
from hwgen.bench import Row, fixed
from hwgen.bench.fixed_parts import PARTS
from hwgen.bench.fixed_parts.packing import CASES
from hwgen.bench.fixed_parts.works import matrix_stage
from hwgen.numeric import SpecError


def test_benchmark_is_found():
    assert bench.load("fixed") is fixed


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_what_the_frame_asks_for(name):
    assert PARTS[name].KEY
    assert callable(PARTS[name].measure)


def test_all_parts_are_written_as_a_document(tmp_path, monkeypatch):
    (tmp_path / "part.py").write_text("")
    part = SimpleNamespace(
        __file__=str(tmp_path / "part.py"), KEY=(1,), lacking=lambda _bench: None,
        measure=lambda _bench: [Row(work="one", metric="m", value=1, tools="x 1", seed=7)])
    monkeypatch.setattr(fixed, "PARTS", {"one": part})
    monkeypatch.setattr(fixed, "FOLDER", tmp_path / "out")
    monkeypatch.setattr(fixed, "DOCUMENT", tmp_path / "docs" / "fixed.md")
    assert [row.value for row in fixed.run(lambda *_: None)] == [1]
    text = fixed.DOCUMENT.read_text()
    assert text.startswith("# Fixed-point cores, measured\n\nWritten by `hwgen bench fixed`;")
    assert "\n| one | m | 1 |  |  |  |  |  |\n\nSeed 7; " in text
    assert text.endswith(". Tools: x 1.\n")


def test_unknown_part_is_refused():
    message = f"part of benchmark 'fixed' must be one of {', '.join(PARTS)}, not 'w1'"
    with refused(SpecError, message):
        fixed.run(lambda *_: None, parts=["w1"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cases_of_packing_are_as_the_stage_states(case):
    _, packing, bits, size, must = case
    stage = matrix_stage(size, seed=0, clk_hz=100_000_000, weight_bits=bits[0], x_bits=bits[1],
                         packing=packing)
    assert stage.macs_per_block == (1 if must == ">= 1" else 2)
    assert stage.interval_cycles == size[0] * size[1] // (size[2] * size[3])
