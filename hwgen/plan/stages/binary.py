"""The binarised core: popcounts of bit planes, accumulated, weighed, compared."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import Threshold
from ...numeric import Bipolar, Fixed, SpecError, as_int, pack_row
from .binary_cells import binary_cells
from .chain_timing import popcount_registers
from .combine import Combine
from .folded import FoldedStage, adder_levels, tree_registers
from .plane_sum import PlaneSum
from .threshold_search import ThresholdSearch

__all__ = ["BinaryStage"]

MAX_PRODUCTS = 64
"""Most pairs of planes."""

MAX_ACC_BITS = 62

EIGHT_BIT_INPUT, FEW_PLANES = 8, 4
"""Planes of an input up to which bipolar, and other narrow, weights go to this core unasked."""


@dataclass(frozen=True, eq=False)
class BinaryStage(FoldedStage):
    """Weights and inputs whose values are sums of bit planes: only popcounts depend on ``x``.

    Every weight plane meets every input plane (:class:`PlaneSum`). The accumulator starts from the
    constants of its output, a threshold among them, so a single threshold is the sign of the sum
    (BNN, arXiv 1602.02830; FINN, arXiv 1612.07119), and scores need no adder of their own.

    Parameters
    ----------
    planes : int
        Pairs of planes side by side: 1, in which case a fold reads the vector once for each pair,
        or all of them.

    Raises
    ------
    SpecError    If a format has no planes, there are more than 64 pairs, the accumulator would
                 need more than 62 bits, or a folding is none.
    """

    core: ClassVar[str] = "binary"
    choices: ClassVar[tuple[str, ...]] = ("pe", "simd", "planes")
    planes: int = 1

    @classmethod
    def suits(cls, mat_vec, x):
        """Weights of two bits or sums of planes, few input planes; signs also of 8-bit pixels."""
        fmt = mat_vec.weights.format
        if fmt.planes is None or x.format.planes is None:
            return False
        if isinstance(fmt, Fixed) and fmt.bits > 2:
            return False
        if len(fmt.planes.gains) * len(x.format.planes.gains) > MAX_PRODUCTS:
            return False
        most = EIGHT_BIT_INPUT if isinstance(fmt, Bipolar) else FEW_PLANES
        return len(x.format.planes.gains) <= most

    @classmethod
    def foldings(cls, mat_vec, x, choice):
        _require_planes(cls.path(mat_vec), mat_vec, x)
        pairs = _pairs(PlaneSum(mat_vec.weights, x.format))
        options = sorted({1, pairs})
        if "planes" in choice:
            options = [as_int(choice["planes"], f"{cls.path(mat_vec)}: planes")]
        return [(width * planes, folding | {"planes": planes})
                for width, folding in super().foldings(mat_vec, x, choice) for planes in options]

    @classmethod
    def products(cls, mat_vec, x):
        return super().products(mat_vec, x) * _pairs(PlaneSum(mat_vec.weights, x.format))

    def __post_init__(self):
        super().__post_init__()
        _require_planes(self.where, self.mat_vec, self.x)
        if isinstance(self.post, Threshold) and len(self.post.format.levels) < 2:
            raise SpecError(f"{self.where}: output must have at least 2 levels, not those of"
                            f" {self.post.format}")
        self._require_choice()
        bits = max(-self._range[0] - 1, self._range[1]).bit_length() + 1
        if bits > MAX_ACC_BITS:
            raise SpecError(f"{self.where}: accumulator must have at most {MAX_ACC_BITS} bits, not"
                            f" {bits}: sums of planes run from {self._range[0]} to"
                            f" {self._range[1]}")

    def _require_choice(self):
        pairs = self.plane_pairs
        if as_int(self.planes, f"{self.where}: planes") in (1, pairs):
            return
        rule = (f"1 (one pair of planes after another) or all {pairs} pairs side by side"
                if pairs > 1 else "1, as there is one pair of planes")
        raise SpecError(f"{self.where}: planes must be {rule}, not {self.planes}")

    # -- planes ----------------------------------------------------------------------------------

    @cached_property
    def plane_sum(self) -> PlaneSum:
        """The product as popcounts."""
        return PlaneSum(self.mat_vec.weights, self.x.format)

    @property
    def plane_pairs(self) -> int:
        """Weight planes times input planes."""
        return _pairs(self.plane_sum)

    @property
    def passes(self) -> int:
        """How often an output fold reads the vector: once for each pair that is not beside it."""
        return self.plane_pairs // self.planes

    @property
    def is_serial(self) -> bool:
        """Whether one pair of planes follows another."""
        return self.passes > 1

    @cached_property
    def weight_planes(self):
        """As stored: of outputs whose sum is flipped the complement."""
        planes = self.plane_sum.weight_planes
        if self.search is None or not self.plane_sum.flips:
            return planes
        return tuple(plane.flipped(self.search.flipped) for plane in planes)

    @property
    def result_shift(self) -> int:
        """Scores are the accumulator shifted right by so much: 1 where gains were halves."""
        return int(self.search is None and self.plane_sum.unit % 2)

    @property
    def low_bits(self) -> int:
        """Lowest bits of the scores: no plane weighs so little, they are of the constant alone."""
        if self.search is not None or self.result_shift:
            return 0
        half = self.plane_sum.unit // 2
        return (half & -half).bit_length() - 1

    @property
    def out_gain(self) -> int:
        """What every gain is multiplied by, so that the sum comes out in the unit of the scores."""
        if self.search is not None:
            return 1
        return self.plane_sum.unit if self.result_shift else self.plane_sum.unit >> (
            1 + self.low_bits)

    @property
    def pair_gains(self) -> list[list[int]]:
        """Gain of each weight plane (rows) with each input plane, if they are side by side."""
        return [[self.out_gain * weight.gain * x.gain for x in self.plane_sum.input_planes]
                for weight in self.weight_planes]

    @cached_property
    def combines(self) -> tuple[Combine, ...]:
        """What weighs the counts of one pass after another: over input planes, weight planes."""
        if not self.is_serial:
            return ()
        levels = [[plane.gain for plane in planes]
                  for planes in (self.plane_sum.input_planes, self.weight_planes)]
        levels = [gains for gains in levels if len(gains) > 1]
        levels[-1] = [gain * self.out_gain for gain in levels[-1]]
        return tuple(Combine(tuple(gains), self.levels_per_register) for gains in levels)

    # -- widths ----------------------------------------------------------------------------------

    @cached_property
    def search(self) -> ThresholdSearch | None:
        """How the sum becomes the output code; None where the sum itself goes on."""
        if not isinstance(self.post, Threshold):
            return None
        sums = self.plane_sum
        wanted = 2 * (self.post.table.astype(object) - self.mat_vec.bias_or_zero[:, np.newaxis])
        wanted = -(-(wanted - sums.constant[:, np.newaxis]) // sums.unit)
        return ThresholdSearch.of(self.post, wanted, sums.most, flips=sums.flips)

    @cached_property
    def _constants(self) -> np.ndarray:
        """What is added to the sums of planes, in the unit of the scores, Python ints."""
        constant = self.plane_sum.constant + 2 * self.mat_vec.bias_or_zero.astype(object)
        return constant if self.result_shift else constant // 2

    @cached_property
    def starts(self) -> np.ndarray:
        """What each accumulator starts from, Python ints ``(n_out,)``."""
        return -self.search.first if self.search is not None else self._constants >> self.low_bits

    @property
    def lows(self) -> np.ndarray:
        """The lowest bits of each score, Python ints ``(n_out,)``."""
        return self._constants & ((1 << self.low_bits) - 1)

    @cached_property
    def _range(self) -> tuple[int, int]:
        ends = self.starts + self.out_gain * self.plane_sum.most
        return min(-1, *self.starts.tolist()), max(0, *ends.tolist())

    @property
    def acc_format(self):
        """Holds the accumulator at all times, from the actual weights and thresholds."""
        return Fixed.covering(*self._range)

    @property
    def start_format(self) -> Fixed:
        """In which the starts are stored."""
        return Fixed.covering(min(-1, *self.starts.tolist()), max(0, *self.starts.tolist()))

    @property
    def most_count(self) -> int:
        """Largest popcount of one pair of planes, over a whole vector."""
        return max(int(plane.most.max()) for plane in self.weight_planes)

    # -- storage ---------------------------------------------------------------------------------

    @property
    def words_per_lane(self) -> int:
        """Weight bits that each pair of an output and an input side by side reads in a cycle."""
        planes = 1 if self.is_serial else len(self.weight_planes)
        return planes * self.weight_planes[0].words

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order.

        One row holds ``pe`` times the words (planes side by side, sign and mask) of ``simd`` bits.
        Serial: row ``(f * planes + m) * sf + s`` is of plane ``m``; else ``f * sf + s``.
        """
        bits = np.stack([plane.bits for plane in self.weight_planes])
        planes, words = bits.shape[:2]
        folded = bits.reshape(planes, words, self.nf, self.pe, self.sf, self.simd)
        order = (2, 0, 4, 3, 1, 5) if self.is_serial else (2, 4, 3, 0, 1, 5)
        row_bits = self.pe * self.simd * self.words_per_lane
        return [pack_row(row, 1) for row in folded.transpose(order).reshape(-1, row_bits)]

    @property
    def has_one_start(self) -> bool:
        """Whether all accumulators start from the same constant, which is then not stored."""
        return self.start_rows() is None

    def start_rows(self) -> list[int] | None:
        """Row ``f`` holds the starts of the ``pe`` outputs of fold ``f``; None if all are one."""
        return self._rows(self.starts, self.start_format)

    def low_rows(self) -> list[int] | None:
        """The same of the lowest bits."""
        return self._rows(self.lows, self.low_format)

    @property
    def low_format(self) -> Fixed:
        """In which the lowest bits are stored, if there are any."""
        return Fixed(max(1, self.low_bits), 0, signed=False)

    def _rows(self, values, fmt):
        if len(set(values.tolist())) == 1:
            return None
        codes = fmt.encode(values.astype(np.int64)).reshape(self.nf, self.pe)
        return [pack_row(row, fmt.bits) for row in codes]

    @property
    def memory_bits(self):
        bits = {"weights": sum(plane.bits.size for plane in self.weight_planes)}
        stored = 0 if self.has_one_start else self.n_out * self.start_format.bits
        if self.search is not None:
            stored += self.search.memory_bits
        elif self.low_rows() is not None:
            stored += self.n_out * self.low_bits
        if stored:
            bits["thresholds" if self.search is not None else "bias"] = stored
        if self.multiplier_bits:
            bits["multipliers"] = self.n_out * self.multiplier_bits
        return bits

    # -- time ------------------------------------------------------------------------------------

    @cached_property
    def gain_groups(self) -> dict[int, list[tuple[int, int]]]:
        """Gain -> the pairs (weight plane, input plane) whose bits are counted together."""
        if self.is_serial:
            return {1: [(0, 0)]}
        groups: dict[int, list[tuple[int, int]]] = {}
        for m, row in enumerate(self.pair_gains):
            for k, gain in enumerate(row):
                groups.setdefault(gain, []).append((m, k))
        return groups

    @cached_property
    def operands(self) -> list[tuple[int, bool]]:
        """Input planes side by side, and whether each is complemented; serial: the one in turn."""
        if self.is_serial:
            return [(0, False)]
        return sorted({(k, weight.inverts_x) for weight in self.weight_planes
                       for k in range(len(self.plane_sum.input_planes))})

    @property
    def sum_terms(self) -> int:
        """Shifted counts that are added up behind the popcounts, one for each bit of a gain."""
        return sum(gain.bit_count() for gain in self.gain_groups)

    @property
    def leaves_carry(self) -> bool:
        """Whether a bit may be left for the accumulator's carry-in: it must weigh 1."""
        return list(self.gain_groups) == [1]

    def group_registers(self, gain: int) -> int:
        """Registers in the popcount of the pairs of that gain."""
        return popcount_registers(len(self.gain_groups[gain]) * self.simd,
                                  self.levels_per_register, spare=self.leaves_carry)

    @property
    def popcount_registers(self) -> int:
        """Those of the popcount that takes longest."""
        return max(self.group_registers(gain) for gain in self.gain_groups)

    @property
    def dot_registers(self):
        """Popcount; where several counts are added up, one more, then those of that tree."""
        if self.sum_terms == 1:
            return self.popcount_registers
        return self.popcount_registers + 1 + tree_registers(
            adder_levels(self.sum_terms), self.levels_per_register)

    @property
    def combine_registers(self):
        return sum(combine.registers for combine in self.combines)

    @property
    def post_registers(self):
        return super().post_registers if self.search is None else self.search.registers

    # -- cells -----------------------------------------------------------------------------------

    @property
    def folding(self):
        return super().folding | {"planes": self.planes}

    def to_dict(self):
        return super().to_dict() | {"plane_pairs": self.plane_pairs}

    def estimate(self, target):
        return binary_cells(self, target)


def _pairs(sums: PlaneSum) -> int:
    return len(sums.weight_planes) * len(sums.input_planes)


def _require_planes(where, mat_vec, x):
    formats = {"weights": mat_vec.weights.format, "input": x.format}
    for what, fmt in formats.items():
        if fmt.planes is None:
            raise SpecError(f"{where}: {what} must be sums of bit planes, not {fmt};"
                            f" choose the fixed core")
    counts = [len(fmt.planes.gains) for fmt in formats.values()]
    if math.prod(counts) > MAX_PRODUCTS:
        raise SpecError(f"{where}: weight planes times input planes must be at most"
                        f" {MAX_PRODUCTS}, not {counts[0]} * {counts[1]}; choose the fixed core")
