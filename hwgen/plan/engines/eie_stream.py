"""The stream that fills the memories of the EIE engine: its blocks, as ``docs/eie.md`` has them."""

from enum import IntEnum
from typing import NamedTuple

__all__ = ["ADDRESS_BITS", "COUNT_BITS", "MAGIC", "MAX_LENGTH", "WORD_BITS", "Block", "Kind",
           "blocks_of"]

MAGIC = 0xE1E0
"""In the upper half of a block's first word."""

WORD_BITS = 32

COUNT_BITS = 16
"""Of how many numbers a block has, less one: where there are more, another block follows."""

ADDRESS_BITS = 20
"""Of the row of a block's first number: its low bits beside the count, the others in bits 7..4 of
the block's first word."""

MAX_LENGTH = 15
"""Of a Huffman code, in bits."""


class Kind(IntEnum):
    """What a block fills."""

    NOTHING = 0
    LAYERS = 1
    CODEBOOK = 2
    BIASES = 3
    POINTERS = 4
    ENTRIES = 5
    CODED = 6
    LENGTHS = 7
    SYMBOLS = 8


class Block(NamedTuple):
    """How many memories of a kind there are, how many rows each has, bits of a number of theirs."""

    units: int
    depth: int
    width: int


def blocks_of(spec) -> dict[Kind, Block]:
    """The kinds of an :class:`~hwgen.plan.engines.EieSpec`; bits are those of one in a word.

    Those of a coded block are read one by one.
    """
    blocks = {
        Kind.LAYERS: Block(len(spec.parameters), spec.layers, WORD_BITS),
        Kind.CODEBOOK: Block(1, spec.codebook_rows, spec.weights.bits),
        Kind.BIASES: Block(spec.lanes, spec.biases, spec.accumulator_bits),
        Kind.POINTERS: Block(spec.pe, spec.columns, spec.pointer_bits),
        Kind.ENTRIES: Block(spec.pe, spec.entries, spec.entry_bits)}
    if spec.huffman:
        most = max(spec.code_bits, spec.index_bits)
        blocks |= {Kind.CODED: Block(spec.pe, spec.entries, 1),
                   Kind.LENGTHS: Block(2, MAX_LENGTH + 1, most + 1),
                   Kind.SYMBOLS: Block(2, 1 << most, most)}
    return blocks
