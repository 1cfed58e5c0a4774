# amaranth: UnusedElaboratable=no
"""Networks on an EIE engine: every score is golden's; what it cannot give exactly is refused."""


import numpy as np
import pytest
from cases.eie import host_of, results_of, spec_of
from cases.errors import refused
from cases.networks import fixed
from sim.eie_bench import run_engine

from hwgen.compress.frame.storage import Elements
from hwgen.flow.eie import network_cycles, parts_of, run_network
from hwgen.flow.eie_fit import fitted_spec
from hwgen.golden import run
from hwgen.golden.delta import run_delta
from hwgen.ir import Argmax, Dense, Input, MatVec, Network, Requantise, SlidingWindow
from hwgen.numeric import Fixed, SpecError

U5, S8 = Fixed(5, signed=False), Fixed(8)


def network(*, seed=0, rounding="half_up", sizes=(9, 12, 7, 5), zero_point=0, density=0.5,
            multiplier=1, shift=4, **narrow):
    """Weights of seven values, biases, a requantisation between each two."""
    rng = np.random.default_rng(seed)
    nodes = [Input("x", (), (sizes[0],), U5)]
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        weights = rng.integers(-3, 4, (n_out, n_in)) * (rng.random((n_out, n_in)) < density)
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Dense(weights, Fixed(3)),
                            rng.integers(-40, 40, n_out)))
        if k < len(sizes) - 1:
            nodes.append(Requantise(f"rq{k}", (nodes[-1].name,), np.array([multiplier]), shift,
                                    rounding, U5, zero_point=zero_point, **narrow))
    return Network("mlp", (*nodes, Argmax("class", (nodes[-1].name,))), (nodes[-1].name, "class"))


def simulated(spec):
    """The engine in the simulator as ``exchange``; it keeps the record."""
    def exchange(words, frames):
        exchange.record = run_engine(spec, words, frames, exchange.beats)
        return exchange.record.frames, exchange.record.error
    return exchange


def integers(host, spec):
    """An engine of Python's integers as ``exchange``."""
    def exchange(words, frames):
        x = np.array([list(frame) for frame in frames], np.int64)
        x = x if not spec.x.is_signed else (x ^ 128) - 128
        size = -(-spec.accumulator_bits // 8)
        return [b"".join(int(value).to_bytes(size, "little", signed=True) for value in row)
                for row in results_of(host.read(words), x)], False
    return exchange


@pytest.mark.parametrize("more", [
    {}, {"rounding": "floor"}, {"multiplier": 5, "shift": 6}, {"zero_point": 3, "low": 2},
    {"shift": 0, "rounding": "half_even"}, {"high": 9}], ids=str)
def test_every_score_is_goldens(rng, more):
    net, spec = network(**more), spec_of(3, 3)
    host = host_of(spec)
    x = rng.integers(0, 32, (20, 9))
    found = run_network(net, x, host, integers(host, spec))
    golden = run(net, x)
    for name in ("x", "fc3", "class"):
        np.testing.assert_array_equal(found[name], golden[name])
    assert len(np.unique(golden["rq1"])) > 4


def test_simulation_gives_every_score_in_the_cycles_that_are_stated(rng):
    net, spec = network(), spec_of(2, 2, huffman=True, rows=8)
    exchange, x = simulated(spec), rng.integers(0, 32, (3, 9)) * (rng.random((3, 9)) < 0.7)
    exchange.beats = 3 * 3
    found = run_network(net, x, host_of(spec), exchange, huffman=True)
    golden = run(net, x)
    np.testing.assert_array_equal(found["fc3"], golden["fc3"])
    np.testing.assert_array_equal(found["class"], golden["class"])
    assert exchange.record.cycles == network_cycles(spec, net, x, huffman=True)[-1] + 1


@pytest.mark.parametrize(("delta", "limits"), [(False, None), (True, {"fc2": 2}),
                                               (True, {"fc2": 3})], ids=str)
def test_what_fills_a_beat_up_is_sent_where_it_is_not_0(rng, delta, limits):
    """A zero point that a ReLU clips at: hidden layers are filled up with it, to whole beats."""
    net = network(sizes=(9, 7, 10, 5), density=0.05, zero_point=3, low=3)
    spec = spec_of(4, 4, delta=delta)
    exchange, x = simulated(spec), rng.integers(0, 32, (3, 9))
    exchange.beats = 3 * 2
    found = run_network(net, x, host_of(spec), exchange, thresholds=limits)
    np.testing.assert_array_equal(found["fc3"], run_delta(net, x, limits or 0).values["fc3"])
    cycles = network_cycles(spec, net, x, thresholds=limits)[-1] + 1
    assert exchange.record.cycles == cycles


def test_a_sequence_as_a_delta_network(rng):
    net, spec = network(sizes=(9, 8, 5)), spec_of(2, 2, delta=True, rows=8)
    x = np.clip(np.cumsum(rng.integers(-4, 5, (6, 9)), axis=0) + 12, 0, 31)
    limits = {"fc1": 3, "fc2": 1}
    exchange = simulated(spec)
    exchange.beats = 6 * 3
    found = run_network(net, x, host_of(spec), exchange, thresholds=limits)
    golden = run_delta(net, x, limits)
    np.testing.assert_array_equal(found["fc2"], golden.values["fc2"])
    np.testing.assert_array_equal(found["class"], golden.values["class"])
    assert (golden.values["fc2"] != run(net, x)["fc2"]).any()
    cycles = network_cycles(spec, net, x, thresholds=limits)[-1] + 1
    assert exchange.record.cycles == cycles < network_cycles(spec, net, x)[-1] + 1


def test_a_threshold_of_no_matrix_is_refused():
    with refused(SpecError, "thresholds must be of matrices, ['fc1', 'fc2', 'fc3'], not of 'rq1'"):
        parts_of(network(), thresholds={"fc1": 2, "rq1": 3})


def test_sums_that_need_no_requantisation_go_on():
    rng = np.random.default_rng(0)
    eye = Dense(np.eye(5, 9, dtype=int), Fixed(3))
    net = network(sizes=(9, 4))
    net = Network("two", (net.input, MatVec("pick", ("x",), eye), MatVec(
        "fc", ("pick",), Dense(rng.integers(-3, 4, (4, 5)), Fixed(3)))), ("fc",))
    host, spec = host_of(spec_of(3, 1)), spec_of(3, 1)
    x = rng.integers(0, 32, (5, 9))
    np.testing.assert_array_equal(run_network(net, x, host, integers(host, spec))["fc"],
                                  run(net, x)["fc"])


@pytest.mark.parametrize("index_bits", [1, 2, 4])
def test_storage_is_what_the_compression_account_says(rng, index_bits):
    """Bit for bit: weights, indices, padding and codebook of one element."""
    weights = rng.choice([-9, -4, -1, 1, 3, 8, 11], (40, 30)) * (rng.random((40, 30)) < 0.1)
    net = Network("one", (Input("x", (), (30,), U5), MatVec("fc", ("x",), Dense(weights, S8))),
                  ("fc",))
    spec = fitted_spec(net, pe=1, lanes=1, index_bits=index_bits)
    host = host_of(spec)
    stored = host.stored_bits(host.program(parts_of(net).layers))
    account = Elements(index_bits=index_bits).parts(weights, spec.weights.bits)
    assert spec.code_bits == 3
    for part in ("weights", "index", "padding", "codebook"):
        assert stored[part] == account.get(part, 0)


@pytest.mark.parametrize(("net", "rule"), [
    (network(rounding="half_even"), "node 'rq1': rounding must be one of ['half_up', 'floor'],"
                                    " which the bias can do, not 'half_even'"),
    (network(slope_shift=1), "node 'rq1': slope_shift must be 0, as the engine shifts both signs"
                             " alike, not 1"),
    (fixed(), "node 'rq1': multiplier must be one for all channels, as the layer has one codebook"
              " and one shift, not ["),
    (Network("conv", (
        Input("x", (), (6, 6, 1), U5), SlidingWindow("w", ("x",), (3, 3)),
        MatVec("fc", ("w",), Dense(np.ones((2, 9), int), Fixed(3)))), ("fc",)),
     "node 'fc': input must be a vector (n,), as the engine's layers are of vectors, not (4, 4, 9):"
     " convolutions are not for this engine, 'hwgen generate' takes them"),
    (Network("no", (Input("x", (), (3,), U5), Argmax("class", ("x",))), ("x", "class")),
     "network 'no' must have a matrix for an engine, it has none"),
], ids=lambda value: value if isinstance(value, str) else value.name)
def test_what_the_engine_cannot_give_exactly_is_refused(net, rule):
    if rule.endswith("["):
        rule = rule[:-1] + str(sorted(set(net.node("rq1").multiplier.tolist())))
    with refused(SpecError, rule):
        parts_of(net)


def test_hidden_values_must_stay_inside():
    net = network()
    with refused(SpecError, "node 'rq1': must be read by the next layer alone, as it does not leave"
                            " the engine"):
        parts_of(Network("peek", net.nodes, ("fc3", "rq1")))


def test_only_layers_stand_between_matrices():
    net = network(sizes=(9, 7, 5))
    half = Requantise("half", ("rq1",), np.array([1]), 1, "floor", U5)
    nodes = [*net.nodes[:3], half, MatVec("fc2", ("half",), net.node("fc2").weights)]
    with refused(SpecError, "node 'half': must follow a matrix, not 'rq1'"):
        parts_of(Network("odd", tuple(nodes), ("fc2",)))


def test_too_large_hidden_values_are_refused_with_the_layers_name():
    net = network()
    with refused(SpecError, "layer 'fc1': low and high must be in 0..15, not in 0..31"):
        run_network(net, np.zeros((1, 9), int), host_of(spec_of(2, 2, x=Fixed(4, signed=False))),
                    None)
