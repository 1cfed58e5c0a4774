"""The sparse core with columns shared out, too: over groups of elements, whose sums are added up.

With one row of elements each group has all rows: EIE's alternative (arXiv 1602.01528, section VII).
With several rows the elements are a grid, over which the matrix is dealt out in both directions.
"""

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import ClassVar

import numpy as np

from ...ir import Dense, Edge, MatVec
from ...numeric import SpecError, as_int
from .base import divisors, require_divisor, those_possible
from .sparse import SparseStage

__all__ = ["SparseColumnsStage"]

GROUPS = (2, 4, 8)
"""Numbers of groups that are tried."""


@dataclass(frozen=True, eq=False)
class _Part(SparseStage):
    """A group of elements as a core of its own, with sums as wide as those of the whole."""

    whole: SparseStage = field(kw_only=True)

    @property
    def acc_format(self):
        return self.whole.acc_format

    @property
    def bias_format(self):
        return self.whole.bias_format


@dataclass(frozen=True, eq=False)
class SparseColumnsStage(SparseStage):
    """``column_groups`` sparse cores of ``pe / column_groups`` elements, each with its columns.

    Column ``j`` is of group ``j % column_groups``, so that each beat has as many for each group.
    A group broadcasts an activation a cycle of its own, which is what this is for: a matrix with
    few outputs and many inputs is not bound by one activation a cycle. Groups take a beat when all
    have done with it, and have queues of their own. The biases are in the first group.

    Parameters
    ----------
    pe : int               elements of all groups
    column_groups : int    a divisor of ``pe`` and of the columns
    simd : int             columns looked at side by side by all groups, a multiple of the groups
    queue_depth, lanes, index, index_bits, values, pointers, block_rows, block_columns
        See :class:`SparseStage`.

    Raises
    ------
    SpecError, TypeError    As :class:`SparseStage`, and if a number does not divide.
    """

    core: ClassVar[str] = "sparse-columns"
    choices: ClassVar[tuple[str, ...]] = (*SparseStage.choices, "column_groups")
    column_groups: int = field(default=2, kw_only=True)

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return False

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        """For each number of groups what the sparse core tries, as often; ``simd`` as many.

        Of the numbers that are not chosen those that go with what is.
        """
        tried = [choice["column_groups"]] if "column_groups" in choice else [
            groups for groups in GROUPS if mat_vec.weights.shape[1] % groups == 0]
        if not tried:
            raise SpecError(f"{cls.path(mat_vec)}: n_in must be a multiple of 2,"
                            f" not {mat_vec.weights.shape[1]}; choose the sparse core")
        of_groups = partial(super().candidates, mat_vec, x, post, interval_cycles=interval_cycles,
                            levels_per_register=levels_per_register)
        return those_possible(partial(of_groups, choice={"simd": groups} | choice | {
            "column_groups": groups}) for groups in tried)

    @classmethod
    def _elements(cls, mat_vec, block, choice):
        if "pe" in choice:
            return [choice["pe"]]
        rows = mat_vec.weights.shape[0] // choice.get("block_rows", block.get("block_rows", 1))
        return [choice["column_groups"] * each for each in divisors(rows)]

    def __post_init__(self):
        groups = as_int(self.column_groups, f"{self.where}: column_groups")
        require_divisor(self.where, "column_groups", groups, "pe",
                        as_int(self.pe, f"{self.where}: pe"))
        super().__post_init__()
        require_divisor(self.where, "column_groups", groups, "the columns", self.column_count)
        require_divisor(self.where, "column_groups", groups, "simd", self.simd)

    def _require_pe(self):
        rows = self.n_out // max(1, self.block_rows) * self.column_groups
        if not 1 <= self.pe <= rows:
            raise SpecError(f"{self.where}: pe must be in 1..{rows}, not {self.pe}")

    @property
    def row_elements(self):
        return self.pe // self.column_groups

    @cached_property
    def parts(self):
        """The groups, each with its columns of the matrix."""
        dense, groups = self.mat_vec.weights.to_dense(), self.column_groups
        dense = dense.reshape(self.n_out, -1, groups, self.block_columns)
        x = Edge((self.n_in // groups,), self.x.format, self.x.lo, self.x.hi)
        given = {"index": self.index, "index_bits": self.index_bits, "values": self.values,
                 "pointers": self.pointers, "block_rows": self.block_rows,
                 "block_columns": self.block_columns, "multipliers": self.multipliers,
                 "simd": self.simd // groups, "whole": self}
        return tuple(
            _Part(MatVec(self.name, self.mat_vec.inputs,
                         Dense(dense[:, :, g].reshape(self.n_out, -1), self.mat_vec.weights.format),
                         None if g else self.mat_vec.bias),
                  x, None, self.row_elements, self.queue_depth, **given)
            for g in range(groups))

    @property
    def storage(self):
        index = {} if self.index_bits is None else {"index_bits": self.index_bits}
        storage = {what: value for what, value in self.parts[0].storage.items()
                   if what != "index_bits"}
        return {"column_groups": self.column_groups} | storage | index

    @cached_property
    def counts(self):
        counts = np.zeros((self.pe, self.column_count), np.int64)
        for g, part in enumerate(self.parts):
            rows = slice(g * self.row_elements, (g + 1) * self.row_elements)
            counts[rows, g::self.column_groups] = part.columns.counts
        return counts

    @property
    def entries(self):
        return self.counts.sum(axis=1)

    @property
    def memory_bits(self):
        bits = {}
        for part in self.parts:
            for what, count in part.memory_bits.items():
                bits[what] = bits.get(what, 0) + count
        return bits if self.narrowing is None else bits | self.narrowing.memory_bits
