"""The part on constant matrices: what it builds is what the peer is given."""

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen import golden
from hwgen.bench.fixed_parts import constant_matrix as part

da4ml = pytest.mark.skipif(not part.is_there(), reason="da4ml is not installed")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(part, "MLP", (6, 5, 4, 3))
    return part.mlp()


def test_every_layer_is_unrolled(small):
    design = part.design_of(small, ECP5)
    assert [stage.core for stage in design.stages] == ["fixed-unrolled"] * 3
    assert design.interval_cycles == 1
    assert {stage.levels_per_register for stage in design.stages} == {part.ADDERS_PER_REGISTER}


def test_the_matrix_that_the_figures_are_of():
    stage = part.stage_of(part.matrix(8))
    x = np.random.default_rng(1).integers(-128, 128, (9, 8))
    np.testing.assert_array_equal(stage.graph.evaluate(x), x @ part.matrix(8).T)
    assert part.matrix(64)[0, :3].tolist() == [89, 35, 2]


@da4ml
def test_the_peer_computes_the_same(small):
    from da4ml.trace import comb_trace

    x = np.random.default_rng(2).integers(-32, 32, (40, 6))
    expected = golden.run(small, x)[small.outputs[0]]
    found = comb_trace(*part._peer_mlp(small)).predict(x.astype(np.float64))
    np.testing.assert_array_equal(found, expected)
    x = np.random.default_rng(3).integers(-128, 128, (40, 8))
    found = comb_trace(*part._peer_matrix(part.matrix(8))).predict(x.astype(np.float64))
    np.testing.assert_array_equal(found, x @ part.matrix(8).T)


@da4ml
def test_seconds_against_size_and_where_the_peer_does_not_end(monkeypatch):
    monkeypatch.setattr(part, "SIZES", (4, 6))
    monkeypatch.setattr(part, "PEER_LIMIT_S", 0)

    class Bench:
        @staticmethod
        def tell(*_): ...

    rows = [(row.work[:3], row.metric) for row in part._seconds(Bench)]
    assert rows == [(size, metric) for size in ("4x4", "6x6") for metric in (
        "graph alone", "adders of the graph alone", "graph of da4ml, not ended after")]
    seconds, adders = part.peer_graph(4)
    assert 0 < seconds < 60
    assert 4 <= adders < 40


def test_needs_the_core(monkeypatch):
    assert part.lacking(None) is None
    monkeypatch.setattr(part, "MATRIX_CORES", {})
    assert part.lacking(None) == "a core 'fixed-unrolled'"
