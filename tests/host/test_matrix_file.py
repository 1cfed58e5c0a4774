"""Matrix files against scipy's reader, and what is refused of them."""

import numpy as np
import pytest
import scipy.io
from cases.errors import refused

from hwgen.host.csr import Csr
from hwgen.host.matrix_file import read_matrix
from hwgen.numeric import SpecError

HEAD = "%%MatrixMarket matrix coordinate"
FILES = {
    "general integer": f"{HEAD} integer general\n% a comment\n3 4 3\n1 1 5\n\n3 4 -7\n2 1 1\n",
    "real": f"{HEAD} real general\n2 2 2\n1 2 1.5e3\n2 2 -.25\n",
    "duplicates": f"{HEAD} real general\n2 2 3\n1 2 1.5\n1 2 2.5\n2 1 1\n",
    "symmetric": f"{HEAD} real symmetric\n3 3 3\n1 1 2\n2 1 3\n3 2 4\n",
    "skew": f"{HEAD} real skew-symmetric\n3 3 2\n2 1 3\n3 2 4\n",
    "pattern": f"{HEAD} pattern symmetric\n3 3 2\n2 2\n3 1\n",
    "array": "%%MatrixMarket matrix array real general\n2 3\n1\n2\n0\n4\n5\n6\n",
    "symmetric array": "%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n",
    "skew array": "%%MatrixMarket matrix array integer skew-symmetric\n3 3\n1\n2\n3\n",
    "empty": f"{HEAD} real general\n3 2 0\n",
    "blanks before a comment": f"{HEAD} integer general\n  % c\n2 2 1\n1 1 3\n",
    "integers of 64 bits": f"{HEAD} integer general\n1 2 4\n1 1 {2**63 - 1}\n1 1 -9\n1 1 8\n"
                           f"1 2 {-2**63}\n",
    "capitals": "%%MatrixMarket MATRIX Coordinate Real General\n1 1 1\n1 1 2\n",
}


@pytest.mark.parametrize("name", FILES)
def test_matrix_is_the_one_that_scipy_reads(tmp_path, name):
    path = tmp_path / "a.mtx"
    path.write_text(FILES[name])
    expected = scipy.io.mmread(path)
    dense = expected if isinstance(expected, np.ndarray) else expected.toarray()
    found = read_matrix(path)
    np.testing.assert_array_equal(found.to_dense(), dense)
    is_real = name in ("real", "duplicates", "symmetric", "skew", "array", "empty", "capitals")
    assert found.values.dtype == (np.float64 if is_real else np.int64)


def test_exponents_of_fortran_are_read(tmp_path):
    """That scipy stops at: to it, 2d-3 is 2."""
    path = tmp_path / "a.mtx"
    path.write_text(f"{HEAD} real general\n2 2 4\n1 1 1.5D+00\n1 2 -2d-3\n2 1 .5D2\n2 2 7.\n")
    np.testing.assert_array_equal(read_matrix(path).to_dense(), [[1.5, -2e-3], [50, 7]])
    path.write_text(f"{HEAD} real general\n1 1 1\n1 1 D2\n")
    with refused(SpecError, f"{path}: numbers must be real: could not convert string to float:"
                            " 'D2'"):
        read_matrix(path)


def test_pattern_of_a_layer(tmp_path):
    path = tmp_path / "a.smtx"
    path.write_text("3, 4, 4\n0 2 2 4\n3 1 0 3\n")
    np.testing.assert_array_equal(read_matrix(path).to_dense(),
                                  [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]])
    path.write_text("2, 2, 0\n0 0 0\n\n")
    assert read_matrix(path).nnz == 0


@pytest.mark.parametrize(("suffix", "text", "rule"), [
    ("txt", "", "must be a .mtx or a .smtx file"),
    ("mtx", "3 3 1\n", "first line must be '%%MatrixMarket matrix FORMAT FIELD SYMMETRY', not"
                       " '3 3 1'"),
    ("mtx", f"{HEAD} complex general\n", "field must be one of ['integer', 'real', 'pattern'], not"
                                         " 'complex'"),
    ("mtx", f"{HEAD} real hermitian\n", "symmetry must be one of ['general', 'symmetric',"
                                        " 'skew-symmetric'], not 'hermitian'"),
    ("mtx", f"{HEAD} real general\n", "a line of sizes must follow the header"),
    ("mtx", f"{HEAD} real general\n3 3\n", "sizes must be rows, columns and entries, not [3, 3]"),
    ("mtx", f"{HEAD} real general\n3 3 2\n1 1 4\n",
     "there must be 2 entries, as the sizes say, not 1"),
    ("mtx", f"{HEAD} real general\n3 3 1\n1 1\n", "an entry must be 3 numbers, not '1 1'"),
    ("mtx", f"{HEAD} real general\n3 3 1\n4 1 1\n", "rows must be in 1..3, not 4..4"),
    ("mtx", f"{HEAD} real general\n3 3 1\n1 0 1\n", "columns must be in 1..3, not 0..0"),
    ("mtx", f"{HEAD} real general\n-3 3 1\n1 1 1\n",
     "matrix: sizes must be at least 1, not -3 by 3"),
    ("mtx", f"{HEAD} integer general\n5000000000 5000000000 1\n5000000000 5000000000 1\n",
     "matrix: sizes must be at most 268435456, to be held in memory, not 5000000000 by 5000000000"),
    ("mtx", f"{HEAD} integer general\n4 {2**62 + 1} 1\n1 1 3\n",
     f"matrix: sizes must be at most 268435456, to be held in memory, not 4 by {2**62 + 1}"),
    ("mtx", "%%MatrixMarket matrix array real general\n200000000 200000000\n1\n",
     "there must be 40000000000000000 values, as the sizes say, not 1"),
    ("mtx", "%%MatrixMarket matrix array integer general\n2 2\n1 2\n3\n4\n",
     "an array must have one value in a line, column by column, not '1 2'"),
    ("mtx", "%%MatrixMarket matrix array real symmetric\n2 3\n1\n",
     "a symmetric matrix must be square, not 2 by 3"),
    ("mtx", f"{HEAD} integer general\n2 2 3\n1 1 1\n2 1 {2**63 - 1}\n2 1 {2**63 - 1}\n",
     f"matrix: integers of one place must add up to 64 bits, not {2**64 - 2} in row 1, column 0,"
     " counted from 0; 1 of 2 place(s) do not"),
    ("mtx", f"{HEAD} integer symmetric\n2 2 2\n2 1 {-2**63}\n1 2 -1\n",
     f"matrix: integers of one place must add up to 64 bits, not {-2**63 - 1} in row 0, column"
     " 1, counted from 0; 2 of 2 place(s) do not"),
    ("mtx", f"{HEAD} integer skew-symmetric\n2 2 1\n2 1 {-2**63}\n",
     f"integers of a skew-symmetric matrix must have a negative of 64 bits, not be {-2**63}, as in"
     " row 2, column 1, counted from 1"),
    ("mtx", f"{HEAD} real symmetric\n3 2 1\n1 1 1\n",
     "a symmetric matrix must be square, not 3 by 2"),
    ("mtx", f"{HEAD} real skew-symmetric\n2 2 1\n1 1 1\n",
     "a skew-symmetric matrix must have no entries on its diagonal"),
    ("mtx", f"{HEAD} integer general\n1 1 1\n1 1 1.5\n",
     "numbers must be integer: invalid literal for int() with base 10: '1.5'"),
    ("mtx", "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n",
     "there must be 4 values, as the sizes say, not 3"),
    ("smtx", "3, 4, 4\n0 2 2 4\n3 1 0\n",
     "sizes must be rows, columns and as many entries as there are, 3, not [3, 4, 4]"),
    ("smtx", "3, 4, 3\n0 2 2 4\n3 1 0\n",
     "matrix: pointers must run from 0 to 3, the number of entries, not from 0 to 4"),
    ("smtx", "3, 4, 3\n0 2 1 3\n3 1 0\n",
     "matrix: pointers must not fall, as that of row 2, from 2 to 1"),
    ("smtx", "3, 4, 3\n0 2 2 3\n4 1 0\n", "matrix: columns must be in 0..3, not 0..4"),
    ("smtx", "-3, 4, 0\n0\n", "matrix: sizes must be at least 1, not -3 by 4"),
    ("smtx", "3, 4, 3\n", "there must be a line of sizes, of pointers and of columns, not 1 lines"),
], ids=str)
def test_wrong_files_are_refused_with_their_name(tmp_path, suffix, text, rule):
    path = tmp_path / f"a.{suffix}"
    path.write_text(text)
    with refused(SpecError, f"{path}: {rule}"):
        read_matrix(path)


@pytest.mark.parametrize(("suffix", "text"), [
    ("mtx", f"{HEAD} integer general\n1 1 1\n1 1 {2**63}\n"),
    ("mtx", f"{HEAD} integer general\n1 1 1\n1 {2**64} 1\n"),
    ("smtx", f"1, 1, 1\n0 {2**63}\n0\n")], ids=str)
def test_integers_beyond_64_bits_are_refused(tmp_path, suffix, text):
    path = tmp_path / f"a.{suffix}"
    path.write_text(text)
    with pytest.raises(SpecError, match="integers must fit 64 bits"):
        read_matrix(path)


def test_a_matrix_that_memory_does_not_hold_is_refused(tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError("Unable to allocate 2 GiB")

    path = tmp_path / "a.mtx"
    path.write_text(FILES["real"])
    monkeypatch.setattr(Csr, "of", full)
    with refused(SpecError, f"{path}: matrix must fit into the memory there is: Unable to allocate"
                            " 2 GiB"):
        read_matrix(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SpecError, match="must be a text file that can be read"):
        read_matrix(tmp_path / "a.mtx")


def test_comments_may_be_of_any_encoding(tmp_path):
    path = tmp_path / "a.mtx"
    path.write_bytes(f"{HEAD} integer general\n% Frédéric\n2 2 1\n2 1 3\n".encode("latin-1"))
    assert read_matrix(path).to_dense().tolist() == [[0, 0], [3, 0]]


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "a.mtx"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(SpecError, match="first line must be '%%MatrixMarket"):
        read_matrix(path)
