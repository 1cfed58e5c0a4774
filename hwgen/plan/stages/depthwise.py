"""The depthwise core: a lane for each channel that comes, with a multiplier for each output."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...ir import LoadedPerChannel, PerChannel, Threshold
from ...numeric import Bipolar, Fixed, SpecError, Ternary, as_int, pack_rows
from ..target import Cells, in_block_ram
from .base import Flow, divisors
from .fixed import stored_weight_format
from .folded import MatVecStage
from .loaded_memory import LoadedMemory
from .narrowing import narrowing_cells
from .product_blocks import asked_blocks
from .unit_cells import counter_bits, unit_cells

__all__ = ["DepthwiseStage"]

INPUTS = Fixed | Bipolar | Ternary
"""Formats of the input."""

SUM_REGISTERS = 4
"""Cycles from a beat's transfer to its sums in registers: operands, multiplier, product, sum."""


@dataclass(frozen=True, eq=False)
class DepthwiseStage(MatVecStage):
    """Products of each channel with its weights, added up over the taps of a window as they come.

    A window comes tap by tap, each of ``nf = n_out / pe`` beats of :attr:`lanes` channels; the sums
    of all channels so far are in a memory of ``nf`` rows (in registers where ``nf`` is 1), from
    which a beat's are read, and to which they are written. The last tap's leave, so the window's
    results leave in ``nf`` cycles one after another. A beat is taken each cycle: a frame takes
    exactly ``windows * taps * nf`` cycles, and a result leaves
    ``SUM_REGISTERS + 1 + post_registers`` cycles after the last tap of its channel came.

    Parameters
    ----------
    pe : int    outputs side by side: of each lane the ``multiplier`` outputs of its channel

    Raises
    ------
    SpecError    If the weights are not per channel, ``pe`` is not a divisor of n_out and a multiple
                 of the multiplier, the input is not of integers, or a Threshold follows.
    """

    core: ClassVar[str] = "depthwise"
    compares: ClassVar[bool] = False
    choices: ClassVar[tuple[str, ...]] = (*MatVecStage.choices, "multipliers", "weights")

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        return isinstance(mat_vec.weights, PerChannel) and isinstance(x.format, INPUTS)

    @classmethod
    def loads(cls, weights):
        """Of fixed point, of which every code is a value."""
        return isinstance(weights, LoadedPerChannel) and isinstance(weights.format, Fixed)

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        """Every number of lanes, or the outputs that ``choice`` names."""
        _require_per_channel(cls.path(mat_vec), mat_vec.weights)
        how = {what: choice[what] for what in ("multipliers",) if what in choice}
        if "pe" in choice:
            return [cls(mat_vec, x, post, as_int(choice["pe"], f"{cls.path(mat_vec)}: pe"), **how)]
        weights = mat_vec.weights
        return [cls(mat_vec, x, post, lanes * weights.multiplier, **how)
                for lanes in divisors(weights.channels)]

    def __post_init__(self):
        _require_per_channel(self.where, self.weights)
        super().__post_init__()
        if self.pe % self.weights.multiplier:
            raise SpecError(f"{self.where}: pe must be a multiple of {self.weights.multiplier}, the"
                            f" outputs of a channel, not {self.pe}")
        if not isinstance(self.x.format, INPUTS):
            raise SpecError(f"{self.where}: input must be fixed point, ternary or signs, not"
                            f" {self.x.format}")
        if isinstance(self.post, Threshold):
            raise SpecError(f"{self.where}: what follows must be a Requantise or nothing,"
                            f" not a Threshold")

    @property
    def weights(self) -> PerChannel:
        return self.mat_vec.weights

    @property
    def lanes(self) -> int:
        """Channels side by side."""
        return self.pe // self.weights.multiplier

    @property
    def in_lanes(self):
        return self.lanes

    @property
    def windows(self) -> int:
        """Windows in a frame."""
        return math.prod(self.x.shape[:-1])

    @property
    def interval_cycles(self):
        return self.windows * self.weights.taps * self.nf

    @property
    def latency_cycles(self) -> int:
        """From the transfer of a channel's last tap to that of its results."""
        return SUM_REGISTERS + self.post_registers + 1

    @property
    def fifo_depth(self) -> int:
        """Results under way at most, from the cycle they are begun in to that after they left."""
        whole, rest = divmod(self.latency_cycles + 1, self.weights.taps * self.nf)
        return whole * self.nf + min(rest, self.nf)

    def flow(self, arrivals):
        window = self.weights.taps * self.nf
        last = np.asarray(arrivals).reshape(-1, window)[:, -self.nf:].reshape(-1)
        return Flow.at_once(arrivals, (last + self.latency_cycles).tolist())

    # -- storage ---------------------------------------------------------------------------------

    @property
    def weight_format(self) -> Fixed:
        return stored_weight_format(self.weights.format)

    @property
    def sum_memory(self) -> tuple[int, int]:
        """Rows and bits of a row of the memory of sums; no bits where they are in registers."""
        return self.nf, self.pe * self.acc_format.bits * (self.nf > 1)

    @property
    def weight_row_count(self) -> int:
        """Rows of :meth:`weight_rows`: one for each beat of a window."""
        return self.weights.taps * self.nf

    @property
    def in_blocks(self) -> bool:
        """Whether multiplier blocks are asked for: a single row of constants is better without."""
        return not self.multiplies_in_luts and (
            self.weight_row_count > 1 or self.mat_vec.is_loaded)

    def weight_rows(self) -> list[int]:
        """Rows in the order in which beats come: row ``t * nf + f`` is of tap t and fold f."""
        folded = self.weights.values.reshape(self.nf, self.pe, self.weights.taps)
        return pack_rows(folded.transpose(2, 0, 1).reshape(-1, self.pe), self.weight_format)

    @property
    def loads_biases(self) -> bool:
        """Whether biases are loaded behind the weights."""
        return self.mat_vec.is_loaded and self.mat_vec.bias is not None

    @property
    def loaded(self):
        """Weights, then biases where there are any."""
        if not self.mat_vec.is_loaded:
            return ()
        fmt, rows, bits = self.weight_format, self.weight_row_count, (
            self.pe * self.weight_format.bits)
        return (LoadedMemory(
            self.name, "weights", rows=rows, row_bits=bits, values=fmt,
            in_blocks=in_block_ram(rows, bits), contents=self.weight_rows,
            text=f"{self.pe} outputs, {fmt.bits}-bit {'signed' if fmt.is_signed else 'unsigned'}"
                 f" each; row t * {self.nf} + f is of tap t, and of outputs f * {self.pe} ...",
            folding={"pe": self.pe, "taps": self.weights.taps}), *self.loaded_biases())

    @property
    def memory_bits(self):
        weights = self.weights.values.size * self.weight_format.bits
        return {"weights": weights} | self.bits_beside_weights

    def estimate(self, target):
        """Multipliers and adders, what is stored, the sums, what narrows them, and the queue."""
        w, x, acc = self.weight_format.bits, self.x.format.bits, self.acc_format.bits
        rows = self.weight_row_count
        blocks = 0
        if self.in_blocks:
            blocks = asked_blocks(self.weight_format, stored_weight_format(self.x.format), target)
        each = Cells(lut=acc + (0 if blocks else int(1.4 * w * x)),
                     ff=w + x + acc + (0 if blocks else 2 * (w + x)), dsp=blocks)
        if self.narrowing is not None:
            each += narrowing_cells(self.narrowing, self.out_edge.format.bits, target)
        beside = dict(self.bits_beside_weights)
        stored = sum((memory.estimate(target) for memory in self.loaded), Cells())
        if self.loaded:
            beside.pop("bias", None)
        else:
            stored += _constants(target, rows, self.pe * w)
        stored += _constants(target, self.nf, sum(beside.values()) // self.nf)
        queue_bits = self.pe * self.out_edge.format.bits + 1
        queue = Cells(lut=6 * -(-queue_bits // 4)) if target.has_lut_ram else Cells(
            lut=self.fifo_depth * queue_bits // 2, ff=self.fifo_depth * queue_bits)
        counters = counter_bits(rows, self.weights.taps, self.nf, self.nf, self.nf)
        sums = unit_cells(target, counters=counters, luts_per_bit=2, data_ff=12, data_lut=10,
                          memory=self.sum_memory, in_blocks=in_block_ram(*self.sum_memory))
        return sum([each] * self.pe, stored + queue + sums) + Cells(lut=20, ff=12)

    @property
    def folding(self):
        return {"pe": self.pe} | self.ways_chosen


def _require_per_channel(where: str, weights) -> None:
    if not isinstance(weights, PerChannel):
        raise SpecError(f"{where}: weights must be per channel (PerChannel), not {weights.kind}")


def _constants(target, rows: int, width: int) -> Cells:
    """A memory of constants that come in turn; wiring where there is one row."""
    if rows == 1 or not width:
        return Cells()
    if in_block_ram(rows, width):
        return Cells(lut=10, bram=target.blocks_of(rows, width))
    return Cells(lut=10 + rows * width // 16, ff=width)
