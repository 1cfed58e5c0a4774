"""The memories of a sparse core: entries, codebooks, pointers and biases, bit for bit."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ...numeric import Fixed, SpecError, as_int, pack_rows
from .base import require_divisor
from .fixed import stored_weight_format
from .folded import MatVecStage, adder_levels
from .sparse_storage import Columns, bits_for

__all__ = ["INDICES", "POINTERS", "SparseMemories", "VALUES", "are_signs"]

INDICES = ("absolute", "relative", "mask")
"""How an entry says its row, or a column which rows it has; see :class:`Columns`."""

VALUES = ("plain", "codes", "signs")
"""What an entry says of its weight: the weight; its number in a codebook of each element; or, where
all are -1, 0 or 1, whether it is -1, so that values are added or subtracted and none multiplied.
"""

POINTERS = ("counts", "banks")
"""How columns are found: each one's start and count in a row of one memory; or starts alone, those
of even and of odd columns in two memories, of which the one has a column's start and the other its
end, as EIE has them. Both take a cycle: banks need fewer bits, but a subtraction in each element.
"""


def are_signs(weights) -> bool:
    """Whether all weights of a matrix are -1, 0 or 1."""
    least, most = weights.ends
    return least >= -1 and most <= 1


@dataclass(frozen=True, eq=False)
class SparseMemories(MatVecStage):
    """What a sparse core stores of a matrix, whose rows are interleaved over ``pe`` elements.

    Parameters
    ----------
    index : str             one of :data:`INDICES`
    index_bits : int, optional
        Bits of a relative index; unless given those with which entries take the fewest bits.
    values : str            one of :data:`VALUES`
    pointers : str          one of :data:`POINTERS`
    block_rows, block_columns : int
        Rows and columns of the blocks that share an entry: its index, and as many weights, of which
        some may be 0. Rows of blocks are interleaved over the elements, instead of rows.

    Raises
    ------
    SpecError    If one is unknown, ``index_bits`` is below 1 or given for an index that is not
                 relative, ``pointers`` are banks for masks, blocks do not divide the matrix, or
                 weights of ``signs`` are not all -1, 0 or 1, or in blocks, which may have a 0.
    TypeError    If ``index_bits``, ``block_rows`` or ``block_columns`` is no int.
    """

    index: str = field(default="absolute", kw_only=True)
    index_bits: int | None = field(default=None, kw_only=True)
    values: str = field(default="plain", kw_only=True)
    pointers: str = field(default="counts", kw_only=True)
    block_rows: int = field(default=1, kw_only=True)
    block_columns: int = field(default=1, kw_only=True)

    def __post_init__(self):
        super().__post_init__()
        for what, known in (("index", INDICES), ("values", VALUES), ("pointers", POINTERS)):
            if getattr(self, what) not in known:
                raise SpecError(f"{self.where}: {what} must be one of {', '.join(known)},"
                                f" not {getattr(self, what)!r}")
        self._require_index_bits()
        self._require_blocks()
        if self.index == "mask" and self.pointers == "banks":
            raise SpecError(f"{self.where}: pointers must be counts for an index of masks, from"
                            f" which they follow, not 'banks'")
        if self.values == "signs" and not are_signs(self.mat_vec.weights):
            least, most = self.mat_vec.weights.ends
            raise SpecError(f"{self.where}: weights must be -1, 0 or 1 for values of signs, not"
                            f" {least}..{most}")

    def _require_index_bits(self):
        if self.index_bits is None:
            return
        if self.index != "relative":
            raise SpecError(f"{self.where}: index_bits must be given for a relative index alone,"
                            f" not for index = {self.index!r}")
        if as_int(self.index_bits, f"{self.where}: index_bits") < 1:
            raise SpecError(f"{self.where}: index_bits must be at least 1, not {self.index_bits}")

    def _require_blocks(self):
        for what, value, of, total in (
                ("block_rows", self.block_rows, "n_out", self.n_out),
                ("block_columns", self.block_columns, "n_in", self.n_in)):
            require_divisor(self.where, what, value, of, total)
        if self.values == "signs" and self.block_weights > 1:
            raise SpecError(f"{self.where}: blocks must be of 1 x 1 for values of signs, which"
                            f" cannot say 0, not of {self.block_rows} x {self.block_columns}")

    @property
    def columns_in_groups(self) -> bool:
        """Where blocks have several columns."""
        return self.block_columns > 1

    @property
    def block_weights(self) -> int:
        """Weights of an entry."""
        return self.block_rows * self.block_columns

    @property
    def column_count(self) -> int:
        """Columns, of blocks where there are any."""
        return self.n_in // self.block_columns

    @property
    def row_elements(self) -> int:
        """Elements over which rows are interleaved."""
        return self.pe

    @property
    def row_outputs(self) -> int:
        """Outputs of a row of every element."""
        return self.row_elements * self.block_rows

    @property
    def nf(self):
        """Rows of an element, of blocks where there are any."""
        return -(-self.n_out // self.row_outputs)

    @property
    def storage(self) -> dict:
        """The free choices of storage, where they are not the usual ones."""
        storage = {} if self.index == "absolute" else {"index": self.index}
        if self.index == "relative":
            storage |= {"index_bits": self.columns.index_bits}
        if self.values != "plain":
            storage |= {"values": self.values}
        if self.block_weights > 1:
            storage |= {"block_rows": self.block_rows, "block_columns": self.block_columns}
        return storage if self.pointers == "counts" else storage | {"pointers": self.pointers}

    @cached_property
    def _blocks(self) -> np.ndarray:
        """The weights of each block, int64 ``(block rows, block columns, weights)``."""
        grid = self.mat_vec.weights.to_dense().reshape(
            -1, self.block_rows, self.column_count, self.block_columns)
        return grid.transpose(0, 2, 1, 3).reshape(-1, self.column_count, self.block_weights)

    @cached_property
    def columns(self) -> Columns:
        """Where the entries stand."""
        columns = Columns.of(self._blocks.any(axis=2), self.pe)
        if self.index != "relative":
            return columns.with_masks() if self.index == "mask" else columns
        marks = self.values == "signs"
        bits = self.index_bits or columns.best_relative_bits(self._value_bits, marks=marks)
        return columns.relative(bits, marks=marks)

    @property
    def entries(self) -> np.ndarray:
        """Entries of each element, int64 ``(pe,)``."""
        return self.columns.entries

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.mat_vec.weights.format)

    @cached_property
    def _nonzeros(self) -> np.ndarray:
        """Weights as :attr:`columns` counts them, int64 ``(entries, block_weights)``."""
        return self._blocks[self.columns.rows, self.columns.columns]

    @cached_property
    def _distinct(self) -> np.ndarray:
        return np.unique(self._blocks[self._blocks.any(axis=2)])

    @cached_property
    def codebook(self) -> np.ndarray:
        """The weights that entries say by number, int64 ``(codes,)``, ascending.

        0 is one of them where there is padding, or a block has a 0.
        """
        needs_zero = self.columns.padding or not len(self._distinct)
        return np.union1d(self._distinct, [0]) if needs_zero else self._distinct

    @property
    def _value_bits(self) -> int:
        """Bits of an entry besides its index, before it is known whether there is padding."""
        if self.values == "codes":
            return self.block_weights * bits_for(len(self._distinct) + 1)
        return self.value_bits

    @property
    def code_bits(self) -> int:
        """Bits of what an entry has of each weight."""
        if self.values == "signs":
            return 1
        return (bits_for(len(self.codebook)) if self.values == "codes"
                else self.weight_format.bits)

    @property
    def value_bits(self) -> int:
        """Bits of an entry besides its index."""
        return self.block_weights * self.code_bits

    @property
    def entry_bits(self) -> int:
        """Bits of an entry."""
        return self.value_bits + self.columns.index_bits

    @property
    def code_of_zero(self) -> int:
        """What padding has in place of a weight."""
        return int(np.searchsorted(self.codebook, 0)) if self.values == "codes" else 0

    def entry_rows(self, element: int) -> list[int]:
        """Entry memory of one element: weight, code or sign in the low bits, index above it.

        Those of a block row after row, the first one lowest.
        """
        nonzero, index = self.columns.entries_of(element)
        if not len(nonzero):
            return [0]
        weights = self._nonzeros[nonzero]
        codes = np.where(nonzero[:, np.newaxis] < 0, self.code_of_zero, self._codes(weights))
        values = pack_rows(codes, Fixed(self.code_bits, 0, False))
        return [value | place << self.value_bits
                for value, place in zip(values, index.tolist(), strict=True)]

    def _codes(self, weights) -> np.ndarray:
        """What entries have for ``weights``."""
        if self.values == "signs":
            return (weights < 0).astype(np.int64)
        return (np.searchsorted(self.codebook, weights) if self.values == "codes"
                else self.weight_format.encode(weights))

    def codebook_rows(self) -> list[int]:
        """The codebook, a weight in each row."""
        return pack_rows(self.codebook[:, np.newaxis], self.weight_format)

    @property
    def pointer_bits(self) -> int:
        """Bits of the pointers of all elements."""
        if self.pointers == "banks":
            return (self.column_count + 1) * self.pe * self.columns.end_bits
        return self.column_count * self.pe * (self.columns.start_bits + self.columns.left_bits)

    @cached_property
    def skips(self) -> bool:
        """Whether some columns have no entries."""
        return not self.columns.used.all()

    def bias_rows(self):
        """Row ``f`` holds the biases of row ``f`` of every element."""
        biases = np.zeros(self.nf * self.row_outputs, np.int64)
        biases[:self.n_out] = self.mat_vec.bias_or_zero
        return pack_rows(biases.reshape(self.nf, -1), self.bias_format)

    @property
    def product_registers(self) -> int:
        """Registers behind products, where those of a block's row are added up: one a level."""
        return adder_levels(self.block_columns)

    @property
    def memory_bits(self):
        """Bits of the generated memories; an element without entries has one (zero) row."""
        rows = int(self.columns.memory_rows.sum())
        bits = {"weights": rows * self.value_bits, "index": rows * self.columns.index_bits,
                "pointers": self.pointer_bits, **self.bits_beside_weights}
        if self.mat_vec.bias is not None:
            bits["bias"] = self.nf * self.row_outputs * self.bias_format.bits
        if self.skips:
            bits["used columns"] = self.column_count
        if self.values == "codes":
            books = self.pe * self.block_weights
            bits["codebook"] = books * len(self.codebook) * self.weight_format.bits
        return bits
