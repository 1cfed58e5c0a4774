# amaranth: UnusedElaboratable=no
"""Multipliers that two products share, against numpy: extremes, every width, stalls, cycles."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from sim.harness import assert_flow, check_all_stalls, check_stream

from hwgen.ir import Dense, Edge, MatVec
from hwgen.numeric import Fixed, SpecError
from hwgen.plan.stages import FixedStage
from hwgen.plan.stages.packing import PACKINGS, Packed, packed
from hwgen.rtl.folded import FixedMatVec
from hwgen.rtl.text import to_rtlil


def stage_of(rng, weights, x, *, size=(4, 8, 2, 4, 1), packing="18x18", extreme=False):
    n_out, n_in, pe, simd, levels = size
    values = rng.integers(weights.min, weights.max + 1, (n_out, n_in))
    if extreme:
        values[::2] = weights.min
        values[1::2, ::2] = weights.min
    mat_vec = MatVec("fc", ("x",), Dense(values, weights), rng.integers(-9, 9, n_out))
    how = {"multipliers": "luts"} if packing == "luts" else {"packing": packing}
    return FixedStage(mat_vec, Edge((n_in,), x, x.min, x.max), None, pe, simd, levels, **how)


def frames_of(rng, stage, count):
    fmt = stage.x.format
    x = rng.integers(fmt.min, fmt.max + 1, (count, stage.n_in))
    x[0], x[1] = fmt.min, fmt.max
    x[2, ::2] = fmt.min
    return x.tolist(), (x @ stage.mat_vec.weights.to_dense().T
                        + stage.mat_vec.bias_or_zero).tolist()


@pytest.mark.parametrize("packing", ["18x18", "25x18", "8x8", "luts"])
@pytest.mark.parametrize("bits", [(1, 1), (1, 9), (2, 8), (4, 8), (5, 8), (6, 6), (8, 4), (8, 8),
                                  (9, 2), (9, 9)], ids=str)
def test_every_signedness_with_extremes(bits, packing):
    rng = np.random.default_rng(sum(bits))
    for signs in itertools.product((False, True), repeat=2):
        weights, x = (Fixed(width, 0, sign) for width, sign in zip(bits, signs, strict=True))
        for extreme in (False, True):
            stage = stage_of(rng, weights, x, packing=packing, extreme=extreme)
            check_stream(FixedMatVec(stage), *frames_of(rng, stage, 4))


@pytest.mark.parametrize("size", [(1, 4, 1, 2, 1), (3, 6, 3, 3, 1), (6, 7, 2, 7, 2),
                                  (5, 12, 5, 4, 3), (4, 16, 4, 16, 2)], ids=str)
@pytest.mark.parametrize("packing", [*PACKINGS, "luts"])
def test_sizes_under_all_stalls_keep_their_cycles(size, packing):
    rng = np.random.default_rng(sum(size))
    stage = stage_of(rng, Fixed(6), Fixed(6), size=size, packing=packing)
    frames, expected = frames_of(rng, stage, 5)
    check_all_stalls(lambda: FixedMatVec(stage), frames, expected)
    timing = check_stream(FixedMatVec(stage), frames, expected)
    assert set(np.diff(timing.out_cycles[::stage.nf][1:])) == {stage.interval_cycles}
    assert_flow(stage, timing)


def test_core_converts_to_rtlil():
    rng = np.random.default_rng(4)
    for packing, module in (("none", "hwgen_multiply"), ("8x8", "hwgen_multiply_pair"),
                            ("18x18", "hwgen_multiply"), ("luts", "hwgen_multiply_luts")):
        stage = stage_of(rng, Fixed(4), Fixed(8), packing=packing)
        assert f"cell \\{module} " in to_rtlil(FixedMatVec(stage), "core")


# -- when two products fit one block -------------------------------------------------------------

def in_one_operand(low_bits, w1, w0, x, packing):
    """What the circuit makes of one product: low and high."""
    product = (w1 * (1 << low_bits) + w0) * x
    low, high = product & (1 << low_bits) - 1, product >> low_bits
    negative = low > packing.largest if packing.compares else packing.is_signed and (
        low >> (low_bits - 1))
    return low - (negative << low_bits), high + negative


@pytest.mark.parametrize("port_bits", [18, 25])
@pytest.mark.parametrize("bits", list(itertools.product(range(1, 10), repeat=2)), ids=str)
def test_packing_is_exact_for_every_pair_of_extremes(bits, port_bits):
    for signs in itertools.product((False, True), repeat=2):
        weights, x = (Fixed(width, 0, sign) for width, sign in zip(bits, signs, strict=True))
        found = packed((weights.min, weights.max), (x.min, x.max), port_bits=port_bits,
                       weight_bits=bits[0], terms=1)
        if found is None:
            continue
        ws = sorted({weights.min, weights.max, 0, min(1, weights.max), max(-1, weights.min)})
        for w1, w0, value in itertools.product(ws, ws, range(x.min, x.max + 1)):
            operand = w1 * (1 << found.low_bits) + w0
            assert -(1 << (port_bits - 1)) <= operand < 1 << (port_bits - 1)
            assert in_one_operand(found.low_bits, w1, w0, value, found) == (w0 * value, w1 * value)


def limits(bits):
    return Fixed(bits).min, Fixed(bits).max


def test_what_fits():
    how = {"port_bits": 18, "terms": 8}
    # 2048 = 2 * 8 * 128 needs 13 bits with its sign, and 13 + 4 + 1 = 18.
    assert packed(limits(4), limits(8), weight_bits=4, **how) == Packed(13, 1, 2048, False, True)
    # Without the most negative weight all eight products do: 8 * 7 * 128 = 7168.
    assert packed((-7, 7), limits(8), weight_bits=4, **how) == Packed(14, 3, 7168, False, True)
    # 16 * 128 does not fit 12 signed bits, but -15 * 128 .. 2048 are fewer than 4096 values.
    assert packed(limits(5), limits(8), weight_bits=5, **how) == Packed(12, 0, 2048, True, True)
    assert packed(limits(6), limits(6), weight_bits=6, **how) == Packed(11, 0, 1024, True, True)
    assert packed(limits(8), limits(8), weight_bits=8, **how) is None
    assert packed(limits(8), limits(8), weight_bits=8, port_bits=25,
                  terms=8) == Packed(16, 0, 16384, False, True)


def test_products_a_block():
    rng = np.random.default_rng(0)
    for bits, packing, size, macs in (
            ((4, 8), "18x18", (4, 8, 4, 4, 1), 2), ((6, 6), "18x18", (4, 8, 4, 4, 1), 2),
            ((5, 8), "18x18", (4, 8, 4, 4, 1), 2), ((8, 8), "18x18", (4, 8, 4, 4, 1), 1),
            ((8, 8), "25x18", (4, 8, 4, 4, 1), 2), ((8, 8), "8x8", (4, 8, 4, 4, 1), 2),
            ((9, 8), "8x8", (4, 8, 4, 4, 1), 1), ((4, 8), "none", (4, 8, 4, 4, 1), 1),
            ((4, 8), "18x18", (3, 8, 3, 4, 1), 1.5), ((8, 8), "8x8", (3, 9, 3, 3, 1), 1.8)):
        stage = stage_of(rng, *map(Fixed, bits), size=size, packing=packing)
        assert stage.macs_per_block == macs


def test_unknown_packing_is_refused():
    message = ("fixed core 'fc': packing must be one of none, 8x8, 18x18, 25x18, not '9x9'")
    with refused(SpecError, message):
        stage_of(np.random.default_rng(0), Fixed(4), Fixed(4), packing="9x9")


def test_products_of_anything_but_blocks_or_luts_are_refused():
    stage = stage_of(np.random.default_rng(0), Fixed(4), Fixed(4))
    with refused(SpecError, "fixed core 'fc': multipliers must be one of blocks, luts, not 'dsp'"):
        replace(stage, multipliers="dsp")


def test_constants_and_luts_take_no_block_and_no_packing():
    rng = np.random.default_rng(0)
    for stage in (stage_of(rng, Fixed(4), Fixed(8), packing="luts"),
                  stage_of(rng, Fixed(4), Fixed(8), size=(2, 4, 2, 4, 1))):
        assert (stage.blocks, stage.macs_per_block, stage.packed) == (0, 0, None)
        text = to_rtlil(FixedMatVec(stage), "core")
        assert "cell \\hwgen_multiply_luts " in text
        assert "cell \\hwgen_multiply " not in text
