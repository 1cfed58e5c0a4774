"""The benchmark of the sparse core: its parts, its works, its plots."""

from types import SimpleNamespace

import numpy as np
import pytest
from cases.errors import refused

from hwgen import bench
from hwgen.bench import Row, sparse
from hwgen.bench.sparse_parts import PARTS, balanced, fifo, permuted, simulated, spots
from hwgen.bench.sparse_parts.fifo import OF_DEPTH, OF_ELEMENTS
from hwgen.bench.sparse_parts.plots import draw, series
from hwgen.bench.sparse_parts.works import LAYERS, PES, Layer, columns_of, timing_of
from hwgen.numeric import SpecError

SMALL = Layer("small", 96, 256, 0.2, 0.5, 1.0, 1.0)


def test_benchmark_is_found():
    assert bench.load("sparse") is sparse


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_what_the_frame_asks_for(name):
    assert PARTS[name].KEY
    assert callable(PARTS[name].measure)


def test_unknown_part_is_refused():
    message = (f"part of benchmark 'sparse' must be one of {', '.join(PARTS)}, not 'ese';"
               f" did you mean 'eie'?")
    with refused(SpecError, message):
        sparse.run(lambda *_: None, parts=["ese"])


def test_all_parts_are_written_as_a_document_with_its_plots(tmp_path, monkeypatch):
    (tmp_path / "part.py").write_text("")
    rows = [Row(work=f"{work} {place}", metric=name, value=0.5 + place / 10)
            for work in (OF_DEPTH, OF_ELEMENTS) for place in (1, 2) for name in ("VGG-6", "NT-We")]
    part = SimpleNamespace(__file__=str(tmp_path / "part.py"), KEY=(1,),
                           lacking=lambda _bench: None, measure=lambda _bench: rows)
    monkeypatch.setattr(sparse, "PARTS", {"one": part})
    monkeypatch.setattr(sparse, "FOLDER", tmp_path / "out")
    monkeypatch.setattr(sparse, "DOCUMENT", tmp_path / "docs" / "sparse.md")
    assert len(sparse.run(lambda *_: None)) == 8
    assert sparse.DOCUMENT.read_text().startswith("# The sparse core, measured\n\nWritten by")
    drawn = (tmp_path / "docs" / "sparse-fifo.svg").read_text()
    assert "FIFO depth" in drawn
    assert "VGG-6" in drawn
    assert series(rows, OF_DEPTH) == {"VGG-6": [(1, 0.6), (2, 0.7)], "NT-We": [(1, 0.6), (2, 0.7)]}


def test_nothing_is_drawn_of_rows_of_other_parts(tmp_path):
    draw([Row(work="one", metric="m", value=1)], tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()


@pytest.mark.parametrize("layer", [SMALL, LAYERS["NT-LSTM"]], ids=str)
def test_nonzeros_are_distinct_and_as_dense_as_stated(layer):
    for rows, columns in (layer.nonzeros, balanced.per_element(layer), balanced.per_column(layer),
                          permuted.uneven(layer)):
        assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == len(rows)
        assert rows.max() < layer.n_out
        assert columns.max() < layer.n_in
        assert len(rows) == pytest.approx(layer.n_out * layer.n_in * layer.weights, rel=0.05)


def test_balanced_ones_have_the_same_in_each_element():
    whole, even = (columns_of(SMALL, nonzeros=draw_of(SMALL))
                   for draw_of in (balanced.per_element, balanced.per_column))
    assert len(set(whole.entries.tolist())) == 1
    assert (even.counts == even.counts[0]).all()
    assert set(np.unique(even.counts)) <= {0, 1}


def test_reordered_rows_keep_their_nonzeros_and_even_out_elements():
    rows, columns = permuted.uneven(SMALL)
    places, same = permuted.reordered(SMALL, (rows, columns))
    assert same is columns
    before, after = (np.bincount(each, minlength=SMALL.n_out) for each in (rows, places))
    assert sorted(before) == sorted(after)
    fullest = [columns_of(SMALL, nonzeros=(each, columns)).entries.max()
               for each in (rows, places)]
    assert fullest[1] < 0.9 * fullest[0]


def test_simulated_layers_are_the_ones_that_the_model_is_asked_for():
    layer = Layer("small", 24, 2 * PES, 0.3, 1, 1.0, 1.0)
    design = simulated.design_of(layer, simulated.EIE)
    stage, x = design.stages[0], simulated.inputs_of(design)
    assert (stage.pe, stage.simd, stage.columns.index_bits, stage.value_bits) == (PES, 8, 4, 4)
    columns = columns_of(layer, relative_bits=4)
    assert np.array_equal(stage.columns.counts, columns.counts)
    assert np.array_equal(stage.timing.finishes(x != 0), timing_of(layer, columns).finishes(x != 0))
    assert (x[0] != 0).all()
    assert 0.3 < (x[1:] == 0).mean() < 0.7
    ends = stage.timing.departures(x != 0)[:, -1]
    assert simulated.expected(stage, x) == ends[7] - ends[4] > 3 * 3


def test_spots_are_of_both_sweeps():
    elements, depths = zip(*spots.SPOTS, strict=True)
    assert {min(fifo.ELEMENTS), max(fifo.ELEMENTS)} <= set(elements)
    assert {min(fifo.DEPTHS), max(fifo.DEPTHS)} <= set(depths)
    stage = simulated.design_of(spots.LAYER, simulated.EIE, 16, 64).stages[0]
    assert (stage.pe, stage.queue_depth) == (16, 64)
