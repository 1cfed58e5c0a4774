"""Canonical Huffman codes: lengths, streams of bits, and back."""

import heapq

import numpy as np

from hwgen.numeric import SpecError

__all__ = ["code_lengths", "codes_of", "decode", "encode"]


def code_lengths(counts, longest: int | None = None) -> np.ndarray:
    """Bits of each symbol's code, int64, 0 for symbols that do not occur; least sum of all codes.

    ``counts`` says how often each occurs. A single symbol takes one bit. No code has more bits than
    ``longest``, if that is given.
    """
    lengths = _unlimited(counts)
    if longest is None or lengths.max(initial=0) <= longest:
        return lengths
    return _limited(np.asarray(counts, np.int64), longest)


def _limited(counts, longest: int) -> np.ndarray:
    """By package-merge: how often a symbol is in the cheapest ``2 n - 2`` items is its length."""
    used = np.flatnonzero(counts)
    if len(used) > 1 << longest:
        raise SpecError(f"codes of {longest} bits must be as many as the symbols, not"
                        f" {1 << longest} for {len(used)}")
    coins = sorted((int(counts[symbol]), (int(symbol),)) for symbol in used)
    items = coins
    for _ in range(longest - 1):
        pairs = [(a + b, one + other) for (a, one), (b, other)
                 in zip(items[::2], items[1::2], strict=False)]
        items = sorted(coins + pairs)
    lengths = np.zeros(len(counts), np.int64)
    for _, symbols in items[:2 * len(used) - 2]:
        np.add.at(lengths, list(symbols), 1)
    return lengths


def _unlimited(counts) -> np.ndarray:
    """Huffman's own."""
    counts = np.asarray(counts, np.int64)
    lengths = np.zeros(len(counts), np.int64)
    heap = [(int(n), k, (k,)) for k, n in enumerate(counts) if n]
    if len(heap) == 1:
        lengths[heap[0][1]] = 1
    heapq.heapify(heap)
    while len(heap) > 1:
        (n, k, one), (m, _, other) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[list(one + other)] += 1
        heapq.heappush(heap, (n + m, k, one + other))
    return lengths


def codes_of(lengths) -> list[str]:
    """The canonical code of each symbol, as a text of bits: shorter ones first, then by number."""
    codes, code, before = [""] * len(lengths), 0, 0
    for symbol in sorted(np.flatnonzero(lengths), key=lambda s: (lengths[s], s)):
        code <<= int(lengths[symbol]) - before
        before = int(lengths[symbol])
        codes[symbol] = format(code, f"0{before}b")
        code += 1
    return codes


def encode(symbols, lengths) -> str:
    """The stream of ``symbols``, as a text of bits."""
    codes = codes_of(lengths)
    return "".join(codes[symbol] for symbol in np.asarray(symbols).tolist())


def decode(stream: str, lengths, count: int) -> np.ndarray:
    """The first ``count`` symbols of a stream, int64.

    Raises
    ------
    SpecError    If the stream ends before, or goes on behind them.
    """
    known = {code: symbol for symbol, code in enumerate(codes_of(lengths)) if code}
    symbols, code = [], ""
    for bit in stream:
        code += bit
        if code in known:
            symbols.append(known[code])
            code = ""
    if code or len(symbols) != count:
        raise SpecError(f"stream must hold {count} symbols, not {len(symbols)}"
                        + (" and a part of one" if code else ""))
    return np.array(symbols, np.int64)
