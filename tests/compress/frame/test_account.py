"""The account against the memories of the stages that the generator is given."""

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen.compress.frame.account import account_of
from hwgen.compress.frame.storage import STORAGES, Elements
from hwgen.ir import (
    Dense,
    Edge,
    Input,
    MatVec,
    Network,
    PowerSums,
    Requantise,
    Shared,
    Table,
    Threshold,
)
from hwgen.numeric import Bipolar, Fixed, Planes, PowerOfTwo, SpecError, Ternary
from hwgen.plan import plan
from hwgen.plan.matrix_core import default_core
from hwgen.plan.stages import CodebookStage, FixedStage, SparseStage

U4, W6 = Fixed(4, 0, False), Fixed(6)
EDGE = Edge((24,), U4, U4.min, U4.max)


def network(weights, bias=None, *more):
    nodes = (Input("x", (), (24,), U4), MatVec("fc", ("x",), weights, bias), *more)
    return Network("net", nodes, (nodes[-1].name,))


def sparse(rng, density, shape=(40, 24)):
    values = rng.integers(1, 30, shape) * rng.choice([-1, 1], shape)
    return values * (rng.random(shape) < density)


def total(stage, *without):
    return sum(bits for name, bits in stage.memory_bits.items() if name not in without)


@pytest.mark.parametrize("density", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("options", [
    {"index": "absolute"}, {"index": "relative", "index_bits": 2},
    {"index": "relative", "index_bits": 3, "values": "codes"}, {"values": "codes"}])
def test_columns_are_the_memories_of_the_sparse_core(rng, density, options):
    values = sparse(rng, density)
    stage = SparseStage(MatVec("fc", ("x",), Dense(values, W6)), EDGE, None, 1, 8, **options)
    parts = Elements(index_bits=options.get("index_bits"),
                     codes=options.get("values") == "codes").parts(values, 6)
    assert sum(parts.values()) == total(stage)
    assert parts["pointers"] == stage.memory_bits["pointers"]


def test_few_signs_are_the_memories_of_the_sparse_core(rng):
    """With absolute indices: of entries so narrow the plan may take relative ones."""
    net = network(Dense(np.sign(sparse(rng, 0.1)), W6), rng.integers(-9, 9, 40))
    design = plan(net, ECP5, interval_cycles=1 << 16, cores={"fc": {"index": "absolute"}})
    account = account_of(net)
    assert [stage.folding.get("values") for stage in design.stages] == ["signs"]
    assert account.bits == total(design.stages[0])


def test_codes_are_the_memories_of_the_codebook_core(rng):
    values = rng.choice([-7, 0, 2, 12], (40, 24))
    stage = CodebookStage(MatVec("fc", ("x",), Shared.of(values)), EDGE, None, 1, 1, 1)
    assert sum(STORAGES["codes"].parts(values, 6).values()) == total(stage)


def test_plain_and_biases_are_the_memories_of_the_fixed_core(rng):
    weights, bias = Dense(rng.integers(-31, 32, (40, 24)), W6), rng.integers(-100, 50, 40)
    stage = FixedStage(MatVec("fc", ("x",), weights, bias), EDGE, None, 1, 1, 1)
    account = account_of(network(weights, bias))
    assert account.bits == total(stage)
    assert account.by_part == {"weights": 40 * 24 * 6, "bias": 40 * 8}
    assert account.to_dict()["storage"] == {"fc": "plain"}


def test_every_other_node_counts(rng):
    weights = Dense(rng.integers(-31, 32, (4, 24)), W6)
    lows = np.array([-9, 0, 4, 700])
    mixed = np.array([0, 0, 1, 0], bool)
    signs = account_of(network(weights, None, Threshold("act", ("fc",), lows, mixed, Bipolar())))
    bits = 2 * 31 * 24 * 15 + 1      # of planes of 6 and 4 bits no sum is more than that
    assert signs.by_node["act"] <= 4 * bits.bit_length() + 4
    scaled = account_of(network(weights, None, Requantise(
        "act", ("fc",), np.array([3, 9, 2, 1]), 4, "half_up", U4)))
    assert scaled.by_part["scales"] == 4 * 4
    shifted = account_of(network(weights, None, Requantise(
        "act", ("fc",), np.array([1]), 4, "half_up", U4)))
    assert "scales" not in shifted.by_part
    table = account_of(network(weights, None, Requantise(
        "act", ("fc",), np.array([1]), 4, "half_up", U4),
        Table("tab", ("act",), np.arange(16)[::-1], 0, U4)))
    assert table.by_part["table"] == 16 * 4


def test_ratio_and_chosen_storage(rng):
    weights = Dense(np.clip(sparse(rng, 0.1), -1, 1) * 9, W6)
    account = account_of(network(weights), {"fc": "huffman"}, parameters=24 * 40)
    assert account.entries[0].storage == "huffman"
    assert account.bits < account_of(network(weights)).bits
    assert account.ratio == 24 * 40 * 32 / account.bits
    assert (account.nonzeros, account.weights) == (weights.nonzeros, 24 * 40)


INPUTS = (U4, Fixed(3), Bipolar(), Ternary(), Planes((2, 4), -3))

WEIGHTS = (Fixed(2), Fixed(4), Bipolar(), Ternary(), Planes((1, 2, 5), 0), PowerOfTwo(3))


def matrices(rng, fmt):
    """Weights of a format: all of its values, few that are not 0, shared ones, powers."""
    values = rng.choice(fmt.levels, (9, 16))
    if isinstance(fmt, PowerOfTwo):
        return [PowerSums(fmt.encode(rng.choice(fmt.levels, (2, 9, 16))), 3, (0, 2))]
    found = [Dense(values, fmt), Shared.of(values)]
    return found + ([Dense(values * (rng.random((9, 16)) < 0.2), fmt)] if 0 in fmt.levels else [])


def followed(rng, node, x, fmt):
    """The network of ``node``, which reads ``x``, and of what follows: ``fmt`` of thresholds."""
    matrix = (Input("x", (), (16,), x), node)
    edge = Network("net", matrix, ("fc",)).edges["fc"]
    if fmt is None:
        return Network("net", matrix, ("fc",))
    if fmt == "scales":
        more = Requantise("act", ("fc",), rng.integers(1, 9, 9), rng.integers(1, 5, 9), "half_up",
                          Fixed(8))
        return Network("net", (*matrix, more), ("act",))
    steps = np.sort(rng.integers(edge.lo, edge.hi + 2, (9, len(fmt.levels) - 1)), axis=1)
    more = Threshold("act", ("fc",), steps, rng.random(9) < 0.5, fmt)
    return Network("net", (*matrix, more), ("act",))


@pytest.mark.parametrize("x", INPUTS, ids=str)
def test_what_any_core_holds_with_what_follows(rng, x):
    """Of every weight with every input that a core takes, whatever stands behind.

    The sparse core is told its index, which the plan chooses by what fits a board.
    """
    planned = 0
    for weights in (each for fmt in WEIGHTS for each in matrices(rng, fmt)):
        after = [None, "scales", Bipolar(), Fixed(2, 0, False)][rng.integers(4)]
        node = MatVec("fc", ("x",), weights, [None, rng.integers(-40, 30, 9)][rng.integers(2)])
        net = followed(rng, node, x, after)
        core = default_core(node, net.edges["x"], net.nodes[-1] if after else None)
        told = {"fc": {"index": "absolute"}} if core == "sparse" else {}
        try:
            design = plan(net, ECP5, interval_cycles=1 << 16, cores=told)
        except SpecError:                       # no core takes such inputs with such weights
            continue
        planned += 1
        held = account_of(net)
        assert held.memory_bits == sum(map(total, design.stages)), (weights.format, after)
        assert held.entries == held.held
    assert planned >= 10
