# amaranth: UnusedElaboratable=no
"""Engines fitted to networks, and networks to engines: sizes, queues, the order of rows."""

from dataclasses import replace

import numpy as np
import pytest
from cases.eie import host_of
from sim.eie_bench import run_engine

from hwgen.flow.eie import network_cycles, parts_of, run_network
from hwgen.flow.eie_fit import DEPTHS, dealt_out, fitted_spec
from hwgen.golden import run
from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Requantise
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.engines.eie_timing import HIT_CYCLES

U5 = Fixed(5, signed=False)


def network(rng, sizes=(9, 12, 7, 5), *, density=0.2):
    """Weights of seven values, the more of them the further down a row is; biases."""
    nodes = [Input("x", (), (sizes[0],), U5)]
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        kept = rng.random((n_out, n_in)) < density * np.linspace(0.5, 1.5, n_out)[:, None]
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Dense(
            rng.choice([-3, -2, -1, 1, 2, 3], kept.shape) * kept, Fixed(3)),
            rng.integers(-40, 40, n_out)))
        if k < len(sizes) - 1:
            nodes.append(Requantise(f"rq{k}", (nodes[-1].name,), np.array([1]), 3, "half_up", U5))
    return Network("mlp", (*nodes, Argmax("class", (nodes[-1].name,))), (nodes[-1].name, "class"))


def test_a_fitted_engine_holds_its_network_and_nothing_less_does():
    net = network(np.random.default_rng(0))
    spec = fitted_spec(net, pe=3, lanes=3)
    host_of(spec).program(parts_of(net).layers)
    assert (spec.x, spec.weights, spec.code_bits, spec.layers) == (U5, Fixed(3), 3, 3)
    for what in ("accumulator_bits", "layers", "vector", "rows", "biases", "columns", "entries",
                 "code_bits"):
        if what == "accumulator_bits" and spec.accumulator_bits == 8:
            continue
        with pytest.raises(SpecError):
            host_of(replace(spec, **{what: getattr(spec, what) - 1})).program(
                parts_of(net).layers)


def fullest(net, pe):
    """Nonzeros of the fullest element, layer by layer."""
    return [max(np.count_nonzero(layer.weights[k::pe]) for k in range(pe))
            for layer in parts_of(net).layers]


def test_rows_are_dealt_out_where_the_next_layer_takes_the_order(rng):
    net = network(rng, (24, 40, 30, 8), density=0.3)
    dealt, x = dealt_out(net, 4), rng.integers(0, 32, (10, 24))
    scores = {name: values[name] for values in (run(net, x),) for name in net.outputs}
    for name, values in scores.items():
        np.testing.assert_array_equal(run(dealt, x)[name], values)
    before, after = fullest(net, 4), fullest(dealt, 4)
    assert after[0] < before[0]
    assert after[1] < before[1]
    assert after[2] == before[2]
    means = [np.count_nonzero(layer.weights) / 4 for layer in parts_of(net).layers]
    assert all(most <= 1.05 * mean for most, mean in zip(after[:2], means, strict=False))


def test_layers_of_no_more_rows_than_elements_stay_as_they_are(rng):
    net = network(rng)
    assert dealt_out(net, 12).digest == net.digest


def test_an_engine_of_dealt_rows_gives_goldens_scores_in_the_cycles_that_are_stated(rng):
    net = network(rng, (12, 20, 6), density=0.5)
    dealt = dealt_out(net, 3)
    assert dealt.digest != net.digest
    spec, x = fitted_spec(dealt, pe=3, lanes=3), rng.integers(0, 32, (3, 12))
    records = []

    def exchange(words, frames):
        records.append(run_engine(spec, words, frames, 3 * 2))
        return records[0].frames, records[0].error

    found, golden = run_network(dealt, x, host_of(spec), exchange), run(net, x)
    for name in net.outputs:
        np.testing.assert_array_equal(found[name], golden[name])
    assert records[0].cycles == network_cycles(spec, dealt, x)[-1] + 1


def test_depths_fill_their_memories():
    spec = fitted_spec(network(np.random.default_rng(0)), pe=3, lanes=3)
    for depth in DEPTHS:
        fits, deeper = (replace(spec, queue_depth=depth + more).queue_rows for more in (0, 1))
        assert (fits, deeper) == (depth + HIT_CYCLES + 1, 2 * fits)


@pytest.mark.parametrize(("uneven", "depth"), [(False, DEPTHS[0]), (True, DEPTHS[2])])
def test_queues_are_as_deep_as_the_matrix_asks(uneven, depth):
    """Elements that are busy by turns, 40 columns each, need queues; equal ones none."""
    columns, rows = np.arange(160), np.arange(40)[:, None]
    turns = rows % 2 == columns // 40 % 2
    weights = np.where(turns if uneven else (rows + columns) % 2, 1, 0)
    net = Network("turns", (Input("x", (), (160,), U5),
                            MatVec("fc", ("x",), Dense(weights, Fixed(3)))), ("fc",))
    spec = fitted_spec(net, pe=2, lanes=2)
    assert spec.queue_depth == depth
    assert fitted_spec(net, pe=2, lanes=2, queue_depth=3).queue_depth == 3
    ends = {each: network_cycles(replace(spec, queue_depth=each), net, np.ones((2, 160), int))
            for each in (*DEPTHS, 1)}
    cycles = {each: end[1] - end[0] for each, end in ends.items()}
    assert (cycles[DEPTHS[0]] > 1.1 * cycles[depth]) == uneven
    assert cycles[1] >= cycles[DEPTHS[0]]
