"""Matrices of files for a sparse engine: what is rounded, what is refused, how long they take."""

import numpy as np
import pytest
from cases.errors import refused
from cases.spmv import host_of, spec_of

from hwgen.flow.spmv import finest, format_of, prepared, timing_of
from hwgen.host.csr import Csr
from hwgen.numeric import Fixed, SpecError

REAL = "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 1.5\n1 2 -0.001\n2 2 3\n"


@pytest.mark.parametrize(("text", "fmt", "fits"), [
    ("s16", Fixed(16), False), ("u8.4", Fixed(8, 4, False), False), ("s9.-3", Fixed(9, -3), False),
    ("s16.fit", Fixed(16), True)])
def test_formats_are_read(text, fmt, fits):
    assert format_of(text, "--w-format") == (fmt, fits)


@pytest.mark.parametrize("text", ["16", "i8", "s0", "s8.", "s8.x", "s123"])
def test_other_texts_are_refused(text):
    with refused(SpecError, "--w-format must be s or u, the bits and, behind a dot, the fractional"
                            f" ones or 'fit', such as s16, u8.4 or s16.fit, not {text!r}"):
        format_of(text, "--w-format")


@pytest.mark.parametrize(("largest", "bits", "frac"), [
    (1, 8, 6), (0.99, 8, 7), (127, 8, 0), (127.6, 8, -1), (-128, 8, 0), (1e12, 16, -25),
    (7e-24, 16, 91), (255, 9, 0)])
def test_finest_scale_holds_the_largest_value_and_no_finer_one_does(largest, bits, frac):
    matrix = Csr.of((1, 2), [0, 0], [0, 1], [float(largest), largest / 3])
    assert finest(matrix, bits) == Fixed(bits, frac)
    matrix.quantised(Fixed(bits, frac))
    with pytest.raises(SpecError, match="do not"):
        matrix.quantised(Fixed(bits, frac + 1))


def test_finest_scale_of_the_least_integer_of_64_bits():
    assert finest(Csr.of((1, 1), [0], [0], [-2**63]), 16) == Fixed(16, -48)


def test_signs_need_a_format_with_sign():
    matrix = Csr.of((1, 1), [0], [0], [-0.5])
    with refused(SpecError, "matrix: values must not be below 0 for a format without sign, not"
                            " -0.5"):
        finest(matrix, 8, signed=False)


def test_real_values_are_rounded_only_as_asked_for(tmp_path):
    path = tmp_path / "a.mtx"
    path.write_text(REAL)
    with refused(SpecError, f"{path}: values must be whole numbers of 16 bits, or be rounded to a"
                            " stated format: 2 of 3 are none, such as 1.5; with --w-format s16.13,"
                            " the finest that holds them, they are rounded by up to 2.34e-05, and 0"
                            " become 0"):
        prepared(path)
    found = prepared(path, Fixed(8, 1))
    np.testing.assert_array_equal(found.matrix.to_dense(), [[3, 0], [0, 6]])
    assert (found.name, found.frac, found.nonzeros, found.rounding) == ("a", 1, 3, (0.001, 1))
    assert prepared(path, Fixed(8), fits=True).frac == 5
    with refused(SpecError, f"{path}: matrix: values must fit fixed s3.1 (-4..3), which reaches"
                            " from -2 to 1.5, not 3; 1 of 3 do not"):
        prepared(path, Fixed(3, 1))


def test_whole_numbers_are_taken_as_they_are(tmp_path):
    path = tmp_path / "a.mtx"
    path.write_text(REAL.replace("1.5", "-32768").replace("-0.001", "7.0"))
    assert prepared(path).matrix.to_dense().tolist() == [[-32768, 7], [0, 3]]


def test_timing_counts_all_nonzeros():
    spec = spec_of((4, 16, 8, 4))
    host = host_of(spec)
    matrix = Csr.of((4, 16), np.repeat(range(4), 16), np.tile(range(16), 4), np.ones(64, int))
    timing = timing_of(spec, host, host.pack(matrix))
    assert (timing.jobs, timing.beats, timing.ideal) == (1, 16, 16)
    assert (timing.cycles, timing.interval) == (4 + 16 + 1 + 17 + 1, 18)
    assert (timing.utilisation, timing.sustained) == (16 / 39, 16 / 18)
    empty = host.pack(Csr.of((3, 3), *np.zeros((3, 0), int)))
    assert timing_of(spec, host, empty).jobs == 0
