# amaranth: UnusedElaboratable=no
"""Pools against plain loops: values under all stalls, latency and interval to the cycle."""

import numpy as np
import pytest
from cases.errors import refused
from golden.slow import max_pool, sum_pool
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Edge, MaxPool, SumPool
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, SpecError, Ternary
from hwgen.plan.stages import PoolStage, SumPoolStage, divisors, pool_of
from hwgen.rtl.pool import MaxPoolCore, SumPoolCore

CASES = [   # (h, w, c), size, stride
    ((4, 4, 2), (2, 2), (2, 2)),
    ((4, 6, 1), (2, 2), (2, 2)),
    ((5, 7, 4), (2, 3), (2, 3)),    # a row and a column over
    ((6, 5, 1), (3, 1), (3, 1)),
    ((3, 5, 2), (1, 1), (2, 2)),
    ((7, 8, 2), (2, 2), (3, 4)),    # gaps between windows
    ((3, 3, 3), (3, 3), (3, 3)),
    ((2, 3, 1), (2, 1), (2, 1)),
    ((5, 1, 2), (2, 1), (2, 5)),
    ((1, 9, 1), (1, 4), (1, 4)),
    ((3, 2, 2), (1, 1), (1, 1)),
]


KINDS = {
    "max": (MaxPool, PoolStage, MaxPoolCore, max_pool),
    "sum": (SumPool, SumPoolStage, SumPoolCore, sum_pool),
}


def pool_stage(case, lanes, fmt=Fixed(3), kind="max"):
    shape, size, stride = case
    edge = Edge(shape, fmt, fmt.min, fmt.max)
    node = KINDS[kind][0]("p", ("x",), size, stride)
    assert node.faults(edge) == []
    return KINDS[kind][1](node, edge, lanes)


def frames_of(stage, count, travels=lambda values: values):
    rng = np.random.default_rng(count)
    levels = stage.x.format.levels
    frames = rng.choice(levels, (count, stage.x.size))
    frames[0], frames[-1] = levels[0], levels[-1]
    slow = max_pool if isinstance(stage.pool, MaxPool) else sum_pool
    expected = [slow(stage.pool, frame.tolist(), stage.x.shape) for frame in frames]
    return travels(frames).tolist(), travels(np.array(expected)).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pools_and_their_cycles(case, kind):
    core = KINDS[kind][2]
    for lanes in divisors(case[0][2]):
        stage = pool_stage(case, lanes, kind=kind)
        frames, expected = frames_of(stage, 3)
        check_all_stalls(lambda stage=stage: core(stage), frames, expected)
        many = check_stream(core(stage), *frames_of(stage, 5))
        firsts = many.out_cycles[::len(expected[0]) // lanes]
        assert set(np.diff(firsts)) == {stage.interval_cycles}
        assert_flow(stage, many)
        assert stage.interval_cycles == np.prod(case[0]) // lanes
        slow = check_stream(core(stage), frames[:1], expected[:1], i_stall=True)
        assert slow.out_cycles == stage.schedule(slow.in_cycles)


@pytest.mark.parametrize(("fmt", "travels"), [
    (Bipolar(), lambda v: (v + 1) // 2),
    (Ternary(), lambda v: v),
    (Fixed(3, 0, False), lambda v: v),
    (Fixed(1), lambda v: v),
    (Planes((2, 4), -3), lambda v: (v + 3) // 2),
], ids=lambda value: "" if callable(value) else str(value))
def test_every_format_whose_codes_are_ordered(fmt, travels):
    stage = pool_stage(CASES[2], 2, fmt)
    check_stream(MaxPoolCore(stage), *frames_of(stage, 4, travels), i_stall=True, o_stall=True)


@pytest.mark.parametrize("fmt", [Fixed(1), Fixed(1, 0, False), Fixed(8), Fixed(5, 2, False)],
                         ids=str)
@pytest.mark.parametrize("case", [CASES[2], CASES[6], ((7, 7, 2), (7, 7), (7, 7))], ids=str)
def test_sums_of_every_fixed_point_in_full_width(case, fmt):
    stage = pool_stage(case, 1, fmt, "sum")
    frames, expected = frames_of(stage, 4)
    terms = case[1][0] * case[1][1]
    assert (min(expected[0]), max(expected[-1])) == (terms * fmt.min, terms * fmt.max)
    check_stream(SumPoolCore(stage), frames, expected, i_stall=True, o_stall=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beats", [1, 6, 13])
def test_reset_in_mid_frame_leaves_nothing_behind(beats, kind):
    stage = pool_stage(CASES[2], 2, kind=kind)
    check_stream(KINDS[kind][2](stage), *frames_of(stage, 3), reset_after=beats)


def test_converts_to_rtlil():
    assert "memory" in convert(MaxPoolCore(pool_stage(CASES[2], 2)))
    text = convert(SumPoolCore(pool_stage(CASES[2], 2, kind="sum")))
    assert "memory" in text
    assert "$gt" not in text


def test_the_narrowest_stage_that_is_fast_enough_is_taken():
    edge = Edge((4, 4, 4), Fixed(3), -4, 3)
    node = MaxPool("p", ("x",), (2, 2), (2, 2))
    assert [pool_of(node, edge, n).lanes for n in (64, 63, 32, 31, 1)] == [1, 2, 2, 4, 4]
    assert pool_of(SumPool("p", ("x",), (4, 4), (4, 4)), edge, 32).to_dict()["core"] == "sum-pool"


def test_refuses():
    with refused(SpecError, "pool core 'p': lanes must divide c = 4, not 3;"
                            " choose from [1, 2, 4]"):
        pool_stage(CASES[2], 3)
    with refused(SpecError, "pool core 'p': stride must be at least the size (3, 3), without"
                            " padding, not (2, 3) with (0, 0, 0, 0): put a sliding window in"
                            " front, as hwgen.plan.windowed does"):
        pool_stage(((4, 4, 1), (3, 3), (2, 3)), 1)
    with refused(SpecError, "sum-pool core 'p': stride must be at least the size (3, 3), without"
                            " padding, not (2, 3) with (0, 0, 0, 0): put a sliding window in"
                            " front, as hwgen.plan.windowed does"):
        pool_stage(((4, 4, 1), (3, 3), (2, 3)), 1, kind="sum")
    with refused(SpecError, f"sum-pool core 'p': input must be fixed point, not {Bipolar()}"):
        pool_stage(CASES[0], 1, Bipolar(), "sum")
    fmt = Codebook((-1, 0, 7))
    with refused(SpecError, "pool core 'p': input must be of a format whose codes order as its"
                            f" values, such as Fixed or Bipolar, not {fmt}"):
        pool_stage(CASES[0], 1, fmt)
    fmt = Planes.of_bases((2, 1))
    with refused(SpecError, "pool core 'p': input must be of a format whose codes order as its"
                            f" values, such as Fixed or Bipolar, not {fmt}"):
        pool_stage(CASES[0], 1, fmt)
