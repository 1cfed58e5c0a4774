"""The N:M core: of each M inputs an output reads at most N, so that as few are multiplied.

A folded core whose products each choose their input: the rate is fixed, and nothing waits.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Fixed, as_int, pack_rows
from .base import divisors, require_divisor
from .fixed import MULTIPLIER_REGISTERS, require_fixed, stored_weight_format
from .folded import FoldedStage, adder_levels, tree_registers
from .nm_cells import nm_cells
from .sparse_storage import bits_for

__all__ = ["LARGEST_GROUP", "NMStage", "fullest", "group_of"]

LARGEST_GROUP = 16
"""Inputs of the largest group that is looked for."""

LEAST_FILL = 0.85
"""Share of places in use above which a matrix is taken to have been pruned in groups."""


def fullest(dense, group: int) -> int:
    """Most nonzeros in any row of ``dense`` (n_out, n_in) in any ``group`` inputs, at least 1."""
    counts = np.count_nonzero(dense.reshape(len(dense), -1, group), axis=2)
    return max(1, int(counts.max()))


def group_of(dense) -> int:
    """The group size with the fewest products; of equals the smallest. At most 16, a divisor."""
    sizes = [size for size in divisors(dense.shape[1]) if size <= LARGEST_GROUP]
    return min(sizes, key=lambda size: (fullest(dense, size) / size, size))


@dataclass(frozen=True, eq=False)
class NMStage(FoldedStage):
    """``pe`` outputs with ``lanes = simd * N / M`` multipliers each, for ``simd`` inputs a cycle.

    Inputs are in groups of ``M``, and of none of them an output reads more than ``N``. Each of the
    ``N`` places of a group has a multiplier, a weight, and the number of its input. Places are in
    the order of their inputs, so that place ``j`` chooses among inputs ``j`` to ``M - N + j``; one
    that is not needed has a weight 0.

    Parameters
    ----------
    simd : int              inputs side by side, a multiple of the group
    group : int, optional   ``M``; unless given the one of the fewest products (:func:`group_of`)
    multipliers : str       ``blocks`` or ``luts``; see :class:`FixedStage`

    Raises
    ------
    SpecError    If ``group`` does not divide n_in or ``simd``, ``multipliers`` is unknown, the
                 input is not fixed point, or a Threshold follows.
    """

    core: ClassVar[str] = "nm"
    compares: ClassVar[bool] = False
    columns_in_groups: ClassVar[bool] = True
    choices: ClassVar[tuple[str, ...]] = (*FoldedStage.choices, "group", "multipliers")
    pairs: ClassVar[int] = 0
    """Pairs of products that share a block."""
    group: int | None = field(default=None, kw_only=True)

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """Where at most half of the places of groups are needed, and most of these are in use.

        Of a row with one group alone that says little.
        """
        density = mat_vec.weights.density
        if density > 0.5 or not isinstance(x.format, Fixed):
            return False
        dense = mat_vec.weights.to_dense()
        group = group_of(dense)
        share = fullest(dense, group) / group
        return share <= 0.5 and density >= LEAST_FILL * share and group < dense.shape[1]

    @classmethod
    def foldings(cls, mat_vec, x, choice):
        dense = mat_vec.weights.to_dense()
        group = as_int(choice.get("group", group_of(dense)), f"{cls.path(mat_vec)}: group")
        require_divisor(cls.path(mat_vec), "group", group, "n_in", dense.shape[1])
        n = fullest(dense, group)
        more = {"group": choice["group"]} if "group" in choice else {}
        return [(width // group * n, folding | more)
                for width, folding in super().foldings(mat_vec, x, choice)
                if folding["simd"] % group == 0 or "simd" in choice]

    @classmethod
    def products(cls, mat_vec, x):
        dense = mat_vec.weights.to_dense()
        group = group_of(dense)
        return super().products(mat_vec, x) // group * fullest(dense, group)

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        require_divisor(self.where, "group", self.size, "simd", self.simd)

    @cached_property
    def size(self) -> int:
        """``M``: inputs of a group."""
        return group_of(self.mat_vec.weights.to_dense()) if self.group is None else self.group

    @cached_property
    def places(self) -> int:
        """``N``: the most nonzeros of an output in a group."""
        return fullest(self.mat_vec.weights.to_dense(), self.size)

    @property
    def lanes(self) -> int:
        """Products of an output in a cycle."""
        return self.simd // self.size * self.places

    @property
    def reach(self) -> int:
        """Inputs that a place chooses among."""
        return self.size - self.places + 1

    @property
    def index_bits(self) -> int:
        """Bits of the number of a place's input; none where there is no choice."""
        return bits_for(self.reach) if self.reach > 1 else 0

    @property
    def in_blocks(self) -> bool:
        """Whether multiplier blocks are asked for: products with constants are better without."""
        return not self.multiplies_in_luts and self.nf * self.sf > 1

    @property
    def tree_levels(self) -> int:
        """Adder levels between the products and the accumulator."""
        return adder_levels(self.lanes)

    @property
    def dot_registers(self):
        """Those of the multipliers, in front of which inputs are chosen, then those of the tree."""
        return MULTIPLIER_REGISTERS + tree_registers(self.tree_levels, self.levels_per_register)

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.mat_vec.weights.format)

    @property
    def weight_row_bits(self) -> int:
        """Bits of a row of :meth:`weight_rows`."""
        return self.pe * self.lanes * (self.weight_format.bits + self.index_bits)

    @cached_property
    def _chosen(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and inputs of all places, int64 ``(n_out, groups, N)``; inputs less the place."""
        groups = self.mat_vec.weights.to_dense().reshape(self.n_out, -1, self.size)
        # Nonzeros first, then zeros from the first one on; of these the first N, in order.
        inputs = np.argsort(groups == 0, axis=2, kind="stable")[:, :, :self.places]
        inputs = np.sort(inputs, axis=2)
        return np.take_along_axis(groups, inputs, axis=2), inputs - np.arange(self.places)

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order: row ``f * sf + s`` has ``pe`` times ``lanes`` places.

        Each a weight in the low bits, and above it which input it has.
        """
        weights, inputs = self._chosen
        entries = self.weight_format.encode(weights) | inputs << self.weight_format.bits
        folded = entries.reshape(self.nf, self.pe, self.sf, self.lanes).transpose(0, 2, 1, 3)
        entry = Fixed(self.weight_format.bits + self.index_bits, 0, False)
        return pack_rows(folded.reshape(self.nf * self.sf, -1), entry)

    @property
    def memory_bits(self):
        """Weights, and the numbers of their inputs."""
        places = self.nf * self.sf * self.pe * self.lanes
        index = {"index": places * self.index_bits} if self.index_bits else {}
        return {"weights": places * self.weight_format.bits} | index | self.bits_beside_weights

    @property
    def folding(self):
        return super().folding | ({} if self.group is None else {"group": self.group})

    def to_dict(self):
        return super().to_dict() | {"n": self.places, "m": self.size, "lanes": self.lanes,
                                    "nonzeros": self.mat_vec.weights.nonzeros}

    def estimate(self, target):
        return nm_cells(self, target)
