"""The systolic array: matrix times matrix in tiles, weights standing still in a grid."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ...numeric import Fixed, SpecError, as_int, format_to_dict
from ...numeric.formats import MAX_BITS
from ..target import Cells, Target, in_block_ram
from .checks import require_fixed, require_multipliers, require_within
from .systolic_cells import systolic_cells

__all__ = ["COMMAND_BYTES", "Job", "SystolicSpec"]

COMMAND_BYTES = 4
"""Of a job's command: vectors - 1 and tiles - 1, two bytes each, little endian."""

UPDATE_CYCLES = 4
"""From the read of an accumulator to the next one that sees the sum: two registers of the memory,
the adder's, the write."""

MAX_COUNT = 1 << 16
"""Most vectors and tiles that a command can ask for."""

MAX_SIDE = 256
"""Most rows, and most columns."""


class Job(NamedTuple):
    """So many vectors times so many tiles of weights, added up."""

    vectors: int
    tiles: int


@dataclass(frozen=True, kw_only=True)
class SystolicSpec:
    """A grid of ``rows`` by ``columns`` multipliers that keep a tile of weights.

    Row ``r`` of the grid takes element ``r`` of each vector, column ``c`` gives element ``c`` of
    the result. A job is up to ``depth`` vectors times up to ``tiles`` tiles, whose sums are added
    up; so a product may be of ``rows * tiles`` terms. No sum overflows, whatever values come:
    :attr:`accumulator` holds every sum of at most so many products.

    Parameters
    ----------
    rows, columns : int     1..256
    x, weights : Fixed      formats of activations and weights
    depth : int             most vectors of a job, 1..65536
    tiles : int             most tiles of a job, 1..65536
    multipliers : str       ``blocks`` of the device, or ``luts``

    Raises
    ------
    TypeError    If a number is no int, or a format not fixed point.
    SpecError    If one is out of its range.
    """

    engine: ClassVar[str] = "systolic"

    rows: int
    columns: int
    x: Fixed = Fixed(8)
    weights: Fixed = Fixed(8)
    depth: int = 256
    tiles: int = 256
    multipliers: str = "blocks"

    def __post_init__(self):
        require_within(self.engine, self, {
            "rows": (1, MAX_SIDE), "columns": (1, MAX_SIDE), "depth": (1, MAX_COUNT),
            "tiles": (1, MAX_COUNT)})
        for what in ("x", "weights"):
            require_fixed(self.engine, what, getattr(self, what))
        require_multipliers(self.engine, self.multipliers)
        bits = max(abs(end) for end in self._ends(self.inner)).bit_length() + 1
        if bits > MAX_BITS:
            raise SpecError(f"engine 'systolic': sums of {self.inner} products (rows * tiles) must"
                            f" fit {MAX_BITS} bits, not take {bits} with x of {self.x} and weights"
                            f" of {self.weights}: choose fewer tiles or narrower formats")

    def sum_of(self, terms: int) -> Fixed:
        """Holds every sum of at most ``terms`` products: 0, and ``terms`` times either extreme."""
        return Fixed.covering(*self._ends(terms))

    def _ends(self, terms):
        products = [a * b for a in (self.x.min, self.x.max)
                    for b in (self.weights.min, self.weights.max)]
        return min(0, terms * min(products)), max(0, terms * max(products))

    @property
    def inner(self) -> int:
        """Most terms of a sum."""
        return self.rows * self.tiles

    @property
    def accumulator(self) -> Fixed:
        """Of an accumulator, and of a result."""
        return self.sum_of(self.inner)

    @property
    def macs(self) -> int:
        """Products a cycle."""
        return self.rows * self.columns

    @property
    def x_bytes(self) -> int:
        """Of a beat of activations: ``rows`` elements, each padded to bytes."""
        return self.rows * -(-self.x.bits // 8)

    @property
    def weight_bytes(self) -> int:
        """Of a beat of weights: ``columns`` elements, each padded to bytes."""
        return self.columns * -(-self.weights.bits // 8)

    @property
    def result_bytes(self) -> int:
        """Of a beat of results: ``columns`` elements, each padded to bytes."""
        return self.columns * -(-self.accumulator.bits // 8)

    @property
    def command_beats(self) -> int:
        """Beats of a command, in front of a job's weights."""
        return -(-COMMAND_BYTES // self.weight_bytes)

    @property
    def array_cycles(self) -> int:
        """From a vector at the first element of the grid to its sums at the end of the columns.

        Down the rows and along the columns one each, then operand, product and sum registers of
        the last element, and that of its input.
        """
        return self.rows + self.columns + 2

    @property
    def latency_cycles(self) -> int:
        """From a vector's beat, where nothing is waited for, to that of its result.

        Two registers in front of the array, three behind it: sum, queue, edge.
        """
        return 2 + self.array_cycles + 3

    @property
    def queue_depth(self) -> int:
        """Results that may be under way: as many as leave room for one a cycle."""
        return self.latency_cycles - 1

    @property
    def accumulators_in_blocks(self) -> bool:
        """Whether the memory of the accumulators is block RAM."""
        return in_block_ram(self.depth, self.columns * self.accumulator.bits)

    @property
    def memory_bits(self) -> dict[str, int]:
        """Bits stored, by purpose: both tiles of weights are registers."""
        return {"weights": 2 * self.macs * self.weights.bits,
                "accumulators": self.depth * self.columns * self.accumulator.bits,
                "queue": self.queue_depth * (self.columns * self.accumulator.bits + 1)}

    def jobs(self, m: int, k: int, n: int) -> list[Job]:
        """Jobs of an ``(m, k)`` by ``(k, n)`` product: for each ``columns`` of n, all of m.

        Raises
        ------
        SpecError    If a size is below 1, or k above :attr:`inner`.
        """
        for what, size in (("m", m), ("k", k), ("n", n)):
            if as_int(size, f"engine 'systolic': {what}") < 1:
                raise SpecError(f"engine 'systolic': {what} must be at least 1, not {size}")
        if k > self.inner:
            raise SpecError(f"engine 'systolic': k must be at most {self.inner} ({self.rows} rows"
                            f" times {self.tiles} tiles), not {k}")
        tiles = -(-k // self.rows)
        of_a_column = [Job(min(self.depth, m - begin), tiles) for begin in range(0, m, self.depth)]
        return of_a_column * -(-n // self.columns)

    def cycles(self, m: int, k: int, n: int) -> int:
        """Cycles of an ``(m, k)`` by ``(k, n)`` product without stalls; exact.

        From the first beat of weights to the last one of results, both counted.
        """
        return self.cycles_of(self.jobs(m, k, n))

    def cycles_of(self, jobs) -> int:
        """The same of ``jobs`` that follow one another.

        A tile takes as many cycles as the job has vectors; or the rows that the next tile of
        weights has, and its command, if those are more; or those of an accumulator's update.
        """
        begin = self.command_beats + self.rows + 1
        within = [max(job.vectors, self.rows, UPDATE_CYCLES) for job in jobs]
        between = [max(job.vectors, self.rows + self.command_beats, UPDATE_CYCLES) for job in jobs]
        tiles = sum((job.tiles - 1) * cycles for job, cycles in zip(jobs, within, strict=True))
        return begin + tiles + sum(between[:-1]) + jobs[-1].vectors + self.latency_cycles - 1

    def utilisation(self, m: int, k: int, n: int) -> float:
        """Share of all products that the grid could make in those cycles."""
        return m * k * n / (self.macs * self.cycles(m, k, n))

    def estimate(self, target: Target) -> Cells:
        """Cells expected, without the pins."""
        return systolic_cells(self, target)

    def to_dict(self) -> dict:
        """JSON-ready: what it was made of, and what its host must know."""
        return {"engine": self.engine, "rows": self.rows, "columns": self.columns,
                "x": format_to_dict(self.x), "weights": format_to_dict(self.weights),
                "depth": self.depth, "tiles": self.tiles, "multipliers": self.multipliers,
                "inner": self.inner, "accumulator": format_to_dict(self.accumulator),
                "command_beats": self.command_beats, "x_bytes": self.x_bytes,
                "weight_bytes": self.weight_bytes, "result_bytes": self.result_bytes,
                "latency_cycles": self.latency_cycles}
