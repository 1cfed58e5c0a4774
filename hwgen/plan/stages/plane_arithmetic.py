"""What a stage of bit planes computes: gains, constants, thresholds, and how wide its sums get."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from ...ir import Matrix, MatVec, Threshold
from ...numeric import Fixed, Format
from .combine import Combine
from .folded import FoldedStage
from .plane_sum import PlaneSum, WeightPlane
from .threshold_search import ThresholdSearch

__all__ = ["PlaneArithmetic", "plane_sum_of"]


@lru_cache(maxsize=16)
def plane_sum_of(matrix: Matrix, x: Format) -> PlaneSum:
    """One for all foldings of a product."""
    return PlaneSum(matrix, x)


@lru_cache(maxsize=16)
def _search_of(mat_vec: MatVec, post: Threshold, x: Format) -> ThresholdSearch:
    """Thresholds of the product and its bias as thresholds of the sum of planes."""
    sums = plane_sum_of(mat_vec.weights, x)
    wanted = 2 * (post.table.astype(object) - mat_vec.bias_or_zero[:, np.newaxis])
    wanted = -(-(wanted - sums.constant[:, np.newaxis]) // sums.unit)
    return ThresholdSearch.of(post, wanted, sums.most, flips=sums.flips,
                              bound=sums.bound if sums.is_loaded else None)


@lru_cache(maxsize=16)
def _flipped_planes(mat_vec: MatVec, post: Threshold, x: Format) -> tuple[WeightPlane, ...]:
    flipped = _search_of(mat_vec, post, x).flipped
    return tuple(plane.flipped(flipped)
                 for plane in plane_sum_of(mat_vec.weights, x).weight_planes)


@dataclass(frozen=True, eq=False)
class PlaneArithmetic(FoldedStage):
    """The numbers of :class:`~hwgen.plan.stages.BinaryStage` that no storage or clock decides.

    Parameters
    ----------
    planes : int        pairs of planes side by side
    lut_inputs : int    inputs of the target's LUTs, which popcounts are made for: 4, or 6
    """

    planes: int = 1
    lut_inputs: int = field(default=4, kw_only=True)

    # -- planes ----------------------------------------------------------------------------------

    @cached_property
    def plane_sum(self) -> PlaneSum:
        """The product as popcounts."""
        return plane_sum_of(self.mat_vec.weights, self.x.format)

    @property
    def plane_pairs(self) -> int:
        """Weight planes times input planes."""
        return self.plane_sum.pairs

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
        if self.search is None or not self.plane_sum.flips:
            return self.plane_sum.weight_planes
        return _flipped_planes(self.mat_vec, self.post, self.x.format)

    @property
    def parity_bits(self) -> int:
        """Leading bits of each row, of weights and of inputs, that meet in parity form."""
        return self.simd // 3 * 3 if self.lut_inputs >= 6 and self.plane_sum.op == "xor" else 0

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
        return _search_of(self.mat_vec, self.post, self.x.format)

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
    def start_range(self) -> tuple[int, int]:
        """Least and largest start; where they are loaded, of any weights, biases and thresholds."""
        if not self.mat_vec.is_loaded:
            return min(self.starts.tolist()), max(self.starts.tolist())
        if self.search is not None:
            return -self.plane_sum.bound - 1, 0     # a threshold that is never reached, or always
        biases = self.mat_vec.bias_range(self.x)
        ends = (constant + 2 * bias
                for constant, bias in zip(self.plane_sum.constant_range, biases, strict=True))
        return tuple((end if self.result_shift else end // 2) >> self.low_bits for end in ends)

    @property
    def has_one_start(self) -> bool:
        """Whether all accumulators start from the same constant, which is then not stored."""
        return self.start_range[0] == self.start_range[1]

    @property
    def has_one_low(self) -> bool:
        """The same of the lowest bits of the scores, of which there may be none."""
        if not self.mat_vec.is_loaded:
            return len(set(self.lows.tolist())) == 1
        return not self.low_bits or (self.mat_vec.bias is None
                                     and self.plane_sum.constant_is_one(2 << self.low_bits))

    @cached_property
    def acc_range(self) -> tuple[int, int]:
        """Least and largest value of an accumulator, start included.

        It only rises from its start. Of loaded weights, any score that there can be is its end.
        """
        least, most = self.start_range
        if not self.mat_vec.is_loaded:
            ends = self.starts + self.out_gain * self.plane_sum.most
            return min(-1, least), max(0, *ends.tolist())
        if self.search is not None:
            return least, self.plane_sum.bound
        end = self.acc_edge.hi << 1 if self.result_shift else self.acc_edge.hi >> self.low_bits
        return min(-1, least), max(0, most, end)

    @property
    def acc_format(self):
        """Holds the accumulator at all times, from the actual weights and thresholds."""
        return Fixed.covering(*self.acc_range)

    @property
    def start_format(self) -> Fixed:
        """In which the starts are stored."""
        return Fixed.covering(min(-1, self.start_range[0]), max(0, self.start_range[1]))

    @property
    def most_count(self) -> int:
        """Largest popcount of one pair of planes, over a whole vector."""
        return self.plane_sum.most_count
