"""The binarised core: popcounts of bit planes, accumulated, weighed, compared."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import Loaded, Threshold
from ...numeric import Bipolar, Fixed, SpecError, as_int, pack_row
from .binary_cells import binary_cells
from .binary_loaded import loaded_memories
from .chain_timing import popcount_registers
from .folded import adder_levels, tree_registers
from .parity import parity_form
from .plane_arithmetic import PlaneArithmetic, plane_sum_of
from .ways_to_load import core_to_load

__all__ = ["BinaryStage"]

MAX_PRODUCTS = 64
"""Most pairs of planes."""

MAX_ACC_BITS = 62

EIGHT_BIT_INPUT, FEW_PLANES = 8, 4
"""Planes of an input up to which bipolar, and other narrow, weights go to this core unasked."""


@dataclass(frozen=True, eq=False)
class BinaryStage(PlaneArithmetic):
    """Weights and inputs whose values are sums of bit planes: only popcounts depend on ``x``.

    Every weight plane meets every input plane (:class:`PlaneSum`). The accumulator starts from the
    constants of its output, a threshold among them, so a single threshold is the sign of the sum
    (BNN, arXiv 1602.02830; FINN, arXiv 1612.07119), and scores need no adder of their own.

    A vector takes ``(pairs / planes) * (n_out / pe) * (n_in / simd)`` cycles. A fold's outputs
    leave ``4 + dot_registers + combine_registers + post_registers`` cycles after its last row is
    read: two to the operands, one each for the accumulator and the output queue.

    Parameters
    ----------
    planes : int
        Pairs of planes side by side: 1, in which case a fold reads the vector once for each pair,
        or all of them.
    lut_inputs : int
        Inputs of the target's LUTs: 4 for popcounts in carry chains, 6 for compressor trees, of
        which weights and inputs that meet by XOR are in parity form.

    Raises
    ------
    SpecError    If a format has no planes, there are more than 64 pairs, the accumulator would
                 need more than 62 bits, or a folding is none.
    """

    core: ClassVar[str] = "binary"
    choices: ClassVar[tuple[str, ...]] = (*PlaneArithmetic.choices, "planes", "lut_inputs",
                                          "multipliers", "weights")

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """All that only this core computes: sums that are compared, inputs that are no integers.

        Else weights of two bits or sums of planes, few input planes; signs also of 8-bit pixels.
        """
        fmt = mat_vec.weights.format
        if fmt.planes is None or x.format.planes is None:
            return False
        if len(fmt.planes.gains) * len(x.format.planes.gains) > MAX_PRODUCTS:
            return False
        if isinstance(post, Threshold) or not isinstance(x.format, Fixed):
            return True
        if isinstance(fmt, Fixed) and fmt.bits > 2:
            return False
        most = EIGHT_BIT_INPUT if isinstance(fmt, Bipolar) else FEW_PLANES
        return len(x.format.planes.gains) <= most

    @classmethod
    def loads(cls, weights):
        """Of every format that has planes: bits are counted, whatever value they stand for."""
        return isinstance(weights, Loaded) and weights.format.planes is not None

    @classmethod
    def foldings(cls, mat_vec, x, choice):
        _require_planes(cls.path(mat_vec), mat_vec, x)
        pairs = plane_sum_of(mat_vec.weights, x.format).pairs
        options = sorted({1, pairs})
        if "planes" in choice:
            options = [as_int(choice["planes"], f"{cls.path(mat_vec)}: planes")]
        more = {"lut_inputs": choice["lut_inputs"]} if "lut_inputs" in choice else {}
        return [(width * planes, folding | {"planes": planes} | more)
                for width, folding in super().foldings(mat_vec, x, choice) for planes in options]

    @classmethod
    def products(cls, mat_vec, x):
        return super().products(mat_vec, x) * plane_sum_of(mat_vec.weights, x.format).pairs

    def __post_init__(self):
        super().__post_init__()
        _require_planes(self.where, self.mat_vec, self.x)
        if as_int(self.lut_inputs, f"{self.where}: lut_inputs") not in (4, 6):
            raise SpecError(f"{self.where}: lut_inputs must be 4 or 6, not {self.lut_inputs}")
        if isinstance(self.post, Threshold) and len(self.post.format.levels) < 2:
            raise SpecError(f"{self.where}: output must have at least 2 levels, not those of"
                            f" {self.post.format}")
        self._require_choice()
        bits = max(-self.acc_range[0] - 1, self.acc_range[1]).bit_length() + 1
        if bits > MAX_ACC_BITS:
            raise SpecError(f"{self.where}: accumulator must have at most {MAX_ACC_BITS} bits, not"
                            f" {bits}: sums of planes run from {self.acc_range[0]} to"
                            f" {self.acc_range[1]}")

    def _require_choice(self):
        pairs = self.plane_pairs
        if as_int(self.planes, f"{self.where}: planes") in (1, pairs):
            return
        rule = (f"1 (one pair of planes after another) or all {pairs} pairs side by side"
                if pairs > 1 else "1, as there is one pair of planes")
        raise SpecError(f"{self.where}: planes must be {rule}, not {self.planes}")

    # -- storage ---------------------------------------------------------------------------------

    @property
    def words_per_lane(self) -> int:
        """Weight bits that each pair of an output and an input side by side reads in a cycle."""
        planes = 1 if self.is_serial else len(self.weight_planes)
        return planes * self.weight_planes[0].words

    @property
    def weight_row_bits(self) -> int:
        """Bits of a row of :meth:`weight_rows`."""
        return self.pe * self.simd * self.words_per_lane

    @property
    def weight_row_count(self) -> int:
        """Rows of :meth:`weight_rows`: in series, one for each plane."""
        return self.nf * self.sf * (len(self.weight_planes) if self.is_serial else 1)

    def weight_rows(self) -> list[int]:
        """Memory rows in reading order.

        One row holds ``pe`` times the words (planes side by side, sign and mask) of ``simd`` bits.
        Serial: row ``(f * planes + m) * sf + s`` is of plane ``m``; else ``f * sf + s``.
        """
        bits = np.stack([plane.bits for plane in self.weight_planes])
        planes, words = bits.shape[:2]
        folded = bits.reshape(planes, words, self.nf, self.pe, self.sf, self.simd)
        order = (2, 0, 4, 3, 1, 5) if self.is_serial else (2, 4, 3, 0, 1, 5)
        if self.parity_bits:
            folded = parity_form(folded)
        rows = folded.transpose(order).reshape(-1, self.weight_row_bits)
        return [pack_row(row, 1) for row in rows]

    def start_rows(self) -> list[int] | None:
        """Row ``f`` holds the starts of the ``pe`` outputs of fold ``f``; None if all are one."""
        return None if self.has_one_start else self._rows(self.starts, self.start_format)

    def low_rows(self) -> list[int] | None:
        """The same of the lowest bits."""
        return None if self.has_one_low else self._rows(self.lows, self.low_format)

    @property
    def low_format(self) -> Fixed:
        """In which the lowest bits are stored, if there are any."""
        return Fixed(max(1, self.low_bits), 0, signed=False)

    def _rows(self, values, fmt):
        codes = fmt.encode(values.astype(np.int64)).reshape(self.nf, self.pe)
        return [pack_row(row, fmt.bits) for row in codes]

    @property
    def memory_bits(self):
        bits = {"weights": sum(plane.bits.size for plane in self.weight_planes)}
        stored = 0 if self.has_one_start else self.n_out * self.start_format.bits
        if self.search is not None:
            stored += self.search.memory_bits
        elif not self.has_one_low:
            stored += self.n_out * self.low_bits
        if stored:
            bits["thresholds" if self.search is not None else "bias"] = stored
        return bits if self.narrowing is None else bits | self.narrowing.memory_bits

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

    def popcount_of(self, gain: int) -> dict:
        """Bits of the popcount of the pairs of that gain, and how it is built."""
        pairs = len(self.gain_groups[gain])
        return {"bits": pairs * self.simd, "levels_per_register": self.levels_per_register,
                "spare": self.leaves_carry, "lut_inputs": self.lut_inputs,
                "parity": pairs * self.parity_bits, "plain": self.plane_sum.op == "masked"}

    def group_registers(self, gain: int) -> int:
        """Registers in the popcount of the pairs of that gain."""
        return popcount_registers(**self.popcount_of(gain))

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
        folding = super().folding | {"planes": self.planes}
        return folding if self.lut_inputs == 4 else folding | {"lut_inputs": self.lut_inputs}

    def to_dict(self):
        return super().to_dict() | {"plane_pairs": self.plane_pairs}

    @cached_property
    def loaded(self):
        return loaded_memories(self) if self.mat_vec.is_loaded else ()

    def estimate(self, target):
        return sum((memory.estimate(target) for memory in self.loaded), binary_cells(self, target))


def _require_planes(where, mat_vec, x):
    formats = {"weights": mat_vec.weights.format, "input": x.format}
    for what, fmt in formats.items():
        if fmt.planes is None:
            way = "choose the fixed core"
            if what == "weights" and mat_vec.is_loaded:
                way = core_to_load(mat_vec.weights)
            raise SpecError(f"{where}: {what} must be sums of bit planes, not {fmt}; {way}")
    counts = [len(fmt.planes.gains) for fmt in formats.values()]
    if math.prod(counts) > MAX_PRODUCTS:
        raise SpecError(f"{where}: weight planes times input planes must be at most"
                        f" {MAX_PRODUCTS}, not {counts[0]} * {counts[1]}; choose the fixed core")
