# amaranth: UnusedElaboratable=no
"""The sparse core against plain numpy: values, stalls, reset, and the cycle model."""

import re

import numpy as np
import pytest
from sim.harness import check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, Requantise
from hwgen.numeric import Bipolar, Codebook, Fixed, PowerOfTwo, Ternary, round_shift
from hwgen.plan.stages import SparseStage
from hwgen.plan.stages.scaling import MULTIPLIERS
from hwgen.rtl.sparse import SparseMatVec

U4 = Fixed(4, 0, False)

SIZES = [  # n_out, n_in, pe, queue_depth
    (1, 1, 1, 1), (1, 9, 1, 8), (6, 1, 2, 8), (5, 7, 5, 2), (12, 10, 4, 1), (14, 11, 2, 3),
    (9, 20, 9, 8), (13, 12, 4, 2),
]

STORAGES = {
    "EIE": {"index": "relative", "index_bits": 4, "values": "codes", "pointers": "banks"},
    "narrow index": {"index": "relative", "index_bits": 1},
    "best index, several activations": {"index": "relative", "simd": 3},
    "masks": {"index": "mask", "simd": 2},
    "codes, one lane": {"values": "codes", "lanes": 1},
    "several activations": {"simd": 6},
    "all at once": {"simd": 12, "lanes": 2, "index": "relative", "index_bits": 2,
                    "values": "codes"},
}


def draw(rng, shape, density, fmt=Fixed(6)):
    return rng.integers(fmt.min, fmt.max + 1, shape) * (rng.random(shape) < density)


def sparse_stage(weights, pe, queue_depth=8, *, bias=None, fmt=Fixed(6), x=U4, post=None,
                 **storage):
    mat_vec = MatVec("fc", ("x",), Dense(weights, fmt), bias)
    edge = Edge((weights.shape[1],), x, x.min, x.max)
    return SparseStage(mat_vec, edge, post, pe, queue_depth, **storage)


def reference(stage, x):
    y = x @ stage.mat_vec.weights.to_dense().T + stage.mat_vec.bias_or_zero
    if stage.post is None:
        return y
    node = stage.post
    return np.clip(round_shift(y * node.multiplier, node.shift, node.rounding),
                   node.format.min, node.format.max)


def frames_of(rng, stage, frames, *, zeros=0.5):
    """Frames with that share of zeros; the first is all zero, the second full of the largest."""
    fmt = stage.x.format
    x = draw(rng, (frames, stage.n_in), 1 - zeros, fmt)
    x[0], x[1] = 0, fmt.max
    return x


def check_timing(stage, x, **options):
    """Values, and the cycle of every beat as the model has it.

    The harness knows when a beat is taken. With stalls of the input that is when it is offered only
    where each beat has one activation.
    """
    timing = check_stream(SparseMatVec(stage), x.tolist(), reference(stage, x).tolist(), **options)
    beats, busy = range(x.size // stage.in_lanes), stage.busy(x)
    if "i_stall" in options:
        assert stage.in_lanes == 1
        offered = timing.in_cycles
    else:
        first = timing.in_cycles[0] - stage.timing.flow(busy, beats)[0][0]
        offered = range(first, first + len(beats))
    taken, model = stage.timing.flow(busy, offered)
    assert (timing.in_cycles, timing.out_cycles) == (taken, model.ravel().tolist())
    return timing


@pytest.mark.parametrize("density", [0, 0.4, 1])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_numpy_under_all_stalls(rng, size, density):
    n_out, n_in, pe, depth = size
    bias = rng.integers(-500, 500, n_out) if density < 1 else None
    stage = sparse_stage(draw(rng, (n_out, n_in), density), pe, depth, bias=bias)
    x = frames_of(rng, stage, 5)
    check_all_stalls(lambda: SparseMatVec(stage), x.tolist(), reference(stage, x).tolist())


@pytest.mark.parametrize("density", [0, 0.2, 1])
@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_equals_numpy_under_all_stalls(rng, storage, density):
    weights = draw(rng, (22, 12), density)
    stage = sparse_stage(weights, 4, 2, bias=rng.integers(-500, 500, 22), **STORAGES[storage])
    x = frames_of(rng, stage, 5)
    check_all_stalls(lambda: SparseMatVec(stage), x.tolist(), reference(stage, x).tolist())


def chosen(rng, numbers):
    return int(rng.choice(list(numbers)))


@pytest.mark.parametrize("case", range(24))
def test_model_has_every_storage_and_size(rng, case):
    n_out, pe, beats, simd = (int(rng.integers(1, top)) for top in (30, 9, 12, 6))
    pe = min(pe, n_out)
    weights = draw(rng, (n_out, beats * simd), rng.random() ** 2)
    lanes = chosen(rng, (k for k in range(1, pe + 1) if pe % k == n_out % k == 0))
    storage = {"simd": simd, "lanes": lanes, "values": ("plain", "codes")[case % 2],
               "pointers": ("counts", "banks")[case // 2 % 2],
               "multipliers": MULTIPLIERS[case // 4 % 2]}
    if case % 6 == 3:
        storage |= {"index": "mask", "pointers": "counts"}
    elif case % 3:
        storage |= {"index": "relative", "index_bits": chosen(rng, range(1, 5))}
    post = None
    if case % 4 == 0:
        post = Requantise("act", ("fc",), rng.integers(1, 9, n_out), 4, "half_up", U4)
    stage = sparse_stage(weights, pe, int(rng.integers(1, 9)), bias=rng.integers(-99, 99, n_out),
                         post=post, **storage)
    x = frames_of(rng, stage, 6, zeros=rng.random())
    check_timing(stage, x, **({"i_stall": True, "seed": case} if simd == 1 else {}))


def test_zeros_of_a_beat_cost_nothing_while_others_are_at_work(rng):
    weights = draw(rng, (16, 96), 0.9)
    cycles = []
    x = draw(rng, (6, 96), 0.1, U4)
    for simd in (1, 8):
        stage = sparse_stage(weights, 8, simd=simd)
        ends = check_timing(stage, x).out_cycles[stage.nf - 1::stage.nf]
        cycles.append(ends[-1] - ends[0])
    assert cycles[0] >= 5 * 96
    assert cycles[1] < cycles[0] / 3


def test_padding_is_an_entry_of_no_weight(rng):
    weights = np.zeros((40, 3), np.int64)
    weights[[39, 7], [0, 2]] = 5, -3
    stage = sparse_stage(weights, 1, index="relative", index_bits=2, values="codes")
    assert (stage.columns.padding, stage.entries.tolist()) == (9 + 1, [12])
    check_timing(stage, frames_of(rng, stage, 4, zeros=0))


@pytest.mark.parametrize("case", range(25))
def test_every_beat_leaves_in_the_cycle_of_the_model(rng, case):
    rows, pe, n_in, depth = (int(rng.integers(1, top)) for top in (7, 6, 24, 10))
    weights = draw(rng, (rows * pe, n_in), rng.random() ** 2)
    post = None
    if case % 3 == 0:
        post = Requantise("act", ("fc",), rng.integers(1, 9, rows * pe), 4, "half_up", U4)
    stage = sparse_stage(weights, pe, depth, bias=rng.integers(-99, 99, rows * pe), post=post)
    x = frames_of(rng, stage, 8, zeros=rng.random())
    check_timing(stage, x, **({"i_stall": True, "seed": case} if case % 2 else {}))


@pytest.mark.parametrize("zeros", [0, 0.5, 0.95, 1])
def test_cycles_and_schedule_of_a_lone_frame(rng, zeros):
    stage = sparse_stage(draw(rng, (12, 30), 0.3), 4)
    x = draw(rng, (1, 30), 1 - zeros) & 15
    x[:] = np.where(x == 0, zeros == 0, x)
    lone = check_timing(stage, x)
    assert lone.out_cycles[-1] - lone.in_cycles[0] == stage.cycles(x)[0]
    if zeros == 0:
        assert lone.out_cycles == stage.schedule(lone.in_cycles)


def test_interval_is_that_of_frames_without_zeros(rng):
    stage = sparse_stage(draw(rng, (16, 20), 0.6), 4)
    x = rng.integers(1, 16, (9, 20))
    ends = check_timing(stage, x).out_cycles[stage.nf - 1::stage.nf]
    assert stage.interval_cycles == np.ceil((ends[-1] - ends[4]) / 4)
    assert stage.interval_cycles >= stage.entries.max() > stage.n_in


def test_zeros_shorten_the_interval_to_the_entries_used(rng):
    stage = sparse_stage(draw(rng, (32, 40), 0.9), 4)
    x = draw(rng, (10, 40), 0.3, U4)
    ends = check_timing(stage, x).out_cycles[stage.nf - 1::stage.nf]
    used = stage.used_entries(x).max(axis=1)
    assert ends[-1] - ends[3] <= np.maximum(used, stage.n_in)[4:].sum() * 1.05


@pytest.mark.parametrize("pe", [1, 2, 8])
def test_one_full_row_is_hit_in_every_cycle(rng, pe):
    weights = np.zeros((8, 16), np.int64)
    weights[3] = rng.integers(1, 32, 16)
    stage = sparse_stage(weights, pe, bias=rng.integers(-9, 9, 8))
    x = frames_of(rng, stage, 6, zeros=0)
    check_timing(stage, x)
    check_timing(stage, x, i_stall=True)


@pytest.mark.parametrize("simd", [1, 3, 15])
def test_empty_rows_and_columns(rng, simd):
    weights = draw(rng, (12, 15), 0.7)
    weights[::3], weights[:, 4:9], weights[:, -1] = 0, 0, 0
    stage = sparse_stage(weights, 3, bias=rng.integers(-9, 9, 12), simd=simd)
    assert stage.memory_bits["used columns"] == 15
    check_timing(stage, frames_of(rng, stage, 6))


def test_empty_columns_cost_nothing(rng):
    weights = np.zeros((8, 64), np.int64)
    weights[:, ::8] = 3
    stage = sparse_stage(weights, 8, simd=8)
    x = rng.integers(1, 16, (6, 64))
    ends = check_timing(stage, x).out_cycles
    assert ends[-1] - ends[0] == 5 * 8


@pytest.mark.parametrize("formats", [
    (Fixed(1, 0, False), Fixed(1, 0, False)), (Fixed(8), Fixed(8)), (Fixed(2), Fixed(7)),
    (Fixed(16), Fixed(16)), (Fixed(5, 0, False), Fixed(4)), (Fixed(1), Fixed(1)),
], ids=str)
@pytest.mark.parametrize("largest", [False, True])
def test_extremes_of_every_signedness(formats, largest):
    weights, x = formats
    full = np.full((4, 9), weights.max if largest else weights.min)
    stage = sparse_stage(full, 2, fmt=weights, x=x, bias=np.array([-700, 0, 900, 1]))
    frames = np.array([[x.max] * 9, [x.min] * 9, [x.min, x.max, 0] * 3])
    check_stream(SparseMatVec(stage), frames.tolist(), reference(stage, frames).tolist())


@pytest.mark.parametrize("fmt", [Bipolar(), Ternary(), PowerOfTwo(4), Codebook((-9, -1, 0, 6))],
                         ids=str)
def test_weights_of_every_format(rng, fmt):
    values = np.array([v for v in range(fmt.min, fmt.max + 1) if fmt.allowed(v)])
    stage = sparse_stage(rng.choice(values, (6, 10)), 3, fmt=fmt)
    check_timing(stage, frames_of(rng, stage, 4))


SIGNS = [{}, {"index": "relative", "index_bits": 1}, {"index": "relative", "index_bits": 2},
         {"index": "relative", "pointers": "banks"}]


@pytest.mark.parametrize("density", [0.3, 1])
@pytest.mark.parametrize("index", SIGNS, ids=str)
def test_signs_are_added_and_subtracted(rng, index, density):
    stage = sparse_stage(draw(rng, (22, 10), density, Ternary()), 4, 2, fmt=Ternary(),
                         bias=rng.integers(-500, 500, 22), values="signs", **index)
    assert "$mul" not in convert(SparseMatVec(stage))
    x = frames_of(rng, stage, 5, zeros=0.2)
    check_timing(stage, x, **({"i_stall": True} if density == 0.3 else {}))


BLOCKS = [(2, 1, {}), (1, 2, {"index": "relative", "index_bits": 1}), (3, 4, {"values": "codes"}),
          (2, 2, {"index": "mask", "simd": 3, "lanes": 2}), (4, 1, {"pointers": "banks"}),
          (1, 3, {"simd": 4})]


@pytest.mark.parametrize("density", [0, 0.5, 1])
@pytest.mark.parametrize(("r", "c", "storage"), BLOCKS, ids=str)
def test_blocks_are_multiplied_at_once(rng, r, c, storage, density):
    weights = draw(rng, (7 * r, 12), 0.9)
    weights *= np.kron(rng.random((7, 12 // c)) < density, np.ones((r, c), int))
    post = None
    if r == 2:
        post = Requantise("act", ("fc",), rng.integers(1, 9, 14), 4, "half_up", U4)
    if "lanes" in storage:
        weights = np.vstack([weights, weights[:2]])
        post = None
    stage = sparse_stage(weights, 2, 2, bias=rng.integers(-500, 500, len(weights)), post=post,
                         block_rows=r, block_columns=c, **storage)
    x = frames_of(rng, stage, 5)
    check_timing(stage, x)
    if density == 0.5:
        check_stream(SparseMatVec(stage), x.tolist(), reference(stage, x).tolist(), i_stall=True,
                     o_stall=True)


def test_a_block_of_extremes_overflows_nothing():
    stage = sparse_stage(np.full((4, 8), -32), 2, x=Fixed(4), block_rows=2, block_columns=4)
    frames = np.array([[-8] * 8, [7] * 8, [-8, 7] * 4])
    check_timing(stage, frames)


@pytest.mark.parametrize("x", [Fixed(1), Fixed(1, 0, False), Fixed(8), Fixed(8, 0, False)], ids=str)
@pytest.mark.parametrize("sign", [-1, 1])
def test_extremes_of_signs(x, sign):
    stage = sparse_stage(np.full((5, 9), sign), 2, fmt=Ternary(), x=x, values="signs")
    frames = np.array([[x.max] * 9, [x.min] * 9, [x.min, x.max, 0] * 3])
    check_all_stalls(lambda: SparseMatVec(stage), frames.tolist(),
                     reference(stage, frames).tolist())


@pytest.mark.parametrize("multiplier", [[1], [3], [1, 5, 2, 9, 1, 1, 7, 3]], ids=str)
def test_requantise_follows_under_all_stalls(rng, multiplier):
    post = Requantise("act", ("fc",), np.array(multiplier), 5, "half_even", Fixed(6))
    stage = sparse_stage(draw(rng, (8, 9), 0.5), 2, bias=rng.integers(-500, 500, 8), post=post)
    x = frames_of(rng, stage, 6)
    check_all_stalls(lambda: SparseMatVec(stage), x.tolist(), reference(stage, x).tolist())


@pytest.mark.parametrize("beats", [1, 6, 7, 12, 13, 20])
def test_reset_in_mid_frame_leaves_nothing_behind(rng, beats):
    stage = sparse_stage(draw(rng, (12, 6), 0.8), 2, bias=rng.integers(-500, 500, 12))
    x = frames_of(rng, stage, 5, zeros=0.2)[::-1]
    check_timing(stage, x, reset_after=beats)


def test_nothing_is_taken_while_the_banks_are_refilled_after_reset(rng):
    stage = sparse_stage(draw(rng, (12, 6), 0.8), 2)
    x = frames_of(rng, stage, 2)
    assert check_timing(stage, x).in_cycles[0] == stage.nf


def _pointers_of_one_row(stage):
    """Bits of the pointer memories that have a single row."""
    if stage.pointers == "counts":
        return stage.memory_bits["pointers"] if stage.n_in == 1 else 0
    rows = [len(bank) for bank in stage.columns.bank_rows()]
    return rows.count(1) * stage.pe * stage.columns.end_bits


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("storage", [
    {}, {"index": "relative", "index_bits": 1}, {"values": "codes"},
    {"index": "relative", "values": "codes"}, {"pointers": "banks"}, {"index": "mask"}], ids=str)
def test_memories_are_the_stated_ones(rng, size, storage):
    n_out, n_in, pe, depth = size
    bias = rng.integers(-500, 500, n_out)
    weights = draw(rng, (n_out, n_in), 0.5)
    weights[0, 0] = 1
    stage = sparse_stage(weights, pe, depth, bias=bias, **storage)
    constant = 0
    for module in convert(SparseMatVec(stage)).split("\nmodule ")[1:]:
        sizes = re.findall(r"memory width (\d+) size (\d+)", module)
        written = "$memwr" in module
        constant += 0 if written else sum(int(width) * int(rows) for width, rows in sizes)
    # Memories of a single row are plain constants.
    entry_bits = stage.entry_bits
    lone = entry_bits * int((stage.columns.memory_rows == 1).sum())
    lone += stage.memory_bits["bias"] if stage.nf == 1 else 0
    lone += _pointers_of_one_row(stage)
    lone += stage.memory_bits.get("used columns", 0) if stage.n_in == 1 else 0
    lone += stage.memory_bits.get("codebook", 0) if len(stage.codebook) == 1 else 0
    assert constant + lone == sum(stage.memory_bits.values())
