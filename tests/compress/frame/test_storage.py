import numpy as np
import pytest
from cases.errors import refused

from hwgen.compress.frame.huffman import code_lengths, codes_of, decode, encode
from hwgen.compress.frame.storage import STORAGES, Huffman, from_gaps, gaps_of
from hwgen.numeric import SpecError


def sparse(rng, shape=(20, 30), density=0.1, most=8):
    values = rng.integers(-most, most, shape)
    return np.where(rng.random(shape) < density, values, 0)


def test_gaps_as_in_the_figure_of_the_paper():
    """Deep Compression, figure 2: a jump beyond 8 takes a padding entry."""
    values = np.zeros((1, 16), int)
    values[0, [1, 4, 15]] = 34, 9, 17
    gaps, entries = gaps_of(values, 3)
    assert (gaps.tolist(), entries.tolist()) == ([1, 2, 7, 2], [34, 9, 0, 17])


@pytest.mark.parametrize("bits", [1, 2, 5, 10])
@pytest.mark.parametrize("density", [0.0, 0.02, 1.0])
def test_gaps_say_the_matrix(rng, bits, density):
    values = sparse(rng, density=density)
    gaps, entries = gaps_of(values, bits)
    assert gaps.max(initial=0) < 1 << bits
    assert np.array_equal(from_gaps(gaps, entries, values.shape), values)


def test_gaps_beyond_the_matrix_are_refused():
    with refused(SpecError, "gaps must end within the 4 entries, not at 5"):
        from_gaps([1, 3], [1, 1], (2, 2))


def test_huffman_codes_are_the_shortest_and_prefix_free():
    lengths = code_lengths([45, 13, 12, 16, 9, 5, 0])      # the example of CLRS, 224 bits
    assert lengths.tolist() == [1, 3, 3, 3, 4, 4, 0]
    assert codes_of(lengths) == ["0", "100", "101", "110", "1110", "1111", ""]
    assert code_lengths([0, 7]).tolist() == [0, 1]
    assert code_lengths([0, 0]).tolist() == [0, 0]


def test_streams_are_read_back(rng):
    symbols = rng.geometric(0.4, 300) - 1
    lengths = code_lengths(np.bincount(symbols))
    stream = encode(symbols, lengths)
    assert len(stream) == int(lengths[symbols].sum())
    assert np.array_equal(decode(stream, lengths, len(symbols)), symbols)
    with refused(SpecError, "stream must hold 301 symbols, not 300"):
        decode(stream, lengths, 301)
    with pytest.raises(SpecError, match="and a part of one$"):
        decode(stream + codes_of(lengths)[-1][:1], lengths, 300)


@pytest.mark.parametrize("density", [0.03, 0.3])
def test_huffman_parts_are_the_bits_of_what_is_decoded_again(rng, density):
    storage, values = Huffman(), sparse(rng, density=density)
    parts = storage.parts(values, 8)
    sizes = []
    for index_bits in range(1, 11):
        encoded = storage.encode(values, index_bits)
        count = len(gaps_of(values, index_bits)[0])
        assert np.array_equal(storage.decode(encoded, count, values.shape), values)
        sizes.append((len(encoded[3]) + len(encoded[4]), storage._parts(values, 8, index_bits)))
    assert all(bits == sum(found.get(name, 0) for name in ("weights", "index", "padding"))
               for bits, found in sizes)
    assert sum(parts.values()) == min(sum(found.values()) for _, found in sizes)


def test_gaps_count_every_part():
    values = np.array([[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]])
    # Gaps of 2 bits: 1, 3 and 3 of padding, 1; plain values take less than numbers of {0, 3, 5}.
    assert STORAGES["gaps"]._parts(values, 6, 2) == {
        "weights": 2 * 6, "index": 2 * 2, "padding": 2 * (6 + 2), "count": 4}
    assert STORAGES["gaps"]._parts(np.tile(values, (20, 1)), 6, 2)["codebook"] == 3 * 6


def test_plain_and_codes():
    values = np.array([[1, -4, 1, 0], [0, 0, 0, 7]])
    assert STORAGES["plain"].parts(values, 6) == {"weights": 48}
    assert STORAGES["codes"].parts(values, 6) == {"weights": 8 * 2, "codebook": 3 * 4}
