"""The cost model's rows and document: errors of estimates."""

from collections import Counter

import numpy as np
import pytest
from cases.errors import refused

from hwgen import bench
from hwgen.bench import cost
from hwgen.bench.cost_parts.fit import fitted
from hwgen.bench.cost_parts.fixed_sweep import FIXED_CASES, FIXED_DRAWN, FIXED_HELD_OUT
from hwgen.bench.cost_parts.held_out import COUNT, HELD_OUT, drawn
from hwgen.bench.cost_parts.joining import JOINING
from hwgen.bench.cost_parts.measure import TARGETS
from hwgen.bench.cost_parts.others import OTHERS
from hwgen.bench.cost_parts.sweep import CASES, UNITS
from hwgen.bench.cost_parts.table import Entry, document, error_percent, rows_of
from hwgen.bench.cost_parts.texts import BINARY_TEXT, FIXED_TEXT
from hwgen.numeric import SpecError
from hwgen.plan import Cells
from hwgen.plan.stages import fixed_cells


def entry(estimate, measured, family="ecp5", **more):
    return Entry(family=family, case="a case", estimate=Cells(*estimate), measured=Cells(*measured),
                 cycles=64, tool="0.69", **more)


ENTRIES = [entry((110, 100, 2), (100, 100, 2)), entry((80, 104, 0), (100, 100, 0)),
           entry((100, 97, 1), (100, 100, 1), "ice40")]


def test_errors_are_in_percent_of_what_was_counted():
    assert error_percent(ENTRIES[0], "lut") == 10
    assert error_percent(ENTRIES[1], "lut") == -20
    assert error_percent(ENTRIES[1], "bram") is None
    assert error_percent(entry((1, 1, 1), (1, 1, 0)), "bram") == 100


def test_rows_are_median_and_worst_of_all_and_of_each_family():
    rows = {(row.device, row.metric): row for row in rows_of(ENTRIES)}
    assert rows["", "configurations"].value == 3
    assert rows["", "configurations"].failed
    assert rows["all", "LUT error, median"].value == 10
    assert rows["all", "LUT error, worst"].value == 20
    assert rows["all", "FF error, worst"].value == 4
    assert rows["ecp5", "LUT error, median"].value == 15
    assert rows["ecp5", "LUT error, median"].failed
    assert rows["ice40", "LUT error, worst"].value == 0
    assert rows["ecp5", "block RAM error, worst"].value == 0


def test_held_out_cases_have_rows_of_their_own():
    entries = [*ENTRIES, entry((130, 100, 1), (100, 100, 1), "xc7", is_held_out=True)]
    rows = {(row.device, row.metric): row for row in rows_of(entries)}
    assert rows["held out", "LUT error, worst"].value == 30
    assert rows["xc7", "LUT error, worst"].value == rows["all", "LUT error, worst"].value == 30
    assert not any(row.device == "held out" for row in rows_of(ENTRIES))
    assert "| held out: a case | 64 | 130 / 100 (+30 %)" in document(entries, {}, BINARY_TEXT)


def test_held_out_cases_are_drawn_and_fitted_to_nothing():
    assert len(HELD_OUT) == COUNT
    assert drawn(4, COUNT) == HELD_OUT != drawn(2, COUNT)
    assert not set(map(str, HELD_OUT)) & set(map(str, CASES))
    assert len({(case.weights, case.x, case.out, case.levels) for case in HELD_OUT}) > COUNT // 2


def test_document_has_a_line_for_each_configuration():
    text = document(ENTRIES, {"ecp5": {"rom": 1.25}}, BINARY_TEXT)
    assert "| a case | 64 | 110 / 100 (+10 %) | 100 / 100 (+0 %) | 2 / 2 (+0 %) |" in text
    assert "| ecp5 | LUT | 15.0 % | 20.0 % |" in text
    assert "| a case | 64 | 80 / 100 (-20 %) | 104 / 100 (+4 %) | 0 / 0 |" in text
    assert "seed 1; stages alone, not placed;\nyosys 0.69." in text
    assert "Costs that fit these best: rom 1.25." in text
    assert text.count("\n## ") == 2
    assert "multiplier blocks" not in text


def test_multiplier_blocks_have_a_column_where_there_are_some():
    entries = [*ENTRIES, entry((9, 9, 0, 6), (9, 9, 0, 8))]
    text = document(entries, {}, FIXED_TEXT)
    assert "| case | cycles | LUT | FF | block RAM | multiplier blocks |" in text
    assert "| a case | 64 | 9 / 9 (+0 %) | 9 / 9 (+0 %) | 0 / 0 | 6 / 8 (-25 %) |" in text
    rows = {(row.device, row.metric): row.value for row in rows_of(entries)}
    assert rows["ecp5", "multiplier blocks error, worst"] == 25
    assert ("ice40", "multiplier blocks error, worst") not in rows


def test_unknown_part_is_refused():
    with refused(SpecError, "part of benchmark 'cost' must be one of binary, fixed, not 'w1'"):
        cost.run(lambda *_: None, parts=["w1"])


def test_costs_are_found_from_what_they_make():
    costs = {"count3": 3.0, "rom": 1.5, "stage": 40.0}
    rng = np.random.default_rng(0)
    parts = [Counter({part: int(rng.integers(1, 99)) for part in costs}) for _ in range(20)]
    luts = [sum(costs[part] * count[part] for part in costs) for count in parts]
    found = fitted("xc7", parts, luts)
    assert {part: found[part] for part in costs} == pytest.approx(costs, rel=0.1)
    assert min(found.values()) >= 0


def test_costs_are_never_negative():
    rng = np.random.default_rng(0)
    parts = [Counter(rom=int(rng.integers(50, 99)), search=int(rng.integers(1, 99)))
             for _ in range(20)]
    luts = [9 * count["rom"] - 2 * count["search"] for count in parts]
    found = fitted("ice40", parts, luts)
    assert found["search"] == 0
    assert 6 < found["rom"] < 9


def test_costs_of_parts_that_never_come_are_left_alone():
    parts = [Counter(rom=k + 1) for k in range(5)]
    assert list(fitted("xc7", parts, [2 * (k + 1) for k in range(5)])) == ["rom"]
    assert fitted("ecp5", parts, [3 * (k + 1) for k in range(5)], model=fixed_cells)["rom"] > 2.5


def test_cases_are_different():
    every = (*CASES, *UNITS, *OTHERS, *HELD_OUT, *FIXED_CASES, *JOINING,
             *FIXED_DRAWN, *FIXED_HELD_OUT)
    assert len({str(case) for case in every}) == len(every) >= 40
    assert "cost" in bench.names()


@pytest.mark.parametrize("case", [*CASES, *UNITS, *OTHERS, *HELD_OUT, *FIXED_CASES,
                                  *JOINING, *FIXED_DRAWN, *FIXED_HELD_OUT], ids=str)
def test_every_case_is_a_stage_that_can_be_estimated(case):
    for target in TARGETS.values():
        stage = case.stage(target.fabric.lut_inputs)
        assert case.estimate(stage, target).lut > 0
        assert stage.interval_cycles > 0
        assert getattr(stage, "lut_inputs", 6 if target.family == "xc7" else 4) == (
            target.fabric.lut_inputs)
