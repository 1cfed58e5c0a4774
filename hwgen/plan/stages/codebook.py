"""The codebook core: inputs are added up by the value they meet, and multiplied once a value."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import LoadedShared, Shared, Threshold
from ...numeric import Bipolar, Fixed, SpecError, Ternary, pack_rows
from ..target import in_block_ram
from .base import divisors
from .codebook_cells import codebook_cells
from .fixed import MULTIPLIER_REGISTERS
from .folded import FoldedStage, adder_levels, tree_registers
from .loaded_memory import LoadedMemory

__all__ = ["CodebookStage"]

MAX_CENTROIDS = 256

INPUTS = Fixed | Ternary | Bipolar


def _other_way(mat_vec) -> str:
    if mat_vec.is_loaded:
        return "let fewer values be shared, or leave weights at rom on the fixed core"
    return "choose the fixed core"


def _used(weights) -> np.ndarray:
    """The values but 0 that are in ``weights``, ascending."""
    values = np.unique(weights.to_dense())
    return values[values != 0]


def _count(weights) -> int:
    """How many of them there are; where weights are loaded, can be."""
    return weights.most if isinstance(weights, LoadedShared) else len(_used(weights))


@dataclass(frozen=True, eq=False)
class CodebookStage(FoldedStage):
    """``y = sum_k c_k (sum of the inputs whose weight is c_k)``: a product for each centroid c_k.

    Each of ``pe * simd`` lanes has a sum for each centroid and adds an input to that which its
    code selects; inputs of weight 0 are left out. While the next fold comes in, into a second set
    of sums, those of ``K`` centroids but 0 are read one after another: of a centroid the ``simd``
    lanes are added up, multiplied by it and accumulated. As a fold takes ``sf = n_in / simd``
    cycles, one multiplier serves ``group = min(pe, sf // K)`` outputs, so there are
    ``ceil(pe / group)`` (weight sharing of Deep Compression, arXiv 1510.00149).

    A vector takes ``(n_out / pe) * (n_in / simd)`` cycles, as of the fixed core. The outputs of a
    fold leave ``group * K + 7`` cycles after its last row is read, and those of the lanes' adder
    tree, of gathering a group of several, and of what follows. After reset nothing is taken for
    ``K`` cycles, in which the sums are cleared.

    Any matrix of few values will do; :class:`~hwgen.ir.Shared` ones come here unasked.

    Raises
    ------
    SpecError    If there is no weight but 0, there are more than 256 centroids or more than
                 ``n_in / simd``, the input is neither fixed point, ternary nor signs, or a
                 Threshold follows.
    """

    core: ClassVar[str] = "codebook"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = (*FoldedStage.choices, "multipliers", "weights")

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """Shared weights whose rows are at least as long as there are centroids."""
        return (isinstance(mat_vec.weights, Shared) and isinstance(x.format, INPUTS)
                and 1 <= _count(mat_vec.weights) <= min(MAX_CENTROIDS, mat_vec.weights.shape[1]))

    @classmethod
    def loads(cls, weights):
        """Of shared centroids: a code of none counts as 0."""
        return isinstance(weights, LoadedShared)

    @classmethod
    def foldings(cls, mat_vec, x, choice):
        every = super().foldings(mat_vec, x, choice)
        n_in, count = mat_vec.weights.shape[1], _count(mat_vec.weights)
        return [option for option in every if n_in // option[1]["simd"] >= count] or every

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.x.format, INPUTS):
            raise SpecError(f"{self.where}: input must be fixed point, ternary or signs, not"
                            f" {self.x.format}")
        if isinstance(self.post, Threshold):
            raise SpecError(f"{self.where}: what follows must be a Requantise or nothing,"
                            f" not a Threshold")
        count, most = self.count, min(MAX_CENTROIDS, self.n_in)
        if not 1 <= count <= most:
            raise SpecError(f"{self.where}: weights must have 1 to {most} values but 0, of which"
                            f" each takes one of {self.n_in} inputs' time, not {count};"
                            f" {_other_way(self.mat_vec)}")
        if self.sf < count:
            fits = [simd for simd in divisors(self.n_in) if self.n_in // simd >= count]
            raise SpecError(f"{self.where}: simd must leave n_in / simd of at least {count}, the"
                            f" values but 0 of the weights, not {self.simd}; choose from {fits}")

    # -- the codebook ----------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """K, the centroids but 0; of those that are loaded, as many as there can be."""
        return _count(self.mat_vec.weights)

    @cached_property
    def centroids(self) -> np.ndarray:
        """The values but 0, int64 ``(K,)``, ascending; zeros where there can be more."""
        used = _used(self.mat_vec.weights)
        return np.pad(used, (0, self.count - len(used)))

    @cached_property
    def codes(self) -> np.ndarray:
        """Number of each weight's centroid, int64 ``(n_out, n_in)``; K for 0."""
        dense = self.mat_vec.weights.to_dense()
        return np.where(dense == 0, self.count,
                        np.searchsorted(_used(self.mat_vec.weights), dense))

    @property
    def entries(self) -> int:
        """Codes that are used: one for each centroid, and one for 0 where it is a weight.

        Of those that are loaded, all that so many bits can be.
        """
        if self.mat_vec.is_loaded:
            return 1 << self.count.bit_length()
        return int(self.codes.max()) + 1

    @property
    def code_bits(self) -> int:
        """Bits of a code, at least one."""
        return max(1, (self.entries - 1).bit_length())

    @property
    def centroid_format(self) -> Fixed:
        """In which the centroids are stored."""
        if self.mat_vec.is_loaded:
            return Fixed(self.mat_vec.weights.bits)
        return Fixed.covering(int(self.centroids[0]), int(self.centroids[-1]))

    @property
    def group(self) -> int:
        """Outputs that share a multiplier."""
        return min(self.pe, self.sf // self.count)

    @property
    def ways(self) -> int:
        """Multipliers, each of a group of outputs; the last group may be smaller."""
        return -(-self.pe // self.group)

    # -- storage ---------------------------------------------------------------------------------

    @property
    def weight_row_bits(self) -> int:
        """Bits of a row of :meth:`weight_rows`."""
        return self.pe * self.simd * self.code_bits

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order: row ``f * sf + s`` holds ``pe`` times ``simd`` codes."""
        folded = self.codes.reshape(self.nf, self.pe, self.sf, self.simd)
        rows = folded.transpose(0, 2, 1, 3).reshape(self.nf * self.sf, -1)
        return pack_rows(rows, Fixed(self.code_bits, 0, signed=False))

    def centroid_rows(self) -> list[int]:
        """Row ``k`` is centroid ``k``."""
        return pack_rows(self.centroids[:, np.newaxis], self.centroid_format)

    def start_rows(self) -> list[int]:
        """Row ``f * group + j`` holds the biases of output ``j`` of each group, in fold ``f``."""
        spare = self.ways * self.group - self.pe
        folds = np.pad(self.mat_vec.bias_or_zero.reshape(self.nf, self.pe), ((0, 0), (0, spare)))
        rows = folds.reshape(self.nf, self.ways, self.group).transpose(0, 2, 1)
        return pack_rows(rows.reshape(-1, self.ways), self.bias_format)

    @property
    def memory_bits(self):
        return super().memory_bits | {
            "centroids": self.count * self.centroid_format.bits}

    # -- arithmetic ------------------------------------------------------------------------------

    def _most_inputs(self, lanes: int) -> int:
        """Inputs that one sum of a centroid takes in at most, where there are so many lanes."""
        if self.mat_vec.is_loaded:
            return self.n_in // lanes
        codes = self.codes.reshape(self.n_out, -1, lanes)
        return max(int((codes == k).sum(axis=1).max()) for k in range(self.count))

    def _sum_format(self, inputs: int) -> Fixed:
        return Fixed.covering(min(0, inputs * self.x.lo), max(0, inputs * self.x.hi))

    @cached_property
    def lane_format(self) -> Fixed:
        """Of a lane's sum of one centroid, from the actual weights."""
        return self._sum_format(self._most_inputs(self.simd))

    @cached_property
    def sum_format(self) -> Fixed:
        """Of the same of all lanes of an output."""
        return self._sum_format(self._most_inputs(1))

    @property
    def tree_registers(self) -> int:
        """Registers in the adder tree of the lanes."""
        return tree_registers(adder_levels(self.simd), self.levels_per_register)

    @property
    def dot_registers(self):
        """None: a lane's sums are what accumulates."""
        return 0

    @property
    def multiply_registers(self) -> int:
        """Cycles from the read of a lane's sum to its product."""
        return 1 + self.tree_registers + MULTIPLIER_REGISTERS

    @property
    def combine_registers(self):
        """Reading the sums, products, their accumulator, and gathering the outputs of a group."""
        read = self.group * self.count
        return read + self.multiply_registers + (self.group > 1)

    def to_dict(self):
        return super().to_dict() | {"centroids": self.count,
                                    "multipliers": self.ways}

    @property
    def loaded(self):
        """Codes, centroids, biases."""
        if not self.mat_vec.is_loaded:
            return ()
        code, fmt = Fixed(self.code_bits, 0, signed=False), self.centroid_format
        weights, *_ = self.loaded_with_biases(
            code, f"{self.pe} outputs x {self.simd} inputs, {self.code_bits} bits each: the number"
            f" of a centroid, or {self.count} for 0")
        memories = [weights, LoadedMemory(
            self.name, "centroids", rows=self.count, row_bits=fmt.bits, values=fmt,
            contents=self.centroid_rows, in_blocks=in_block_ram(self.count, fmt.bits),
            text="a centroid, or 0 behind the last one", folding={})]
        if self.mat_vec.bias is not None:
            fmt, rows = self.bias_format, self.nf * self.group
            memories.append(LoadedMemory(
                self.name, "bias", rows=rows, row_bits=self.ways * fmt.bits, values=fmt,
                in_blocks=in_block_ram(rows, self.ways * fmt.bits),
                contents=self.start_rows, folding={"pe": self.pe, "group": self.group},
                text=f"{self.ways} values of {fmt.bits} bits; row f * {self.group} + j is"
                     f" of outputs f * {self.pe} + j, and each {self.group} further on"))
        return tuple(memories)

    def estimate(self, target):
        return sum((memory.estimate(target) for memory in self.loaded),
                   codebook_cells(self, target))
