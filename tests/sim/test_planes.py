# amaranth: UnusedElaboratable=no
"""The binarised core over all its formats: values against golden, interval and latency."""

import random

import numpy as np
import pytest
from cases.plane_stages import INPUTS, OUTPUTS, WEIGHTS, plane_frames, plane_stage
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.numeric import Bipolar, Fixed, Planes, Ternary
from hwgen.plan.stages import divisors
from hwgen.rtl.folded import BinaryMatVec

SIGN, U2 = Bipolar(), Fixed(2, 0, False)


def check(rng, stage, *, count=4):
    """Values under all stalls; the cycle of every beat of a lone frame; the interval."""
    frames, expected = plane_frames(rng, stage, count)
    check_all_stalls(lambda: BinaryMatVec(stage), frames, expected)
    lone = check_stream(BinaryMatVec(stage), frames[:1], expected[:1])
    offered = list(range(lone.in_cycles[0], lone.in_cycles[0] + len(lone.in_cycles)))
    assert lone.out_cycles == stage.schedule(offered)
    late = check_stream(BinaryMatVec(stage), frames[:1], expected[:1], i_stall=True, seed=count)
    assert late.out_cycles == stage.schedule(late.in_cycles)
    many = check_stream(BinaryMatVec(stage), frames, expected)
    beats = stage.nf * stage.vectors
    assert set(np.diff(many.out_cycles[::beats])[1:]) == {stage.interval_cycles}
    assert_flow(stage, many)


@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize("x", INPUTS, ids=str)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_every_pair_of_formats_equals_golden(rng, weights, x, parallel):
    number = WEIGHTS.index(weights) + INPUTS.index(x) + parallel
    out = OUTPUTS[number % len(OUTPUTS)]
    stage = plane_stage(rng, weights, x, out, parallel=parallel)
    frames, expected = plane_frames(rng, stage, 4)
    check_stream(BinaryMatVec(stage), frames, expected, i_stall=True, o_stall=True, seed=number)


@pytest.mark.parametrize("out", OUTPUTS, ids=str)
@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize(("weights", "x"), [
    (SIGN, SIGN), (SIGN, U2), (U2, U2), (Fixed(2), Fixed(2)), (Ternary(), U2),
    (Planes((3, -5)), Planes.of_bases((5, 2))),
], ids=str)
def test_every_output_of_each_kind_of_plane_to_the_cycle(rng, weights, x, parallel, out):
    check(rng, plane_stage(rng, weights, x, out, parallel=parallel))


@pytest.mark.parametrize("seed", range(40))
def test_drawn_foldings_to_the_cycle(rng, seed):
    draw = random.Random(seed)
    n_out, n_in = draw.choice([1, 2, 3, 4, 6]), draw.choice([1, 2, 5, 6, 8, 12])
    stage = plane_stage(
        rng, draw.choice(WEIGHTS), draw.choice(INPUTS), draw.choice(OUTPUTS), n_out=n_out,
        n_in=n_in, pe=draw.choice(divisors(n_out)), simd=draw.choice(divisors(n_in)),
        levels=draw.choice([1, 2, 3, 7]), parallel=draw.random() < 0.5, bias=draw.random() < 0.5,
        vectors=draw.choice([(), (), (3,), (2, 2)]))
    check(rng, stage, count=5)


@pytest.mark.parametrize("levels", [1, 2, 9])
@pytest.mark.parametrize("simd", [1, 3, 64, 67])
def test_rows_of_every_width_at_every_clock(rng, simd, levels):
    n_in = 2 * simd if simd > 1 else 5
    check(rng, plane_stage(rng, SIGN, SIGN, SIGN, n_out=4, n_in=n_in, pe=2, simd=simd,
                           levels=levels))


@pytest.mark.parametrize(("weights", "x", "parallel", "simd", "levels"), [
    (SIGN, SIGN, False, 17, 1), (SIGN, SIGN, False, 1, 1), (SIGN, SIGN, False, 34, 3),
    (SIGN, U2, True, 17, 1), (SIGN, U2, False, 17, 2), (Planes.of_bases((5, 2)), U2, True, 17, 2),
    (Planes((3, -5)), Planes((3, -5)), False, 17, 1), (Fixed(2), U2, True, 17, 1),
    (Fixed(2), U2, False, 2, 1), (Ternary(), SIGN, False, 17, 2), (Ternary(), U2, True, 17, 1),
], ids=str)
def test_popcounts_of_six_input_luts_to_the_cycle(rng, weights, x, parallel, simd, levels):
    stage = plane_stage(rng, weights, x, SIGN, n_out=4, n_in=34, pe=2, simd=simd, levels=levels,
                        parallel=parallel, lut_inputs=6)
    assert bool(stage.parity_bits) == (stage.plane_sum.op == "xor" and simd > 2)
    check(rng, stage)


@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
def test_signs_meet_8_bit_pixels(rng, parallel):
    stage = plane_stage(rng, SIGN, Fixed(8, 0, False), SIGN, n_in=30, simd=10, parallel=parallel)
    assert stage.interval_cycles == (1 if parallel else 8) * 2 * 3
    check(rng, stage)


@pytest.mark.parametrize("bits", [3, 4, 8])
@pytest.mark.parametrize("weights", [SIGN, Fixed(2)], ids=str)
def test_outputs_of_many_thresholds(rng, weights, bits):
    check(rng, plane_stage(rng, weights, U2, Fixed(bits, 0, False), n_in=24))


@pytest.mark.parametrize("beats", [1, 5, 12])
def test_reset_in_mid_frame_leaves_nothing_behind(rng, beats):
    stage = plane_stage(rng, Fixed(2), U2, U2, vectors=(2,))
    frames, expected = plane_frames(rng, stage, 4)
    check_stream(BinaryMatVec(stage), frames, expected, reset_after=beats)


@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
def test_converts_to_rtlil(rng, parallel):
    stage = plane_stage(rng, Fixed(2), Planes((3, -5)), U2, parallel=parallel)
    assert "cell" in convert(BinaryMatVec(stage))
