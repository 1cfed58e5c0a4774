"""The Verilog of an EIE engine: results of its vectors, in the cycles that are stated; stalls."""

import numpy as np
import pytest
from cases.eie import spec_of

from hwgen.emit.engines.eie import sample, through
from hwgen.flow.eie import work_of
from hwgen.flow.eie_fit import fitted_spec
from hwgen.flow.engine import build_engine, verify_engine
from hwgen.golden.delta import run_delta
from hwgen.ir import Dense, Input, MatVec, Network, Requantise
from hwgen.numeric import Fixed

pytestmark = pytest.mark.cosim


def test_verilog_gives_every_result_in_the_cycles_that_are_stated(tmp_path, rng):
    spec = spec_of(3, 3, huffman=True, rows=8, queue_depth=1, vector=24)
    folder = build_engine(spec, tmp_path / "core")
    (work,) = sample(spec, rng)
    result = verify_engine(folder, products=[work])
    np.testing.assert_array_equal(result.products[0], through(work.layers, work.x)[0])
    assert result.cycles > 0
    assert verify_engine(folder, stalls="random", seed=2).compared == result.compared


def test_verilog_finds_entries_beyond_those_of_a_block(tmp_path, rng):
    u4, shape = Fixed(4, signed=False), (260, 270)
    weights = rng.choice([-3, -1, 1, 2], shape) * (rng.random(shape) < 0.95)
    net = Network("large", (Input("x", (), shape[1:], u4),
                            MatVec("fc", ("x",), Dense(weights, Fixed(3)))), ("fc",))
    spec = fitted_spec(net, pe=1, lanes=1, huffman=True)
    assert spec.entries > 1 << 16
    work = work_of(net, rng.integers(0, 16, (1, *shape[1:])), huffman=True)
    result = verify_engine(build_engine(spec, tmp_path / "core"), products=[work])
    np.testing.assert_array_equal(result.products[0], work.x @ weights.T)


def test_verilog_of_a_delta_network_sends_what_moved_by_more_than_thresholds(tmp_path, rng):
    u5, weights = Fixed(5, signed=False), (rng.integers(-2, 3, shape) for shape in ((5, 6), (3, 5)))
    net = Network("two", (
        Input("x", (), (6,), u5), MatVec("fc1", ("x",), Dense(next(weights), Fixed(3))),
        Requantise("rq1", ("fc1",), np.array([1]), 2, "half_up", u5),
        MatVec("fc2", ("rq1",), Dense(next(weights), Fixed(3)))), ("fc2",))
    x = np.clip(rng.integers(-4, 5, (12, 6)).cumsum(axis=0) + 12, 0, 31)
    limits = {"fc1": 3, "fc2": 2}
    folder = build_engine(fitted_spec(net, pe=2, lanes=1, delta=True), tmp_path / "core")
    result = verify_engine(folder, products=[work_of(net, x, thresholds=limits)])
    values = run_delta(net, x, limits).values["fc2"]
    np.testing.assert_array_equal(result.products[0], values)
    for name in limits:
        assert (values != run_delta(net, x, limits | {name: 0}).values["fc2"]).any()
