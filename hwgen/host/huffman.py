"""Canonical Huffman codes of at most so many bits, as tables that small hardware can decode."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwgen.numeric import SpecError

__all__ = ["HuffmanCode"]


@dataclass(frozen=True)
class HuffmanCode:
    """Of each symbol the bits of its code; 0 where it has none.

    Canonical: codes of a length are numbers in a row, in the order of the symbols, and begin where
    those that are a bit shorter end, times two. So lengths are all that must be known of a code.

    Parameters
    ----------
    lengths : tuple of int
    """

    lengths: tuple[int, ...]

    @classmethod
    def of(cls, symbols, size: int, longest: int) -> "HuffmanCode":
        """The best one for integer ``symbols`` in 0..size - 1 with codes of at most ``longest``.

        By package-merge (Larmore and Hirschberg, 1990). A lone symbol has a code of one bit.

        Raises
        ------
        SpecError    If so short codes are fewer than the symbols.
        """
        counts = np.bincount(np.asarray(symbols, np.int64), minlength=size).tolist()
        used = sorted((count, symbol) for symbol, count in enumerate(counts) if count)
        if len(used) > 1 << longest:
            raise SpecError(f"codes of at most {longest} bits must be as many as the symbols, not"
                            f" {1 << longest} for {len(used)}")
        leaves = [(count, (symbol,)) for count, symbol in used]
        packages = []
        for _ in range(longest):
            merged = sorted(leaves + packages, key=lambda item: item[0])
            packages = [(a[0] + b[0], a[1] + b[1])
                        for a, b in zip(merged[::2], merged[1::2], strict=False)]
        lengths = [0] * size
        for _count, inside in packages[:len(used) - 1]:
            for symbol in inside:
                lengths[symbol] += 1
        if len(used) == 1:
            lengths[used[0][1]] = 1
        return cls(tuple(lengths))

    @property
    def counts(self) -> list[int]:
        """How many codes there are of each length, from 0 bits (none) to the longest."""
        counts = np.bincount(self.lengths)
        counts[0] = 0
        return counts.tolist()

    @property
    def symbols(self) -> list[int]:
        """Those that have a code, in the order of their codes."""
        order = sorted((length, symbol) for symbol, length in enumerate(self.lengths) if length)
        return [symbol for _length, symbol in order]

    @cached_property
    def codes(self) -> list[list[int]]:
        """The bits of each symbol's code, in the order in which they are sent."""
        codes, code, before = [[] for _ in self.lengths], 0, 0
        for symbol in self.symbols:
            length = self.lengths[symbol]
            code <<= length - before
            codes[symbol] = [code >> (length - 1 - k) & 1 for k in range(length)]
            code, before = code + 1, length
        return codes

    def bits(self, symbols) -> int:
        """Bits that ``symbols`` take."""
        return int(np.asarray(self.lengths)[np.asarray(symbols, np.int64)].sum())
