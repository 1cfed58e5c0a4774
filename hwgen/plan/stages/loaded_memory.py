"""Memories that are filled once the hardware runs: how their rows come, and what they take."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...numeric import Fixed
from ..target import SMALLEST_BLOCK_BITS, Cells, Target

__all__ = ["LOADER_CELLS", "WORD_BITS", "LoadedMemory"]

WORD_BITS = 32
"""Bits of a beat of the stream that fills them."""

LOADER_CELLS = Cells(lut=90, ff=90)
"""What takes the stream, holds frames back meanwhile, and counts those under way."""


@dataclass(frozen=True, eq=False)
class LoadedMemory:
    """``rows`` of ``row_bits``, each a whole number of words, the lowest bits first.

    Parameters
    ----------
    node : str
    holds : str             ``weights``, ``bias`` ...: one of each name in a stage
    rows, row_bits : int
    in_blocks : bool        whether to insist on block RAM
    values : Fixed          of one value
    contents : callable     what the rows of the network at hand are, as integers
    text : str              how values lie in a row, in words
    folding : dict          the same in numbers: ``pe``, ``simd`` and the like
    """

    node: str
    holds: str
    rows: int
    row_bits: int
    in_blocks: bool
    values: Fixed
    contents: Callable[[], list[int]]
    text: str
    folding: dict

    @classmethod
    def of_outputs(cls, node, holds, nf: int, pe: int, values: Fixed, contents, *, in_blocks):
        """A value of each output: row ``f`` holds those of fold ``f``."""
        sign = "signed" if values.is_signed else "unsigned"
        return cls(node, holds, rows=nf, row_bits=pe * values.bits, in_blocks=in_blocks,
                   values=values, contents=contents, folding={"pe": pe},
                   text=f"each of {pe} {values.bits}-bit {sign} values; row f is of outputs"
                        f" f * {pe} ...")

    @property
    def row_words(self) -> int:
        """Words of a row; the last one may have bits to spare."""
        return -(-self.row_bits // WORD_BITS)

    @property
    def words(self) -> int:
        """Words of all rows."""
        return self.rows * self.row_words

    @property
    def depth(self) -> int:
        """Rows of the memory: two at least, as one has no address."""
        return max(2, self.rows)

    @property
    def slice_bits(self) -> list[int]:
        """Bits of a row that each of its words holds: so many memories side by side."""
        full, rest = divmod(self.row_bits, WORD_BITS)
        return [WORD_BITS] * full + [rest] * bool(rest)

    def stream(self) -> np.ndarray:
        """The words that fill it with what it holds, uint32 ``(words,)``."""
        rows = self.contents()
        if len(rows) != self.rows:
            raise AssertionError(f"{self.node}, {self.holds}: {len(rows)} rows, not {self.rows}")
        size = self.row_words * WORD_BITS // 8
        return np.frombuffer(b"".join(row.to_bytes(size, "little") for row in rows), "<u4")

    def estimate(self, target: Target) -> Cells:
        """Memories, their write side and the register behind them."""
        counters = self.depth.bit_length() + self.row_words.bit_length() + 1
        cells = Cells(lut=round(2.2 * counters) + self.row_words, ff=counters)
        for bits in self.slice_bits:
            in_blocks = self.in_blocks or (
                not target.has_lut_ram and self.depth * bits > SMALLEST_BLOCK_BITS)
            if in_blocks:
                cells += Cells(bram=target.blocks_of(self.depth, bits))
            elif target.has_lut_ram:
                cells += Cells(lut=-(-self.depth // 16) * -(-bits // 4) * 6, ff=bits)
            else:
                cells += Cells(lut=round(1.7 * self.depth * bits), ff=(self.depth + 1) * bits)
        return cells

    def to_dict(self) -> dict:
        """JSON-ready, as the manifest has it."""
        return {"node": self.node, "holds": self.holds, "rows": self.rows,
                "row_bits": self.row_bits, "row_words": self.row_words,
                "value_bits": self.values.bits, "signed": self.values.is_signed,
                "min": self.values.min, "max": self.values.max, "row": self.text,
                **self.folding}
