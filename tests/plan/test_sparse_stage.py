"""The sparse stage: storage, cycle model and messages."""

import numpy as np
import pytest
from cases.errors import refused
from cases.sparse_stages import TARGETS, draw, stage_of
from cases.targets import ECP5, UP5K
from hypothesis import given, settings
from hypothesis import strategies as st

from hwgen.ir import Dense, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, Fixed, SpecError, Ternary
from hwgen.plan import plan
from hwgen.plan.stages import SparseStage
from hwgen.plan.stages.sparse_storage import Columns


def field(row, place, bits):
    return row >> (place * bits) & ((1 << bits) - 1)


def pointers_of(stage, column, element):
    """Start and count as the memories have them."""
    columns = stage.columns
    if stage.pointers == "banks":
        banks = columns.bank_rows()
        start, end = (field(banks[place % 2][place // 2], element, columns.end_bits)
                      for place in (column, column + 1))
        return start, end - start
    share = field(columns.pointer_rows()[column], element,
                  columns.start_bits + columns.left_bits)
    return share & ((1 << columns.start_bits) - 1), share >> columns.start_bits


def weight_of(stage, code):
    """What is multiplied, of what an entry has."""
    if stage.values == "signs":
        return 1 - 2 * code
    if stage.values == "codes":
        code = stage.codebook_rows()[code]
    return stage.weight_format.decode(np.array([code]))[0]


def unpacked(stage):
    """The matrix that the memories hold, read as the hardware does."""
    bits, (r, c) = stage.value_bits, (stage.block_rows, stage.block_columns)
    dense = np.zeros((stage.nf * stage.pe * r, stage.n_in), np.int64)
    for column in range(stage.n_in // c):
        for k in range(stage.pe):
            (start, count), row = pointers_of(stage, column, k), -1
            rows = [place for place in range(stage.nf) if count >> place & 1]
            if stage.index == "mask":
                count = len(rows)
            for number, entry in enumerate(stage.entry_rows(k)[start:start + count]):
                code, index = entry & ((1 << bits) - 1), entry >> bits
                if stage.columns.marks and index == (1 << stage.columns.index_bits) - 1:
                    row += index
                    continue
                row = row + 1 + index if stage.index == "relative" else index
                if stage.index == "mask":
                    row = rows[number]
                for place in range(r * c):
                    i, j = divmod(place, c)
                    dense[(row * stage.pe + k) * r + i, column * c + j] += weight_of(
                        stage, field(code, place, bits // (r * c)))
    assert not dense[stage.n_out:].any()
    return dense[:stage.n_out]


STORAGES = [{}, {"values": "codes"}, {"index": "relative"}, {"index": "relative", "index_bits": 1},
            {"index": "relative", "index_bits": 4, "values": "codes", "pointers": "banks"},
            {"pointers": "banks"}, {"index": "mask"}, {"index": "mask", "values": "codes"}]


@given(n_out=st.integers(1, 40), pe=st.integers(1, 6), n_in=st.integers(1, 12),
       density=st.sampled_from([0, 0.1, 0.5, 1]), seed=st.integers(0, 99),
       storage=st.sampled_from(STORAGES))
def test_memories_hold_the_matrix(n_out, pe, n_in, density, seed, storage):
    pe = min(pe, n_out)
    weights, _ = draw(seed, n_out, n_in, density)
    stage = stage_of(weights, pe, **storage)
    assert np.array_equal(unpacked(stage), weights)
    rows = stage.columns.memory_rows
    assert [len(stage.entry_rows(k)) for k in range(pe)] == rows.tolist()
    assert stage.entries.sum() == stage.mat_vec.weights.nonzeros + stage.columns.padding
    assert all(row < 1 << stage.entry_bits for k in range(pe) for row in stage.entry_rows(k))


@settings(max_examples=50)
@given(n_out=st.integers(1, 40), pe=st.integers(1, 6), density=st.sampled_from([0, 0.1, 0.5, 1]),
       seed=st.integers(0, 99), bits=st.sampled_from([None, 0, 1, 2, 3]))
def test_memories_of_signs_hold_the_matrix(n_out, pe, density, seed, bits):
    weights = np.sign(draw(seed, n_out, 7, density)[0])
    index = {} if bits == 0 else {"index": "relative", "index_bits": bits}
    stage = stage_of(weights, min(pe, n_out), fmt=Ternary(), values="signs", **index)
    assert np.array_equal(unpacked(stage), weights)
    assert stage.value_bits == 1
    assert all(row < 1 << stage.entry_bits for k in range(stage.pe) for row in stage.entry_rows(k))


@settings(max_examples=50)
@given(rows=st.integers(1, 9), pe=st.integers(1, 4), columns=st.integers(1, 6), r=st.integers(1, 3),
       c=st.integers(1, 4), seed=st.integers(0, 99), storage=st.sampled_from(STORAGES),
       density=st.sampled_from([0, 0.3, 1]))
def test_memories_of_blocks_hold_the_matrix(rows, pe, columns, r, c, seed, storage, density):
    weights, _ = draw(seed, rows * r, columns * c, 0.9)
    kept = np.random.default_rng(seed).random((rows, columns)) < density
    weights = weights * np.kron(kept, np.ones((r, c), int))
    stage = stage_of(weights, min(pe, rows), block_rows=r, block_columns=c, **storage)
    assert np.array_equal(unpacked(stage), weights)
    used = weights.reshape(rows, r, columns, c).any(axis=(1, 3)).sum()
    assert stage.entries.sum() == used + stage.columns.padding


def test_blocks_share_an_index():
    weights = np.kron(np.eye(8, dtype=int), np.full((2, 2), 5))
    alone, blocks = stage_of(weights, 1), stage_of(weights, 1, block_rows=2, block_columns=2)
    assert (alone.memory_bits["index"], blocks.memory_bits["index"]) == (32 * 4, 8 * 3)
    assert alone.memory_bits["weights"] == blocks.memory_bits["weights"] == 32 * 6
    assert (blocks.in_lanes, blocks.out_lanes, blocks.nf, blocks.beats) == (2, 2, 8, 8)
    assert (alone.ideal_cycles, blocks.ideal_cycles) == (32, 8)
    x = np.zeros((1, 16), int)
    x[0, 3] = 1
    assert blocks.busy(x).tolist() == [[False, True] + 6 * [False]]
    assert blocks.used_entries(x).tolist() == [[1]]


@pytest.mark.parametrize(("r", "c"), [(1, 1), (2, 1), (1, 4), (2, 2), (4, 4), (1, 8),
                                    (8, 1), (3, 3), (8, 8)])
def test_planner_finds_blocks_that_are_nearly_full(r, c):
    kept = np.random.default_rng(1).random((72 // r, 72 // c)) < 0.15
    weights = np.kron(kept, np.full((r, c), 3))
    weights[0, 0], weights[1, 1] = 0, 0
    stage = stage_of(weights, 1)
    found = SparseStage.candidates(stage.mat_vec, stage.x, None, interval_cycles=1,
                                   levels_per_register=1, choice={"pe": 2})
    assert {(one.block_rows, one.block_columns) for one in found} == {(1, 1), (r, c)}


def test_one_bit_of_index_marks_each_zero():
    stage = stage_of(np.array([[0], [1], [0], [0], [-1]]), 1, values="signs", index="relative",
                     index_bits=1)
    # Value in bit 0, index above: a mark for each zero, 1; index 0 of what is there.
    assert stage.entry_rows(0) == [0b10, 0b00, 0b10, 0b10, 0b01]
    assert stage.columns.padding == 3


def test_planner_takes_signs_where_there_are_no_others():
    stage = stage_of(np.sign(draw(0, 64, 64, 0.2)[0]), 1, fmt=Ternary())

    def forms(stage):
        found = SparseStage.candidates(stage.mat_vec, stage.x, None, interval_cycles=1,
                                       levels_per_register=1, choice={"pe": 2})
        return {one.values for one in found}

    assert forms(stage) == {"signs"}
    assert stage_of(stage.mat_vec.weights.values, 2, fmt=Ternary(), values="signs").estimate(
        TARGETS["ecp5"]).dsp == 0
    assert forms(stage_of(2 * stage.mat_vec.weights.values, 1)) == {"codes"}


@given(seed=st.integers(0, 999), bits=st.integers(1, 4), density=st.sampled_from([0.02, 0.2]))
def test_padding_is_that_of_a_walk_down_each_column(seed, bits, density):
    weights, _ = draw(seed, 60, 3, density)
    columns, padding = Columns.of(weights, 2, bits), 0
    for k in range(2):
        for column in weights[k::2].T:
            run = 0
            for weight in column:
                run = 0 if weight else run + 1
                if run == 1 << bits:
                    padding, run = padding + 1, 0
            # What a walk counts behind the last nonzero is not stored.
            tail = len(column) - 1 - max(np.flatnonzero(column), default=-1)
            padding -= tail >> bits
    assert columns.padding == padding


def test_index_bits_are_those_of_the_fewest_bits():
    weights, _ = draw(3, 64, 20, 0.4)
    sizes = {bits: sum(stage_of(weights, 2, index="relative", index_bits=bits).memory_bits[what]
                       for what in ("weights", "index")) for bits in range(1, 6)}
    stage = stage_of(weights, 2, index="relative")
    assert stage.columns.index_bits == min(sizes, key=sizes.get) == 2
    assert stage.folding == {"pe": 2, "queue_depth": 8, "index": "relative", "index_bits": 2}


def test_codes_take_as_many_bits_as_the_codebook_needs():
    weights = np.tile([[0, 0, 7, -5, 7]], (8, 2))
    stage = stage_of(weights, 2, values="codes")
    assert (stage.codebook.tolist(), stage.value_bits) == ([-5, 7], 1)
    assert stage.memory_bits["weights"] == 8 * 6 * 1
    assert stage.memory_bits["codebook"] == 2 * 2 * 6
    weights[:, 0] = [5] + 7 * [0]
    weights[:7, 2] = 0
    padded = stage_of(weights, 2, values="codes", index="relative", index_bits=1)
    assert (padded.codebook.tolist(), padded.value_bits) == ([-5, 0, 5, 7], 2)
    assert padded.code_of_zero == 1


def test_candidates_have_absolute_indices_and_what_takes_fewer_bits():
    weights, _ = draw(0, 64, 64, 0.3)
    stage = stage_of(np.clip(weights, -2, 2), 1)

    def forms(**choice):
        found = SparseStage.candidates(stage.mat_vec, stage.x, None, interval_cycles=1,
                                       levels_per_register=1, choice={"pe": 2} | choice)
        return [(one.index, one.columns.index_bits, one.values) for one in found]

    assert forms() == [("absolute", 5, "codes"), ("relative", 3, "codes"), ("mask", 0, "codes")]
    assert forms(values="plain")[0] == ("absolute", 5, "plain")
    assert forms(pointers="banks")[-1] == ("relative", 3, "codes")
    assert forms(index="mask") == [("mask", 0, "codes")]
    assert forms(index="absolute") == [("absolute", 5, "codes")]
    assert forms(index_bits=4, values="codes") == [("relative", 4, "codes")]
    few = stage_of(np.eye(64, dtype=int), 1)
    assert len(SparseStage.candidates(few.mat_vec, few.x, None, interval_cycles=1,
                                      levels_per_register=1, choice={"pe": 2})) == 1


def test_memory_bits_count_every_row():
    weights = np.array([[1, 0, 2], [0, 0, 0], [3, 4, 5], [0, 0, 0]])
    stage = stage_of(weights, 2, bias=np.array([0, 1, 2, 3]))
    # Element 0 has 5 entries (address 3 bits, at most 2 a column: 2 bits); element 1 has a zero.
    assert stage.entries.tolist() == [5, 0]
    assert stage.memory_bits == {
        "weights": 6 * 6, "index": 6 * 1, "pointers": 3 * 2 * (3 + 2), "bias": 4 * 2}
    assert stage_of(weights, 2).memory_bits.keys() == {"weights", "index", "pointers"}


def test_banks_hold_one_pointer_more_than_there_are_columns_and_no_counts():
    stage = stage_of(np.array([[1, 0, 2], [0, 0, 0], [3, 4, 5], [0, 0, 0]]), 2, pointers="banks")
    assert stage.memory_bits["pointers"] == (3 + 1) * 2 * 3
    assert stage.columns.bank_rows() == ([0, 3], [2, 5])
    assert stage.folding == {"pe": 2, "queue_depth": 8, "pointers": "banks"}


def test_stored_weights_are_as_narrow_as_their_format():
    assert stage_of(np.array([[1, -1]]), 1, fmt=Ternary()).weight_format == Fixed(2)


def test_ideal_and_used_entries():
    stage = stage_of(np.array([[1, 0, 2], [0, 0, 7], [3, 4, 5], [0, 0, 0]]), 2)
    assert stage.ideal_cycles == 3
    assert stage.used_entries(np.array([[9, 9, 9], [0, 0, 1]])).tolist() == [[5, 1], [2, 1]]
    assert stage.to_dict()["ideal_cycles"] == 3
    assert stage.to_dict()["nonzeros"] == 6
    assert stage.folding == {"pe": 2, "queue_depth": 8}


def test_interval_is_that_of_the_fullest_element():
    weights, _ = draw(0, 64, 64, 0.15)
    stage = stage_of(weights, 8)
    assert (stage.ideal_cycles, stage.entries.max(), stage.interval_cycles) == (80, 97, 97)
    assert stage_of(weights, 8, 1).interval_cycles > stage_of(weights, 8, 4).interval_cycles > 97


def test_fitted_queues_are_the_shallowest_that_come_near_the_deepest():
    weights, _ = draw(0, 64, 64, 0.15)
    stage = stage_of(weights, 8)
    intervals = {1 << k: stage_of(weights, 8, 1 << k).interval_cycles for k in range(7)}
    near = [depth for depth, cycles in intervals.items() if cycles <= 1.02 * intervals[64]]
    assert stage.fitted_depth() == near[0] == 8
    assert stage_of(np.ones((8, 64), int), 8).fitted_depth() == 2
    found = SparseStage.candidates(stage.mat_vec, stage.x, None, interval_cycles=1,
                                   levels_per_register=1,
                                   choice={"pe": 8, "queue_depth": "fitted", "index": "absolute"})
    assert [one.queue_depth for one in found] == [8]


def test_queues_are_as_deep_as_the_interval_asks_for():
    """What queues alone keep from it is tried with the shallowest that reach it, nothing else."""
    turns = np.arange(40)[:, None] % 2 == np.arange(96) // 24 % 2       # elements busy by turns
    stage = stage_of(turns.astype(int), 2)
    intervals = {1 << k: stage_of(turns.astype(int), 2, 1 << k).interval_cycles for k in range(7)}
    assert intervals[32] < intervals[16] < intervals[8] < intervals[2]

    def depths(interval_cycles, **choice):
        found = SparseStage.candidates(stage.mat_vec, stage.x, None, levels_per_register=1,
                                       interval_cycles=interval_cycles,
                                       choice={"pe": 2, "index": "absolute",
                                               "block_rows": 1} | choice)
        return [one.queue_depth for one in found]

    assert depths(intervals[8]) == [8]
    assert depths(intervals[8] - 1) == [8, 16]
    assert depths(intervals[16] - 1) == [8, 32]
    assert depths(intervals[64] - 1) == [8]
    assert depths(intervals[8] - 1, queue_depth=8) == [8]
    assert [one.queue_depth for one in stage.thriftier(intervals[2])] == [4, 2]
    assert stage.thriftier(intervals[8]) == []


@pytest.mark.parametrize(("target", "interval", "depth"), [(UP5K, 1200, 1), (ECP5, 1200, 8)])
def test_the_planner_takes_shallower_queues_where_they_take_less(target, interval, depth):
    """A queue of 8 is 16 rows of LUT RAM on an ECP5, as one of 1 is; flip-flops on an iCE40."""
    weights, _ = draw(0, 48, 96, 0.15)
    net = Network("n", (Input("x", (), (96,), Fixed(6)),
                        MatVec("fc", ("x",), Dense(weights, Fixed(8)))), ("fc",))
    free, eight = (plan(net, target, interval_cycles=interval,
                        cores={"fc": {"core": "sparse", "pe": 1} | more}).stages[0]
                   for more in ({}, {"queue_depth": 8}))
    assert (free.queue_depth, eight.queue_depth) == (depth, 8)
    assert free.interval_cycles <= interval
    assert (free.estimate(target).ff < eight.estimate(target).ff) == (depth < 8)


def test_interval_is_never_below_inputs_or_beats():
    assert stage_of(np.eye(4, 50, dtype=int), 4).interval_cycles == 50
    assert stage_of(np.eye(50, 4, dtype=int), 1).interval_cycles >= 50


@given(seed=st.integers(0, 999), depth=st.integers(1, 9))
def test_no_frame_is_slower_than_one_without_zeros(seed, depth):
    rng = np.random.default_rng(seed)
    stage = stage_of(draw(seed, 6, 10, 0.5)[0], 3, depth)
    busy = rng.random((4, 10)) < rng.random()
    arrivals = np.cumsum(rng.integers(1, 4, 40)).tolist()
    _, some = stage.timing.flow(busy, arrivals)
    assert (some <= stage.timing.flow(np.ones_like(busy), arrivals)[1]).all()
    assert stage.cycles(busy.astype(int)).max() <= stage.cycles(np.ones((1, 10), int))[0]


def test_refuses_what_it_cannot_compute():
    weights = np.ones((6, 4), int)
    with refused(SpecError, "sparse core 'fc': pe must be in 1..6, not 7"):
        stage_of(weights, 7)
    with refused(TypeError, "sparse core 'fc': pe must be an int, not 2.0"):
        stage_of(weights, 2.0)
    with refused(SpecError, "sparse core 'fc': simd must divide n_in = 4, not 3;"
                            " choose from [1, 2, 4]"):
        stage_of(weights, 2, simd=3)
    with refused(SpecError, "sparse core 'fc': lanes must divide what divides pe and n_out = 2, not"
                            " 4; choose from [1, 2]"):
        stage_of(weights, 4, lanes=4)
    with refused(SpecError, "sparse core 'fc': index must be one of absolute, relative, mask, not"
                            " 'run'"):
        stage_of(weights, 2, index="run")
    with refused(SpecError, "sparse core 'fc': pointers must be counts for an index of masks, from"
                            " which they follow, not 'banks'"):
        stage_of(weights, 2, index="mask", pointers="banks")
    with refused(SpecError, "sparse core 'fc': values must be one of plain, codes, signs, not"
                            " 'huffman'"):
        stage_of(weights, 2, values="huffman")
    with refused(SpecError, "sparse core 'fc': block_rows must divide n_out = 6, not 4; choose from"
                            " [1, 2, 3, 6]"):
        stage_of(weights, 1, block_rows=4)
    with refused(SpecError, "sparse core 'fc': block_columns must divide n_in = 4, not 3; choose"
                            " from [1, 2, 4]"):
        stage_of(weights, 1, block_columns=3)
    with refused(SpecError, "sparse core 'fc': pe must be in 1..3, not 4"):
        stage_of(weights, 4, block_rows=2)
    with refused(SpecError, "sparse core 'fc': simd must divide n_in / block_columns = 2, not 4;"
                            " choose from [1, 2]"):
        stage_of(weights, 1, simd=4, block_columns=2)
    with refused(SpecError, "sparse core 'fc': blocks must be of 1 x 1 for values of signs, which"
                            " cannot say 0, not of 2 x 1"):
        stage_of(weights, 1, values="signs", block_rows=2)
    with refused(SpecError, "sparse core 'fc': weights must be -1, 0 or 1 for values of signs, not"
                            " -2..1"):
        stage_of(np.array([[1, -2, 0]]), 1, values="signs")
    with refused(SpecError, "sparse core 'fc': pointers must be one of counts, banks, not 'ends'"):
        stage_of(weights, 2, pointers="ends")
    for index in ("absolute", "mask"):
        with refused(SpecError, "sparse core 'fc': index_bits must be given for a relative index"
                                f" alone, not for index = '{index}'"):
            stage_of(weights, 2, index=index, index_bits=4)
    with refused(SpecError, "sparse core 'fc': index_bits must be at least 1, not 0"):
        stage_of(weights, 2, index="relative", index_bits=0)
    with refused(SpecError, "sparse core 'fc': queue_depth must be at least 1, not 0"):
        stage_of(weights, 2, 0)
    with refused(TypeError, "sparse core 'fc': queue_depth must be an int, not '8'"):
        stage_of(weights, 2, "8")
    with refused(SpecError, "sparse core 'fc': input must be fixed point, not bipolar {-1, +1}"):
        stage_of(weights, 2, x=Bipolar())
    post = Threshold("act", ("fc",), np.zeros(6, int), np.zeros(6, bool))
    with refused(SpecError, "sparse core 'fc': what follows must be a Requantise or nothing,"
                            " not a Threshold"):
        stage_of(weights, 2, post=post)


def test_refuses_activations_that_are_not_integers():
    stage = stage_of(np.ones((2, 2), int), 1)
    for ask in (stage.cycles, stage.used_entries):
        with refused(TypeError, "sparse core 'fc': x must be integers, not float64"):
            ask(np.ones((1, 2)))
