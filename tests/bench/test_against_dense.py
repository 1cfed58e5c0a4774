"""The benchmark of the sparse core against the dense one: works, rows, where both are even."""

from types import SimpleNamespace

import pytest

from hwgen.bench import Row
from hwgen.bench.sparse_parts import PARTS, against_dense
from hwgen.bench.sparse_parts.against_dense import (
    BREAK_EVEN,
    DENSITIES,
    PLACED,
    SAVED,
    WORKS,
    break_even,
    stages_of,
)
from hwgen.bench.sparse_parts.plots import draw_densities, saved


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_both_have_as_many_multipliers(work):
    dense, sparse = stages_of(work, PLACED)
    assert dense.pe * dense.simd == sparse.pe == work.multipliers
    assert (dense.core, sparse.core) == ("fixed", "sparse")
    assert sparse.mat_vec.weights.density == pytest.approx(PLACED, abs=0.01)
    assert dense.interval_cycles == work.shape[0] * work.shape[1] // work.multipliers
    assert dense.interval_cycles >= 7 * sparse.interval_cycles


def test_rows_are_of_every_density(monkeypatch):
    asked = []

    def synthesise(stage, name, device, *, place=False, clock_mhz):
        asked.append((name, place))
        cells = 1000 if stage.core == "fixed" else 4000
        return SimpleNamespace(lut_eq=cells, bram=1, dsp=16, tools={},
                               fmax_mhz=(100 if stage.core == "fixed" else 80) if place else None)

    monkeypatch.setattr(against_dense, "WORKS", WORKS[1:])
    bench = SimpleNamespace(synthesise=synthesise, tell=lambda *_: None)
    rows = list(PARTS["against-dense"].measure(bench))
    assert asked[:2] == [("dense", True), (f"sparse-{PLACED}", True)]
    assert [name for name, _ in asked[2:]] == [f"sparse-{density}" for density in DENSITIES
                                               if density != PLACED]
    values = [row for row in rows if row.metric == SAVED]
    assert [row.must for row in values] == [
        ">= 7" if density == PLACED else None for density in DENSITIES]
    assert values[2].met
    assert sum(row.metric == "fmax" for row in rows) == 2
    even = {row.metric: row.value for row in rows if row.metric.startswith(BREAK_EVEN)}
    assert 75 < even[f"{BREAK_EVEN}, time"] < 85        # 0.8 of the clock, nearly all cycles used
    assert 15 < even[f"{BREAK_EVEN}, time x LUT"] < 25  # five times the area and time


def test_even_is_on_the_line_between_two_densities():
    assert break_even((0.1, 0.2, 0.5), (0.5, 1.5, 3)) == pytest.approx(0.15)
    assert break_even((0.1, 0.2), (1.2, 2)) == 0
    assert break_even((0.1, 0.2), (0.2, 0.4)) == 0.2


def test_plot_has_both_devices(tmp_path):
    rows = [Row(work=f"m, {work.name}, {density:.0%} nonzeros", metric=SAVED, value=1 / density)
            for work in WORKS for density in DENSITIES]
    rows += [Row(work=f"m, {work.name}", metric=f"{BREAK_EVEN}, time", value=60, unit="%")
             for work in WORKS]
    draw_densities(rows, tmp_path / "densities.svg")
    drawn = (tmp_path / "densities.svg").read_text()
    assert "ECP5-85" in drawn
    assert "UP5K" in drawn
    assert saved(rows, "UP5K")[:2] == [(2, 50), (5, 20)]
    draw_densities(rows[:3], tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()
