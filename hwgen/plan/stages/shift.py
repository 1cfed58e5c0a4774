"""The shift core: weights that are sums of powers of two, so that no product is multiplied."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import Matrix, PowerSums, Threshold
from ...numeric import Bipolar, Fixed, Logarithmic, PowerOfTwo, SpecError, Ternary, pack_rows
from .folded import FoldedStage, adder_levels, tree_registers
from .shift_cells import shift_cells

__all__ = ["SHIFT_REGISTERS", "ShiftStage", "power_sums_of"]

SHIFT_REGISTERS = 1
"""Registers behind the shifters."""

INPUTS = Fixed | Ternary | Bipolar | Logarithmic


def power_sums_of(where: str, weights: Matrix) -> PowerSums:
    """``weights`` as sums of powers of two; SpecError where they are not given as such."""
    if isinstance(weights, PowerSums):
        return weights
    if isinstance(weights.format, PowerOfTwo):
        return PowerSums.of(weights.to_dense(), weights.format.exponents)
    raise SpecError(f"{where}: weights must be powers of two or sums of them (PowerSums), not"
                    f" {weights.format}; choose the fixed core")


@dataclass(frozen=True, eq=False)
class ShiftStage(FoldedStage):
    """``pe * simd`` shifters for each term of the weights, an adder tree, an accumulator an output.

    A weight's term is a sign and an exponent: its product is the input shifted and, for a negative
    one, complemented; the one that a complement lacks is the carry-in of an adder that there is
    anyway. INQ (arXiv 1702.03044) has one term, ShiftCNN (arXiv 1706.02393) several. Of inputs that
    are powers of two themselves (:class:`~hwgen.numeric.Logarithmic`, LogNet: arXiv 1603.01025) the
    product is a one at the sum of both exponents; of signs, one at that of the weight.

    There is no multiplier. A vector takes ``(n_out / pe) * (n_in / simd)`` cycles.

    Raises
    ------
    SpecError    If the weights are no such sums, the input is neither fixed point, ternary, signs
                 nor logarithmic, or a Threshold follows.
    """

    core: ClassVar[str] = "shift"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = (*FoldedStage.choices, "multipliers", "weights")

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """Every matrix that is given as sums of powers."""
        return isinstance(mat_vec.weights, PowerSums) and isinstance(x.format, INPUTS)

    @classmethod
    def loads(cls, weights):
        """Of any such sums: what is stored for no exponent is zero."""
        return weights.is_loaded and (isinstance(weights, PowerSums)
                                      or isinstance(weights.format, PowerOfTwo))

    def __post_init__(self):
        super().__post_init__()
        power_sums_of(self.where, self.mat_vec.weights)
        if not isinstance(self.x.format, INPUTS):
            raise SpecError(f"{self.where}: input must be fixed point, ternary, signs or"
                            f" logarithmic, not {self.x.format}")
        if isinstance(self.post, Threshold):
            raise SpecError(f"{self.where}: what follows must be a Requantise or nothing,"
                            f" not a Threshold")

    @cached_property
    def sums(self) -> PowerSums:
        """The weights."""
        return power_sums_of(self.where, self.mat_vec.weights)

    @property
    def adds_exponents(self) -> bool:
        """Whether inputs are powers of two, too."""
        return isinstance(self.x.format, Logarithmic)

    @property
    def is_signs(self) -> bool:
        """Whether inputs are signs, which change that of a weight."""
        return isinstance(self.x.format, Bipolar)

    # -- storage ---------------------------------------------------------------------------------

    @property
    def exponent_bits(self) -> int:
        """Bits of an exponent."""
        return (self.sums.exponents - 1).bit_length()

    @property
    def field_bits(self) -> int:
        """Bits of an exponent with what says zero: all of them ones, which no exponent is.

        What else is no exponent is zero, too, for terms that are loaded.
        """
        return self.sums.exponents.bit_length()

    @property
    def term_bits(self) -> int:
        """Bits of a stored term: the sign above the exponent."""
        return 1 + self.field_bits

    @property
    def terms(self) -> int:
        """Terms of a weight."""
        return len(self.sums.codes)

    @property
    def weight_row_bits(self) -> int:
        """Bits of a row of :meth:`weight_rows`."""
        return self.pe * self.simd * self.terms * self.term_bits

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order: row ``f * sf + s`` holds ``pe`` groups of ``simd`` weights.

        A weight is its terms, the first one lowest.
        """
        values = self.sums.term_format.decode(self.sums.codes)
        exponent = self.sums.codes % (1 << self.field_bits) - 1
        zero = (1 << self.field_bits) - 1
        fields = np.where(values == 0, zero, exponent) | (values < 0) << self.field_bits
        folded = fields.reshape(self.terms, self.nf, self.pe, self.sf, self.simd)
        rows = folded.transpose(1, 3, 2, 4, 0).reshape(self.nf * self.sf, -1)
        return pack_rows(rows, Fixed(self.term_bits, 0, signed=False))

    # -- arithmetic ------------------------------------------------------------------------------

    def shifted_bits(self, base: int) -> int:
        """Bits of a product of a term whose least exponent is ``base``, without the sign of it."""
        spread = self.sums.exponents - 1 + base
        if self.adds_exponents:
            return self.x.format.exponents + spread
        return self.x.format.bits + spread

    @property
    def tree_levels(self) -> int:
        """Adder levels between the products and the accumulator."""
        return adder_levels(self.simd * self.terms)

    @property
    def dot_registers(self):
        """Those of the shifters, then those of the tree."""
        return SHIFT_REGISTERS + tree_registers(self.tree_levels, self.levels_per_register)

    @property
    def loaded(self):
        bits = self.exponent_bits
        return self.loaded_with_biases(
            Fixed(self.term_bits, 0, signed=False), f"{self.pe} outputs x {self.simd} inputs x"
            f" {self.terms} terms, {self.term_bits} bits each: exponent, or all ones for zero;"
            f" above it the sign", terms=self.terms, exponent_bits=bits)

    def estimate(self, target):
        return sum((memory.estimate(target) for memory in self.loaded), shift_cells(self, target))
