"""The sparse engine: y = A x and y += A x for matrices that come compressed, while it runs."""

from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Fixed, SpecError, format_to_dict
from ...numeric.formats import MAX_BITS
from ..target import Cells, Target, in_block_ram
from .checks import require_fixed, require_multipliers, require_within
from .spmv_cells import spmv_cells
from .spmv_timing import ASK_CYCLES, schedule

__all__ = ["COMMAND_BYTES", "SpmvSpec"]

COMMAND_BYTES = 8
"""Of a job's command: columns - 1, slots - 1, beats - 1 and flags, little endian."""

MAX_COUNT = 1 << 16
"""Most columns, and most slots."""

MAX_SIDE = 64
"""Most lanes, and most elements of a beat of x."""

MAX_OPERAND_BITS = 32
"""Of a value, and of an element of x."""

LEAST_STEP_BITS = 2
"""Of a row's step, where there are slots enough."""

SWEEP_CYCLES = 6
"""From the cycle in which a sum is asked for to its way into the queue."""

EDGE_CYCLES = 1
"""From there to the beat at the edge."""

GROUP_LANES = 2
"""Lanes side by side; the next ones are a cycle later, so that no signal has to reach all."""


@dataclass(frozen=True, kw_only=True)
class SpmvSpec:
    """``lanes`` multipliers, each with rows of its own, which it takes one after another.

    Every lane keeps a copy of a tile of x, twice, so that the next one comes while this one is
    used; and the sums of its rows, twice, so that those of one product leave while the next is
    computed. Nothing of the matrix is kept.

    Parameters
    ----------
    lanes : int             entries of a beat, 1..64
    columns : int           most columns of a tile, a multiple of ``x_lanes``, up to 65536
    slots : int             most rows of a tile in each lane, 1..65536
    x, weights : Fixed      formats of x and of the matrix's values, up to 32 bits; integers
    x_lanes : int           elements in a beat of x, a power of two up to 64
    terms : int             products at the formats' extremes that a sum has room for
    multipliers : str       ``blocks`` of the device, or ``luts``

    Raises
    ------
    TypeError    If a number is no int, or a format not fixed point.
    SpecError    If one is out of its range.
    """

    engine: ClassVar[str] = "spmv"

    lanes: int = 16
    columns: int = 4096
    slots: int = 256
    x: Fixed = Fixed(16)
    weights: Fixed = Fixed(16)
    x_lanes: int = 8
    terms: int = 256
    multipliers: str = "blocks"

    def __post_init__(self):
        require_within(self.engine, self, {
            "lanes": (1, MAX_SIDE), "columns": (1, MAX_COUNT), "slots": (1, MAX_COUNT),
            "x_lanes": (1, MAX_SIDE), "terms": (1, 1 << 32)})
        for what in ("x", "weights"):
            self._require_format(what, getattr(self, what))
        if self.x_lanes & (self.x_lanes - 1):
            raise SpecError(f"engine 'spmv': x_lanes must be a power of two, not {self.x_lanes}")
        if self.columns % self.x_lanes:
            raise SpecError(f"engine 'spmv': columns must be a multiple of x_lanes,"
                            f" {self.x_lanes}, not {self.columns}")
        require_multipliers(self.engine, self.multipliers)

    @staticmethod
    def _require_format(what, fmt):
        require_fixed(SpmvSpec.engine, what, fmt)
        if fmt.bits > MAX_OPERAND_BITS or fmt.frac:
            raise SpecError(f"engine 'spmv': {what} must be integers of up to"
                            f" {MAX_OPERAND_BITS} bits, whose scale is the host's, not {fmt}")

    @property
    def accumulator(self) -> Fixed:
        """Of a sum: holds ``terms`` products at either extreme, but has at most 62 bits.

        Sums of any order may overflow on their way; the host sees to it that none does at its end.
        """
        products = [a * b for a in (self.x.min, self.x.max)
                    for b in (self.weights.min, self.weights.max)]
        low, high = (self.terms * end(0, *products) for end in (min, max))
        most = Fixed(MAX_BITS, signed=low < 0)
        if low < most.min or high > most.max:
            return most
        return Fixed.covering(low, high)

    @property
    def column_bits(self) -> int:
        """Of a column's number in an entry."""
        return max(1, (self.columns - 1).bit_length())

    @property
    def step_bits(self) -> int:
        """Of the step in an entry: what is left to whole bytes, but 2 or more if that says more."""
        most = self.slots.bit_length()
        free = -(self.weights.bits + self.column_bits) % 8
        return min(most, free if free >= LEAST_STEP_BITS else free + 8)

    @property
    def entry_bits(self) -> int:
        """Of an entry: value, column, step."""
        return self.weights.bits + self.column_bits + self.step_bits

    @property
    def max_step(self) -> int:
        """Furthest that one entry leads from one row's slot to that of the next."""
        return (1 << self.step_bits) - 1

    @property
    def entry_bytes(self) -> int:
        """Of an entry, padded to bytes."""
        return -(-self.entry_bits // 8)

    @property
    def matrix_bytes(self) -> int:
        """Of a beat of the matrix: an entry for each lane."""
        return self.lanes * self.entry_bytes

    @property
    def x_bytes(self) -> int:
        """Of a beat of x: ``x_lanes`` elements, each padded to bytes."""
        return self.x_lanes * -(-self.x.bits // 8)

    @property
    def result_bytes(self) -> int:
        """Of a beat of results: a sum for each lane, padded to bytes."""
        return self.lanes * -(-self.accumulator.bits // 8)

    @property
    def command_beats(self) -> int:
        """Beats of a command, in front of a job's entries."""
        return -(-COMMAND_BYTES // self.matrix_bytes)

    @property
    def skew_cycles(self) -> int:
        """By which the last lanes are later than the first."""
        return (self.lanes - 1) // GROUP_LANES

    def skew_of(self, lane: int) -> int:
        """By which a lane is later than the first."""
        return lane // GROUP_LANES

    @property
    def queue_depth(self) -> int:
        """Results that may be under way: as many as leave room for one a cycle."""
        return SWEEP_CYCLES + EDGE_CYCLES + 1 + self.skew_cycles

    @property
    def latency_cycles(self) -> int:
        """From the beat of a job's last entry to that of its first sums, where none is waited for.

        One through the queue of the edge; then to the sum's memory, out of it, to the edge; lanes
        wait for the last ones.
        """
        return 1 + ASK_CYCLES + SWEEP_CYCLES + self.skew_cycles + EDGE_CYCLES

    @property
    def x_row_bits(self) -> int:
        """Of the number of a beat of x in its tile, and so of its row in each bank."""
        return max(1, (self.columns // self.x_lanes - 1).bit_length())

    @property
    def x_rows(self) -> int:
        """Rows of each bank of x, of which a lane has ``x_lanes``: two tiles."""
        return 2 << self.x_row_bits

    @property
    def sum_rows(self) -> int:
        """Rows of each of the two banks of sums that a lane has."""
        return 1 << max(1, (self.slots - 1).bit_length())

    @property
    def x_in_blocks(self) -> bool:
        """Whether the memories of x are block RAM."""
        return in_block_ram(self.x_rows, self.x.bits)

    @property
    def sums_in_blocks(self) -> bool:
        """Whether the memories of sums are block RAM."""
        return in_block_ram(self.sum_rows, self.accumulator.bits)

    @property
    def memory_bits(self) -> dict[str, int]:
        """Bits stored, by purpose."""
        return {"x": self.lanes * self.x_lanes * self.x_rows * self.x.bits,
                "sums": self.lanes * 2 * self.sum_rows * self.accumulator.bits,
                "queue": (self.queue_depth + 1) * (self.lanes * self.accumulator.bits + 1)}

    def cycles_of(self, jobs) -> int:
        """Cycles of ``jobs`` that follow one another, without stalls; exact.

        From the first beat that goes in to the last one of results, both counted.

        Raises
        ------
        SpecError    If the last one sends nothing, or one is not within the engine's limits.
        """
        jobs = list(jobs)
        if not jobs or not jobs[-1].sends:
            raise SpecError("engine 'spmv': the last job must send its sums, as cycles are counted"
                            " to them")
        behind = SWEEP_CYCLES + self.skew_cycles + EDGE_CYCLES
        return schedule(self, jobs)[-1].sent + behind + 1

    def estimate(self, target: Target) -> Cells:
        """Cells expected, without the pins."""
        return spmv_cells(self, target)

    def to_dict(self) -> dict:
        """JSON-ready: what it was made of, and what its host must know."""
        sizes = ("lanes", "columns", "slots", "x_lanes", "terms", "multipliers", "column_bits",
                 "step_bits", "command_beats", "matrix_bytes", "x_bytes", "result_bytes",
                 "latency_cycles")
        return {"engine": self.engine, "x": format_to_dict(self.x),
                "weights": format_to_dict(self.weights),
                "accumulator": format_to_dict(self.accumulator),
                **{what: getattr(self, what) for what in sizes}}
