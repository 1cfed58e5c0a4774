"""The stream that loads an EIE engine, word by word: see ``docs/eie.md``."""

import numpy as np

from hwgen.host.eie_parameters import PARAMETERS
from hwgen.host.huffman import HuffmanCode

__all__ = ["KINDS", "LONGEST", "MAGIC", "Words"]

MAGIC = 0xE1E0
"""In the upper half of a block's first word."""

KINDS = {"nothing": 0, "layers": 1, "codebook": 2, "biases": 3, "pointers": 4, "entries": 5,
         "coded": 6, "lengths": 7, "symbols": 8}
"""What a block fills."""

MOST = 1 << 16
"""Numbers of a block."""

LONGEST = 15
"""Of a Huffman code, in bits."""


class Words:
    """A frame under way: blocks are added one after another.

    Parameters
    ----------
    sizes : Mapping            of the engine
    weights, accumulator : Fixed

    Members
    -------
    steps : list of int        of each block the cycles that its numbers take: one each, or one a
                               bit and one a word where they are coded
    """

    def __init__(self, sizes, weights, accumulator):
        self._sizes, self._weights, self._accumulator = sizes, weights, accumulator
        self._parts, self.steps = [], []

    def frame(self) -> bytes:
        """All blocks."""
        return b"".join(self._parts)

    def block(self, kind: str, unit: int, first: int, numbers, bits: int) -> None:
        """``numbers`` for the rows from ``first``, as many in a word as there fit ``bits``.

        In as many blocks as these need.
        """
        numbers, each = np.asarray(numbers, np.int64) & (1 << bits) - 1, 32 // bits
        for begin in range(0, len(numbers), MOST):
            part = numbers[begin:begin + MOST]
            rows = np.pad(part, (0, -len(part) % each)).reshape(-1, each)
            self._header(kind, unit, first + begin, len(part))
            self.steps.append(len(part))
            self._parts.append((rows << bits * np.arange(each)).sum(axis=1).astype("<u4").tobytes())

    def _header(self, kind, unit, first, count):
        words = (MAGIC << 16 | unit << 8 | (first >> 16) << 4 | KINDS[kind],
                 count - 1 << 16 | first & 0xFFFF)
        self._parts.append(np.array(words, "<u4").tobytes())

    def nothing(self) -> None:
        """A block that fills nothing."""
        self._parts.append(np.array([MAGIC << 16], "<u4").tobytes())

    def parameters(self, parameters) -> None:
        """What each layer is like: of each number a block."""
        for what, numbers in parameters.items():
            self.block("layers", PARAMETERS.index(what), 0, numbers, 32)

    def codebook(self, layer: int, values) -> None:
        """The values of a layer's codes."""
        self.block("codebook", 0, layer << self._sizes["code_bits"], values, self._weights.bits)

    def biases(self, layers) -> None:
        """Those of all layers, ``(beats, lanes)`` of each: a block for each lane."""
        for lane, values in enumerate(np.concatenate(layers).T):
            self.block("biases", lane, 0, values, self._accumulator.bits)

    def pointers(self, shares) -> None:
        """Where columns begin in each element, and behind them the end of the layer's last."""
        bits, lanes = self._sizes["entries"].bit_length(), self._sizes["lanes"]
        for k in range(self._sizes["pe"]):
            pointers, begin = [], 0
            for layer in shares:
                counts = np.pad(layer[k].counts, (1, -len(layer[k].counts) % lanes))
                pointers.append(begin + np.cumsum(counts))
                begin = int(pointers[-1][-1])
            self.block("pointers", k, 0, np.concatenate(pointers), bits)

    def entries(self, shares) -> None:
        """Those of each element, layer after layer."""
        bits = self._sizes["code_bits"]
        for k in range(self._sizes["pe"]):
            self.block("entries", k, 0, np.concatenate(
                [layer[k].codes | layer[k].runs << bits for layer in shares]),
                bits + self._sizes["index_bits"])

    def coded(self, shares) -> int:
        """The same as Huffman codes, with tables for each layer; bits of the codes alone."""
        begins, total = [0] * self._sizes["pe"], 0
        widths = self._sizes["code_bits"], self._sizes["index_bits"]
        for layer in shares:
            symbols = [np.concatenate([getattr(share, what) for share in layer])
                       for what in ("codes", "runs")]
            if not len(symbols[0]):
                continue
            tables = [HuffmanCode.of(each, 1 << bits, LONGEST)
                      for each, bits in zip(symbols, widths, strict=True)]
            self._tables(tables)
            for k, share in enumerate(layer):
                total += self._coded(k, begins[k], share, tables)
                begins[k] += len(share.codes)
        return total

    def _tables(self, tables):
        most = max(self._sizes["code_bits"], self._sizes["index_bits"])
        for unit, table in enumerate(tables):
            counts = np.pad(table.counts, (0, LONGEST + 1 - len(table.counts)))
            self.block("lengths", unit, 0, counts, most + 1)
            self.block("symbols", unit, 0, table.symbols, most)

    def _coded(self, k, first, share, tables) -> int:
        """The entries of an element from the row ``first``, in as many blocks as they need."""
        entries = list(zip(share.codes.tolist(), share.runs.tolist(), strict=True))
        total = 0
        for begin in range(0, len(entries), MOST):
            part = entries[begin:begin + MOST]
            bits = [bit for code, run in part
                    for bit in tables[0].codes[code] + tables[1].codes[run]]
            self._header("coded", k, first + begin, len(part))
            octets = np.packbits(np.array(bits, np.uint8), bitorder="little")
            self._parts.append(np.pad(octets, (0, -len(octets) % 4)).tobytes())
            self.steps.append(len(bits) + -(-len(bits) // 32))
            total += len(bits)
        return total
