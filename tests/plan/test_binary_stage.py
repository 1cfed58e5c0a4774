# amaranth: UnusedElaboratable=no
"""The binarised stage: planes, gains, constants, storage, time and refusals."""

import re
from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.plane_stages import INPUTS, OUTPUTS, WEIGHTS, plane_stage
from cases.targets import ECP5, UP5K
from sim.harness import convert

from hwgen.ir import Dense, Edge, MatVec, Requantise, Threshold
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, PowerOfTwo, SpecError, Ternary
from hwgen.plan.stages import BinaryStage
from hwgen.plan.stages.combine import Combine
from hwgen.plan.stages.plane_sum import PlaneSum
from hwgen.plan.stages.threshold_search import ThresholdSearch
from hwgen.rtl.folded import BinaryMatVec

SIGN, U2, U8 = Bipolar(), Fixed(2, 0, False), Fixed(8, 0, False)


def popcounts(planes, x_planes, x_codes):
    """The weighed sum of popcounts, bit by bit; int64 (batch, n_out)."""
    total = 0
    for weight in planes:
        for plane in x_planes:
            x = (x_codes >> plane.bit & 1) ^ plane.inverted ^ weight.inverts_x
            w = weight.bits.astype(np.int64)
            met = x[:, None] & w[0] if weight.op == "and" else x[:, None] ^ w[0]
            if weight.op == "masked":
                met &= w[1]
            assert (met.sum(axis=-1) <= weight.most).all()
            total = total + weight.gain * plane.gain * met.sum(axis=-1)
    return total


@pytest.mark.parametrize("x", INPUTS, ids=str)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_products_are_popcounts_and_a_constant(rng, weights, x):
    matrix = Dense(rng.choice(weights.levels, (5, 9)), weights)
    values = rng.choice(x.levels, (30, 9))
    sums = PlaneSum(matrix, x)
    total = popcounts(sums.weight_planes, sums.input_planes, x.encode(values))
    assert np.array_equal(2 * values @ matrix.values.T, sums.unit * total + sums.constant)
    assert (total <= sums.most).all()
    assert min(plane.gain for plane in (*sums.weight_planes, *sums.input_planes)) > 0
    if sums.flips:
        rows = np.array([True, False, True, True, False])
        flipped = popcounts([plane.flipped(rows) for plane in sums.weight_planes],
                            sums.input_planes, x.encode(values))
        assert np.array_equal(flipped, np.where(rows, sums.most - total, total))


def test_pairs_of_planes_and_what_meets():
    pairs = {
        (SIGN, SIGN): (1, "xor"), (SIGN, U2): (2, "xor"), (U2, U2): (4, "and"),
        (Fixed(2), Fixed(3)): (6, "and"), (SIGN, U8): (8, "xor"),
        (Planes.of_bases((3, 1)), SIGN): (2, "xor"), (Planes((3, -5)), U2): (4, "and"),
        (Planes((3, 5), 1), SIGN): (3, "and"), (Ternary(), SIGN): (1, "masked"),
        (Ternary(), U2): (2, "masked"),
    }
    for (weights, x), (count, op) in pairs.items():
        stage = plane_stage(np.random.default_rng(0), weights, x)
        assert (stage.plane_pairs, stage.plane_sum.op) == (count, op)
        assert stage.interval_cycles == count * stage.nf * stage.sf


# -- time ------------------------------------------------------------------------------------------

def test_interval_of_planes_and_vectors(rng):
    for parallel, passes in ((False, 4), (True, 1)):
        stage = plane_stage(rng, U2, U2, SIGN, parallel=parallel, vectors=(3, 5))
        assert stage.vectors == 15
        assert stage.passes == passes
        assert stage.interval_cycles == 15 * passes * 2 * 3
        assert stage.schedule(list(range(45)))[-1] == (
            stage.interval_cycles + stage.issue_to_output)


def test_latency_is_the_sum_of_its_registers(rng):
    plain = plane_stage(rng, SIGN, SIGN, SIGN, n_in=128, simd=64, levels=2)
    assert plain.dot_registers == 5 // 2        # 16 full adders, then four levels of adders
    assert plain.issue_to_output == 2 + 2 + 1 + 0 + 0 + 1
    serial = plane_stage(rng, U2, U2, U2, n_in=128, simd=64, levels=2)
    assert (serial.combine_registers, serial.post_registers) == (2, 2)
    parallel = plane_stage(rng, U2, U2, U2, n_in=128, simd=64, levels=2, parallel=True)
    # Gains 1, 2 and 4, the second for 128 bits: one level more, a register, two levels of adders.
    assert parallel.dot_registers == 6 // 2 + 1 + 1
    assert parallel.combine_registers == 0


@pytest.mark.parametrize(("gains", "shifts", "terms", "registers"), [
    ((1, 2), (0, 1), [0, 1], 1), ((2, 8, 32), (1, 2), [1, 3, 5], 1), ((1, 1), (0, 0), [0], 1),
    ((1, 2, 8), None, [0, 1, 3], 2), ((3, 5), None, [0, 1, 2], 2), ((7, 9), None, [0, 1, 2, 3], 2),
])
def test_combine_shifts_where_it_can(gains, shifts, terms, registers):
    combine = Combine(gains, 2)
    assert (combine.shifts, combine.terms, combine.registers) == (shifts, terms, registers)


# -- thresholds ------------------------------------------------------------------------------------

def reached(search, sums):
    """Output codes of ``sums`` (n,), by one comparison after another as in the hardware."""
    rows = np.arange(len(sums))
    value, index = sums - search.first, np.zeros(len(sums), int)
    for number in range(search.bits):
        limit = 0 if number == 0 else search.step(number)[rows, index]
        index = 2 * index + (value >= limit)
    return search.codes[search.invert.astype(int), index]


@pytest.mark.parametrize("flips", [True, False])
@pytest.mark.parametrize("fmt", [out for out in OUTPUTS if out], ids=str)
def test_search_finds_the_code_of_every_sum(rng, fmt, flips):
    n, most, steps = 8, np.full(8, 20, object), len(fmt.levels) - 1
    wanted = np.sort(rng.integers(-3, 25, (n, steps)), axis=1).astype(object)
    node = Threshold("act", ("fc",), np.zeros((n, steps), int), rng.integers(0, 2, n), fmt)
    search = ThresholdSearch.of(node, wanted, most, flips=flips)
    assert search.bits == steps.bit_length()
    assert not (flips and search.has_inverts)
    for total in range(21):
        count = (total >= wanted).sum(axis=1)
        expected = fmt.encode(fmt.levels[np.where(node.invert, steps - count, count)])
        came = np.where(search.flipped, 20 - total, total)
        assert np.array_equal(reached(search, came), expected)


# -- storage ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize("weights", [SIGN, U2, Ternary(), Planes((3, -5))], ids=str)
def test_weight_rows_hold_the_planes_in_reading_order(rng, weights, parallel):
    stage = plane_stage(rng, weights, U2, SIGN, parallel=parallel)
    rows = stage.weight_rows()
    planes, steps = stage.weight_planes, len(stage.weight_planes)
    assert len(rows) == stage.nf * stage.sf * (1 if parallel else steps)
    for m, plane in enumerate(planes):
        for word in range(plane.words):
            for o in range(stage.n_out):
                for i in range(stage.n_in):
                    (f, p), (s, lane) = divmod(o, stage.pe), divmod(i, stage.simd)
                    row = f * stage.sf + s if parallel else (f * steps + m) * stage.sf + s
                    group = p * stage.words_per_lane + word + m * plane.words * parallel
                    bit = rows[row] >> (group * stage.simd + lane) & 1
                    assert bit == plane.bits[word, o, i]


def test_weight_rows_for_luts_of_six_inputs_hold_the_parity_of_each_triple(rng):
    chains = plane_stage(rng, SIGN, SIGN, SIGN)
    trees = replace(chains, lut_inputs=6)
    assert trees.parity_bits == 3           # of 4
    for plain, formed in zip(chains.weight_rows(), trees.weight_rows(), strict=True):
        for lane in range(0, 12, 4):
            plain_row, row = plain >> lane & 15, formed >> lane & 15
            assert row ^ plain_row == (plain_row ^ plain_row >> 1) << 2 & 4
    assert not replace(plane_stage(rng, U2, U2), lut_inputs=6).parity_bits


@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize("out", OUTPUTS, ids=str)
@pytest.mark.parametrize("weights", [SIGN, U2, Ternary(), Planes((3, -5))], ids=str)
def test_stated_memories_are_those_of_the_hardware(rng, weights, out, parallel):
    stage = plane_stage(rng, weights, Fixed(2), out, parallel=parallel)
    found = sum(int(width) * int(rows)
                for module in convert(BinaryMatVec(stage)).split("\nmodule ")[1:]
                if "$memwr" not in module
                for width, rows in re.findall(r"memory width (\d+) size (\d+)", module))
    assert sum(stage.memory_bits.values()) == found
    assert set(stage.memory_bits) <= {"weights", "bias" if out is None else "thresholds"}


def test_memory_bits():
    weights = np.array([[1, 1, -1, 1, -1, -1], [1, 1, 1, 1, -1, -1]])
    node = MatVec("fc", ("x",), Dense(weights, SIGN))
    edge = Edge((6,), SIGN, -1, 1)

    def stored(post, mat_vec=node):
        return BinaryStage(mat_vec, edge, post, 1, 2, 2).memory_bits

    def threshold(values, invert=(0, 0)):
        return Threshold("act", ("fc",), np.array(values), np.array(invert))

    # All scores begin at -6. A bias makes that -4 and -1: -2 and -1 from which twos are counted,
    # and a lowest bit; or -4 and -3, where only the lowest bits differ.
    assert stored(None) == {"weights": 12}
    biased = MatVec("fc", ("x",), node.weights, np.array([2, 5]))
    assert stored(None, biased) == {"weights": 12, "bias": 2 * (2 + 1)}
    biased = MatVec("fc", ("x",), node.weights, np.array([2, 3]))
    assert stored(None, biased) == {"weights": 12, "bias": 2}
    # Reached by counts of 3 and 5, so by flipped ones below 4 and 2.
    assert stored(threshold([0, 4])) == {"weights": 12, "thresholds": 2 * 3}
    assert stored(threshold([0, 0])) == {"weights": 12}
    # Of the inverted one 3 of 6 are equal where the other one has 4 of 6 different.
    assert stored(threshold([0, 2], (0, 1))) == {"weights": 12}
    assert BinaryStage(node, edge, threshold([0, 4]), 1, 2, 2).starts.tolist() == [-4, -2]


def test_accumulator_is_as_wide_as_the_actual_values_need(rng):
    ones = MatVec("fc", ("x",), Dense(np.ones((4, 64), int), SIGN))
    edge = Edge((64,), SIGN, -1, 1)
    middle = Threshold("act", ("fc",), np.zeros(4, int), np.zeros(4, bool))
    never = Threshold("act", ("fc",), np.full(4, 65), np.zeros(4, bool))
    assert BinaryStage(ones, edge, middle, 1, 8, 2).acc_format == Fixed(7)   # -33..31
    assert BinaryStage(ones, edge, never, 1, 8, 2).acc_format == Fixed(8)
    few = np.zeros((4, 64), int)
    few[:, :5] = 1
    stage = BinaryStage(MatVec("fc", ("x",), Dense(few, U2)), Edge((64,), U2, 0, 3), None, 1, 8, 2)
    assert stage.acc_format == Fixed(5)     # at most 15
    assert stage.most_count == 5


# -- the choice of the core, and refusals ----------------------------------------------------------

@pytest.mark.parametrize(("weights", "x", "suits"), [
    (SIGN, SIGN, True), (SIGN, U8, True), (SIGN, Fixed(9), False), (Ternary(), Fixed(4), True),
    (Ternary(), Fixed(5), False), (Fixed(2), Fixed(4), True), (Fixed(3), Fixed(4), False),
    (Planes((1, 3)), Fixed(4), True), (Planes((1, 3)), U8, False), (PowerOfTwo(3), SIGN, False),
    (SIGN, Codebook((1, 3)), False), (Fixed(1), SIGN, True),
], ids=str)
def test_which_formats_come_here_unasked(weights, x, suits):
    node = MatVec("fc", ("x",), Dense(np.full((2, 4), weights.max), weights))
    assert BinaryStage.suits(node, Edge((4,), x, x.min, x.max)) == suits


def make(weights=SIGN, x=SIGN, *, planes=1, post=None, values=1):
    node = MatVec("fc", ("x",), Dense(np.full((4, 6), values), weights))
    return BinaryStage(node, Edge((6,), x, x.min, x.max), post, 2, 3, 2, planes)


def test_refuses_formats_without_planes():
    with refused(SpecError, "binary core 'fc': weights must be sums of bit planes, not power of two"
                            " {0, +-1 .. +-4}; choose the fixed core"):
        make(PowerOfTwo(3))
    with refused(SpecError, "binary core 'fc': input must be sums of bit planes, not codebook of 2"
                            " values (1..3); choose the fixed core"):
        make(x=Codebook((1, 3)))
    with refused(SpecError, "binary core 'fc': weight planes times input planes must be at most 64,"
                            " not 5 * 13; choose the fixed core"):
        make(Fixed(5), Fixed(13))


def test_refuses_numbers_of_planes():
    with refused(SpecError, "binary core 'fc': planes must be 1 (one pair of planes after another)"
                            " or all 4 pairs side by side, not 2"):
        make(U2, U2, planes=2)
    with refused(TypeError, "binary core 'fc': planes must be an int, not 2.0"):
        make(U2, U2, planes=2.0)
    with refused(SpecError, "binary core 'fc': planes must be 1, as there is one pair of planes,"
                            " not 2"):
        make(planes=2)


def test_refuses_luts_that_there_are_none_of(rng):
    with refused(SpecError, "binary core 'fc': lut_inputs must be 4 or 6, not 5"):
        plane_stage(rng, SIGN, SIGN, lut_inputs=5)
    with refused(TypeError, "binary core 'fc': lut_inputs must be an int, not '6'"):
        plane_stage(rng, SIGN, SIGN, lut_inputs="6")


def test_refuses_planes_that_overflow_the_accumulator():
    huge = Planes((3 << 56, 1 - (3 << 56)))     # 1 is the difference of both
    with refused(SpecError, "binary core 'fc': accumulator must have at most 62 bits, not 63: sums"
                            " of planes run from -3891110078048108538 to 3891110078048108532"):
        make(huge, Fixed(2), values=1)


def test_refuses_an_output_of_one_level():
    post = Threshold("act", ("fc",), np.zeros((4, 0), int), np.zeros(4, bool), Codebook((5,)))
    with refused(SpecError, "binary core 'fc': output must have at least 2 levels, not those of"
                            " codebook of 1 values (5..5)"):
        make(post=post)


def test_a_requantise_may_follow():
    post = Requantise("act", ("fc",), np.array([1]), 2, "half_up", Fixed(4))
    assert make(post=post).post_registers == 2


def test_latency_follows_from_the_luts(rng):
    sizes = {"n_in": 128, "simd": 64, "levels": 1}
    chains = plane_stage(rng, SIGN, SIGN, SIGN, **sizes)
    trees = plane_stage(rng, SIGN, SIGN, SIGN, lut_inputs=6, **sizes)
    assert chains.dot_registers == 5            # 16 full adders, then four levels of adders
    # 63 of 64 bits become 7 and 28 of weights 1 and 2, then 2, 7, 6, 4, then 2, 2, 2, 4, 2, then
    # 2, 2, 2, 2, 3, then 2, 2, 2, 2, 1, 1, which an adder adds up.
    assert trees.dot_registers == 1 + 4 + 1
    assert "lut_inputs" not in chains.folding
    assert trees.folding["lut_inputs"] == 6
    assert chains.interval_cycles == trees.interval_cycles


@pytest.mark.parametrize("target", [ECP5, UP5K], ids=["ecp5", "ice40"])
def test_more_side_by_side_takes_more_cells(rng, target):
    narrow = plane_stage(rng, U2, U2, U2, n_out=16, n_in=64, pe=4, simd=8).estimate(target)
    wide = plane_stage(rng, U2, U2, U2, n_out=16, n_in=64, pe=8, simd=16).estimate(target)
    beside = plane_stage(rng, U2, U2, U2, n_out=16, n_in=64, pe=4, simd=8,
                         parallel=True).estimate(target)
    assert narrow.lut < min(wide.lut, beside.lut)
    assert narrow.dsp == wide.dsp == beside.dsp == 0


def test_where_weights_are_stored_is_a_choice(rng):
    def stage(memory):
        weights = Dense(rng.choice([-1, 1], (64, 32)), SIGN)
        [made] = BinaryStage.candidates(
            MatVec("fc", ("x",), weights), Edge((32,), SIGN, -1, 1), None, interval_cycles=16,
            levels_per_register=1, choice={"pe": 4, "simd": 32, "memory": memory})
        return made

    assert stage("auto").estimate(ECP5).bram == stage("logic").estimate(ECP5).bram == 0
    assert stage("block").estimate(ECP5).bram == 4      # 128 bits of 36
    assert "memory" not in stage("auto").folding
    assert stage("block").folding["memory"] == "block"
    text = [convert(BinaryMatVec(stage(memory))) for memory in ("auto", "block")]
    assert ['rom_style "block"' in found for found in text] == [False, True]
    with refused(SpecError, "binary core 'fc': memory must be one of auto, block, logic,"
                            " not 'disk'"):
        stage("disk")
