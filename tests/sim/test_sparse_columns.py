# amaranth: UnusedElaboratable=no
"""The sparse core with columns shared out against plain numpy: values, stalls, cycles."""

import numpy as np
import pytest
from sim.harness import check_all_stalls, check_stream
from sim.test_sparse import U4, check_timing, chosen, draw, frames_of, reference

from hwgen.ir import Dense, Edge, MatVec, Requantise
from hwgen.numeric import Fixed, Ternary
from hwgen.plan.stages import SparseColumnsStage
from hwgen.plan.stages.scaling import MULTIPLIERS
from hwgen.rtl.sparse import SparseMatVec


def stage_of(weights, pe, queue_depth=8, *, bias=None, fmt=Fixed(6), post=None, **storage):
    mat_vec = MatVec("fc", ("x",), Dense(weights, fmt), bias)
    edge = Edge((weights.shape[1],), U4, U4.min, U4.max)
    return SparseColumnsStage(mat_vec, edge, post, pe, queue_depth, **storage)


CASES = [  # n_out, n_in, pe, column_groups, more
    (5, 8, 4, 2, {"simd": 2}), (1, 12, 4, 4, {"simd": 4}), (7, 12, 6, 3, {"simd": 6, "lanes": 1}),
    (8, 24, 4, 2, {"simd": 4, "block_rows": 2, "block_columns": 3, "index": "mask"}),
    (9, 8, 5, 1, {"index": "relative", "values": "codes"}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_numpy_under_all_stalls(rng, case):
    density = (0.4, 0.9, 0.2, 0.5, 0)[CASES.index(case)]
    n_out, n_in, pe, groups, more = case
    stage = stage_of(draw(rng, (n_out, n_in), density), pe, 2, column_groups=groups,
                     bias=rng.integers(-500, 500, n_out), **more)
    x = frames_of(rng, stage, 5)
    check_all_stalls(lambda: SparseMatVec(stage), x.tolist(), reference(stage, x).tolist())


@pytest.mark.parametrize("case", range(8))
def test_every_beat_leaves_in_the_cycle_of_the_model(rng, case):
    groups, rows, beats, each = (int(rng.integers(1, top)) for top in (5, 4, 8, 3))
    n_out = int(rng.integers(rows, 20))
    weights = draw(rng, (n_out, groups * each * beats), rng.random() ** 2)
    storage = {"values": ("plain", "codes")[case % 2], "simd": groups * each,
               "index": ("absolute", "relative", "mask")[case % 3],
               "multipliers": MULTIPLIERS[case // 2 % 2]}
    post = None
    if case % 4 == 0:
        post = Requantise("act", ("fc",), rng.integers(1, 9, n_out), 4, "half_up", U4)
    lanes = [k for k in range(1, rows + 1) if rows % k == n_out % k == 0]
    stage = stage_of(weights, rows * groups, int(rng.integers(1, 9)), column_groups=groups,
                     lanes=chosen(rng, lanes),
                     bias=rng.integers(-99, 99, n_out), post=post, **storage)
    check_timing(stage, frames_of(rng, stage, 6, zeros=rng.random()))


def test_few_outputs_are_not_bound_by_one_activation_a_cycle(rng):
    weights = draw(rng, (4, 96), 0.3)
    x = rng.integers(1, 16, (6, 96))
    ends = {groups: check_timing(stage_of(weights, 2 * groups, column_groups=groups, simd=groups),
                                 x).out_cycles[-1] for groups in (1, 4)}
    assert ends[1] >= 6 * 96
    assert ends[4] < ends[1] / 2.5


def test_signs_and_reset_in_mid_frame(rng):
    stage = stage_of(draw(rng, (6, 12), 0.5, Ternary()), 4, fmt=Ternary(), values="signs",
                     column_groups=2, simd=2, bias=rng.integers(-9, 9, 6))
    x = frames_of(rng, stage, 4, zeros=0.2)
    check_stream(SparseMatVec(stage), x.tolist(), reference(stage, x).tolist(), reset_after=3)


def test_sums_of_groups_wrap_nowhere():
    stage = stage_of(np.full((3, 8), -32), 4, column_groups=4, simd=4,
                     bias=np.array([-4000, 0, 4000]))
    x = np.array([[15] * 8, [0, 15] * 4, [0] * 8])
    check_timing(stage, x)
