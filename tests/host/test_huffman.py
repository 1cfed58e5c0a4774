"""Canonical Huffman codes: prefix-free, as short as can be, and never longer than allowed."""

import heapq
import itertools

import numpy as np
import pytest
from cases.errors import refused

from hwgen.host.huffman import HuffmanCode
from hwgen.numeric import SpecError


def shortest(symbols) -> int:
    """Bits of a Huffman code without a limit: the two rarest are joined, again and again."""
    heap = [int(count) for count in np.bincount(symbols) if count]
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


@pytest.mark.parametrize("size", [2, 3, 16, 40])
def test_codes_are_as_short_as_huffmans(rng, size):
    symbols = np.minimum(rng.geometric(0.3, 500) - 1, size - 1)
    code = HuffmanCode.of(symbols, size, 15)
    assert code.bits(symbols) == shortest(symbols)
    used = [bits for bits in code.codes if bits]
    assert len(used) == len(np.unique(symbols))
    for a, b in itertools.permutations(used, 2):
        assert a != b[:len(a)]


def test_lengths_are_limited(rng):
    counts = [2 ** k for k in range(12)]
    symbols = np.repeat(np.arange(12), counts)
    lengths = HuffmanCode.of(symbols, 12, 15).lengths
    assert max(lengths) == 11
    short = HuffmanCode.of(symbols, 12, 4)
    assert max(short.lengths) == 4
    assert sum(2.0 ** -length for length in short.lengths) <= 1
    best = min(sum(n * length for n, length in zip(counts, each, strict=True))
               for each in ([1, *[4] * 7, *[5] * 4][::-1], [4] * 8 + [3] * 4, [4] * 10 + [3, 2])
               if sum(2.0 ** -length for length in each) <= 1 and max(each) <= 4)
    assert short.bits(symbols) <= best


def test_codes_of_a_length_are_numbers_in_a_row():
    code = HuffmanCode((2, 0, 1, 3, 3))
    assert code.codes == [[1, 0], [], [0], [1, 1, 0], [1, 1, 1]]
    assert (code.counts, code.symbols) == ([0, 1, 1, 2], [2, 0, 3, 4])


def test_a_lone_symbol_has_one_bit():
    assert HuffmanCode.of([3, 3], 8, 15).codes[3] == [0]


def test_too_many_symbols_for_short_codes_are_refused():
    with refused(SpecError, "codes of at most 2 bits must be as many as the symbols, not 4 for 5"):
        HuffmanCode.of(range(5), 5, 2)
