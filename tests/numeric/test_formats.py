import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwgen.numeric import (
    Bipolar,
    Codebook,
    Fixed,
    PlaneMap,
    Planes,
    PowerOfTwo,
    SpecError,
    Ternary,
    format_from_dict,
    format_to_dict,
)
from tests.cases.errors import refused

SMALL = [Fixed(1), Fixed(1, signed=False), Fixed(5), Fixed(4, 2, False), Bipolar(), Ternary(),
         PowerOfTwo(1), PowerOfTwo(3), PowerOfTwo(4), Codebook((5,)), Codebook((-7, 0, 3, 20, 21)),
         Planes.of_bases((5, 2)), Planes.of_bases((1, 1)), Planes((3, -4)), Planes((6,), -1)]
WIDE = [Fixed(62), Fixed(62, signed=False), PowerOfTwo(62),
        Codebook((1 - 2**62, 0, 2**62 - 1))]


def slow_values(fmt):
    """The values of a small format by their definition, in a set of Python ints."""
    if isinstance(fmt, Fixed):
        return {c - (1 << fmt.bits) * (fmt.signed and c >> (fmt.bits - 1))
                for c in range(1 << fmt.bits)}
    if isinstance(fmt, PowerOfTwo):
        return {0} | {sign * 2**e for sign in (-1, 1) for e in range(fmt.exponents)}
    if isinstance(fmt, Planes):
        sums = {fmt.offset}
        for gain in fmt.gains:
            sums |= {value + gain for value in sums}
        return sums
    return {"bipolar": {-1, 1}, "ternary": {-1, 0, 1}}.get(fmt.kind) or set(fmt.values)


@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_allowed_min_max_are_those_of_the_definition(fmt):
    values = slow_values(fmt)
    around = np.arange(-64, 65)
    assert fmt.allowed(around).tolist() == [v in values for v in range(-64, 65)]
    assert (fmt.min, fmt.max) == (min(values), max(values))
    assert fmt.is_signed == (min(values) < 0)


@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_every_code_is_a_value_or_refused(fmt):
    values = sorted(slow_values(fmt))
    codes = fmt.encode(values)
    assert codes.dtype == np.int64
    assert len(set(codes.tolist())) == len(values)
    assert fmt.decode(codes).tolist() == values
    for code in {*range(-9, 2 << fmt.bits), -(2**63), 2**63 - 1} - set(codes.tolist()):
        with refused(SpecError, f"codes must be used by {fmt}, not {code} at index [0]"
                                " (1 of 1 are outside)"):
            fmt.decode([code])


@pytest.mark.parametrize("fmt", WIDE, ids=str)
def test_the_widest_formats_hold_their_ends(fmt):
    ends = [fmt.min, fmt.max]
    assert fmt.decode(fmt.encode(ends)).tolist() == ends
    int64 = [-(2**63), fmt.min - 1, fmt.max + 1, 2**63 - 1]
    assert not fmt.allowed(int64).any()


@pytest.mark.parametrize(("fmt", "code"), [
    (Fixed(4), {-8: 8, -1: 15, 7: 7}), (Fixed(4, signed=False), {15: 15}),
    (Bipolar(), {-1: 0, 1: 1}), (Ternary(), {-1: 3, 0: 0, 1: 1}),
    (PowerOfTwo(3), {0: 0, 1: 1, 4: 3, -1: 5, -4: 7}), (Codebook((-2, 5)), {-2: 0, 5: 1}),
    (Planes.of_bases((5, 2)), {-7: 0, 3: 1, -3: 2, 7: 3}), (Planes((3, -4)), {3: 1, -4: 2, -1: 3}),
    (Planes.of_bases((1, 1)), {-2: 0, 0: 1, 2: 3}),
], ids=str)
def test_codes_are_the_documented_ones(fmt, code):
    assert dict(zip(code, fmt.encode(list(code)).tolist(), strict=True)) == code


@pytest.mark.parametrize(("fmt", "bits", "step", "text"), [
    (Fixed(8, 3), 8, 1, "fixed s8.3 (-128..127)"),
    (Fixed(4, signed=False), 4, 1, "fixed u4.0 (0..15)"),
    (Bipolar(), 1, 2, "bipolar {-1, +1}"),
    (Ternary(), 2, 1, "ternary {-1, 0, +1}"),
    (PowerOfTwo(3), 3, 1, "power of two {0, +-1 .. +-4}"),
    (PowerOfTwo(4), 4, 1, "power of two {0, +-1 .. +-8}"),
    (Codebook((4,)), 1, 1, "codebook of 1 values (4..4)"),
    (Codebook(range(5)), 3, 1, "codebook of 5 values (0..4)"),
    (Planes.of_bases((5, 2)), 2, 1, "planes (10, 4) + -7 (-7..7)"),
], ids=str)
def test_bits_step_and_text(fmt, bits, step, text):
    assert (fmt.bits, fmt.step, str(fmt)) == (bits, step, text)


@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_levels_are_all_values_ascending(fmt):
    assert fmt.levels.tolist() == sorted(slow_values(fmt))
    assert fmt.levels.dtype == np.int64


def test_levels_of_wide_formats_are_refused():
    with refused(SpecError, "fixed s17.0 (-65536..65535) must have at most 16 bits for its values"
                            " to be listed, not 17"):
        print(Fixed(17).levels)


@pytest.mark.parametrize("fmt", [fmt for fmt in SMALL if fmt.planes], ids=str)
def test_values_are_affine_in_the_bits_of_their_codes(fmt):
    for value in sorted(slow_values(fmt)):
        code = int(fmt.encode(value))
        bits = [code >> k & 1 for k in range(fmt.bits)]
        assert len(fmt.planes.gains) == fmt.bits
        assert value == fmt.planes.offset + sum(
            gain * bit for gain, bit in zip(fmt.planes.gains, bits, strict=True))


def test_which_formats_have_planes():
    assert Fixed(3).planes == PlaneMap((1, 2, -4), 0)
    assert Fixed(3, signed=False).planes == PlaneMap((1, 2, 4), 0)
    assert Bipolar().planes == PlaneMap((2,), -1)
    assert Ternary().planes == PlaneMap((1, -2), 0)
    assert Planes.of_bases((5, 2)).planes == PlaneMap((10, 4), -7)
    assert [PowerOfTwo(3).planes, Codebook((0, 1)).planes] == [None, None]
    balanced = [fmt for fmt in SMALL if fmt.planes and fmt.planes.is_balanced]
    assert balanced == [Bipolar(), Planes.of_bases((5, 2)), Planes.of_bases((1, 1))]


AROUND_POWERS = st.builds(lambda sign, e, d: sign * 2**e + d,
                          st.sampled_from([-1, 1]), st.integers(0, 60), st.integers(-1, 1))
ENDS = AROUND_POWERS | st.integers(1 - 2**61, 2**61 - 1)


@given(ENDS, ENDS)
def test_covering_is_the_narrowest(a, b):
    lo, hi = min(a, b), max(a, b)
    fmt = Fixed.covering(lo, hi, frac=3)
    assert fmt.min <= lo <= hi <= fmt.max
    assert (fmt.signed, fmt.frac) == (lo < 0, 3)
    if fmt.bits > 1:
        narrower = dataclasses.replace(fmt, bits=fmt.bits - 1)
        assert not narrower.min <= lo <= hi <= narrower.max


def test_numpy_integers_become_python_ints():
    fmt = Fixed(np.int64(4), np.int8(2), np.bool_(False))
    assert fmt == Fixed(4, 2, False)
    assert [type(v) for v in (fmt.bits, fmt.frac, fmt.signed)] == [int, int, bool]
    assert Fixed.covering(np.int64(-3), np.int64(9)) == Fixed(5)
    assert type(Codebook(np.array([1, 2])).values[0]) is int
    assert type(PowerOfTwo(np.uint8(3)).exponents) is int


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: Fixed(0), SpecError, "Fixed bits must be in 1..62, not 0"),
    (lambda: Fixed(63), SpecError, "Fixed bits must be in 1..62, not 63"),
    (lambda: Fixed(True), TypeError, "Fixed bits must be an int, not True"),
    (lambda: Fixed(8.0), TypeError, "Fixed bits must be an int, not 8.0"),
    (lambda: Fixed(8, 1.5), TypeError, "Fixed frac must be an int, not 1.5"),
    (lambda: Fixed(8, 0, 1), TypeError, "Fixed signed must be a bool, not 1"),
    (lambda: Fixed.covering(0.5, 1), TypeError, "Fixed lo must be an int, not 0.5"),
    (lambda: Fixed.covering(0, "1"), TypeError, "Fixed hi must be an int, not '1'"),
    (lambda: Fixed.covering(2, 1), SpecError, "Fixed range must ascend, not 2..1"),
    (lambda: PowerOfTwo(0), SpecError, "PowerOfTwo exponents must be in 1..62, not 0"),
    (lambda: PowerOfTwo("3"), TypeError, "PowerOfTwo exponents must be an int, not '3'"),
    (lambda: Codebook(3), TypeError, "Codebook values must be a sequence of ints, not 3"),
    (lambda: Codebook((1, 2.0)), TypeError, "Codebook value must be an int, not 2.0"),
    (lambda: Codebook("12"), TypeError, "Codebook value must be an int, not '1'"),
    (lambda: Codebook(()), SpecError, "Codebook values must hold at least one integer, not ()"),
    (lambda: Codebook((1, 1)), SpecError,
     "Codebook values must be ascending and distinct, not (1, 1)"),
    (lambda: Planes(3), TypeError, "Planes gains must be a sequence of ints, not 3"),
    (lambda: Planes((1, 0.5)), TypeError, "Planes gain must be an int, not 0.5"),
    (lambda: Planes(()), SpecError, "Planes gains must be 1 to 8 integers, not 0"),
    (lambda: Planes([1] * 9), SpecError, "Planes gains must be 1 to 8 integers, not 9"),
    (lambda: Planes((3, 0)), SpecError, "Planes gains must not be 0, not (3, 0): leave the plane"
                                        " out"),
    (lambda: Planes((1,), 2**62), SpecError,
     "Planes values must stay below 2**62, not gains (1,) with offset 4611686018427387904"),
    (lambda: Planes.of_bases((1.0,)), TypeError, "Planes base must be an int, not 1.0"),
    (lambda: Codebook((0, 2**62)), SpecError,
     "Codebook values must stay below 2**62, not (0, 4611686018427387904)"),
    (lambda: Codebook((-(2**62), 0)), SpecError,
     "Codebook values must stay below 2**62, not (-4611686018427387904, 0)"),
])
def test_constructors_refuse(make, error, message):
    with refused(error, message):
        make()


def test_encode_names_the_first_value_outside():
    with refused(SpecError, "values must be in fixed s4.0 (-8..7), not 8 at index [1, 0]"
                            " (2 of 4 are outside)"):
        Fixed(4).encode([[0, 7], [8, -9]])
    with refused(SpecError, "weights must be in bipolar {-1, +1}, not 0 (1 of 1 are outside)"):
        Bipolar().require(0, "weights")


@pytest.mark.parametrize("method", ["encode", "allowed", "require"])
@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_floats_are_refused_even_whole_ones(fmt, method):
    for value in (1.0, np.nan):
        with refused(TypeError, "values must be integers, not float64"):
            getattr(fmt, method)([value])
    with refused(TypeError, "codes must be integers, not float64"):
        fmt.decode([1.0])


@pytest.mark.parametrize("fmt", [*SMALL, *WIDE], ids=str)
def test_descriptions_round_trip(fmt):
    assert format_from_dict(format_to_dict(fmt)) == fmt


KINDS = "['bipolar', 'codebook', 'fixed', 'logarithmic', 'planes', 'power-of-two', 'ternary']"


@pytest.mark.parametrize(("entry", "error", "message"), [
    ({"kind": "float"}, SpecError, f"format kind must be one of {KINDS}, not 'float'"),
    ({}, SpecError, f"format kind must be one of {KINDS}, not None"),
    ([], SpecError, f"format kind must be one of {KINDS}, not None"),
    ({"kind": ["fixed"]}, SpecError, f"format kind must be one of {KINDS}, not ['fixed']"),
    ({"kind": "fixed", "bits": 4}, SpecError,
     "format 'fixed': fields must be ['bits', 'frac', 'signed'], not ['bits']"),
    ({"kind": "ternary", "bits": 2}, SpecError, "format 'ternary': fields must be [],"
                                                " not ['bits']"),
    ({"kind": "fixed", "bits": "4", "frac": 0, "signed": True}, TypeError,
     "Fixed bits must be an int, not '4'"),
])
def test_wrong_descriptions_are_refused(entry, error, message):
    with refused(error, message):
        format_from_dict(entry)
