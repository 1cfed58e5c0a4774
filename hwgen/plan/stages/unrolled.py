"""The unrolled binarised core: every weight is wiring, one vector a cycle."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import Edge, Requantise, Threshold
from ...numeric import Fixed, SpecError, as_int
from .base import Flow
from .folded import MatVecStage
from .unrolled_cells import unrolled_cells
from .unrolled_graph import slot
from .unrolled_sums import SharedSums, shared_sums
from .weighed_sum import Addend, addends_of, sum_levels

__all__ = ["UnrolledStage"]

MAX_WEIGHTS = 1 << 18
"""Most weights: more would neither be generated nor synthesised in reasonable time."""

MAX_PLANES = 8
"""Most planes of weights, and of inputs."""

MAX_THRESHOLDS = 15

EDGE_REGISTERS = 2
"""The input's register and the output queue."""


@dataclass(frozen=True, eq=False)
class UnrolledStage(MatVecStage):
    """Weights are constants of the logic; rows share sums (:mod:`.unrolled_sums`).

    A beat holds a whole vector, and one vector is taken each cycle. All formats are sums of bit
    planes: each bit of an input is a column of its own, each plane of weights beyond two bits a row
    of its own, and ``y = sum(gain * row) + constant``. Thresholds are constants.

    A vector's result leaves ``2 + last_slot + sum_registers + post_registers`` cycles after it came
    (:attr:`latency_cycles`). Taken only where it is asked for: ``{"core": "binary-unrolled"}``.

    Parameters
    ----------
    levels_per_register : int       adder levels between two registers
    lut_inputs : int                inputs of the target's LUTs: 4, or 6
    rows : int or None              rows that share sums; None for the cheapest number

    Raises
    ------
    SpecError    If a format has no planes or too many, there are more than 2**18 weights or more
                 than 15 thresholds.
    """

    core: ClassVar[str] = "binary-unrolled"
    choices: ClassVar[tuple[str, ...]] = ("lut_inputs", "rows")
    levels_per_register: int = 1
    lut_inputs: int = 4
    rows: int | None = None

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """Never: it must be asked for."""
        return False

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        return [cls(mat_vec, x, post, mat_vec.weights.shape[0], levels_per_register, **choice)]

    def __post_init__(self):
        super().__post_init__()
        if self.pe != self.n_out:
            raise SpecError(f"{self.where}: pe must be n_out = {self.n_out}, not {self.pe}")
        for what in ("levels_per_register", "lut_inputs"):
            as_int(getattr(self, what), f"{self.where}: {what}")
        if self.levels_per_register < 1:
            raise SpecError(f"{self.where}: levels_per_register must be at least 1,"
                            f" not {self.levels_per_register}")
        if self.lut_inputs not in (4, 6):
            raise SpecError(f"{self.where}: lut_inputs must be 4 or 6, not {self.lut_inputs}")
        if self.rows is not None and as_int(self.rows, f"{self.where}: rows") < 1:
            raise SpecError(f"{self.where}: rows must be at least 1, not {self.rows}")
        for what, fmt in (("weights", self.mat_vec.weights.format), ("input", self.x.format)):
            if fmt.planes is None or len(fmt.planes.gains) > MAX_PLANES:
                raise SpecError(f"{self.where}: {what} must be sums of at most {MAX_PLANES} bit"
                                f" planes, not {fmt}; choose a folded core")
        if self.n_out * self.n_in > MAX_WEIGHTS:
            raise SpecError(f"{self.where}: weights must be at most {MAX_WEIGHTS}, not {self.n_out}"
                            f" * {self.n_in}; choose the folded binary core")
        if isinstance(self.post, Threshold) and self.post.table.shape[1] > MAX_THRESHOLDS:
            raise SpecError(f"{self.where}: thresholds must be at most {MAX_THRESHOLDS} for each"
                            f" output, not {self.post.table.shape[1]}; choose the folded binary"
                            f" core")

    # -- sums ------------------------------------------------------------------------------------

    @cached_property
    def weight_rows(self) -> tuple[tuple[int, np.ndarray], ...]:
        """``W = sum(gain * rows)``: W itself if it is of -1, 0, 1, else its planes of bits."""
        values = self.mat_vec.weights.to_dense()
        unit = max(1, int(np.gcd.reduce(values, axis=None)))
        if np.abs(values // unit).max() <= 1:
            return ((unit, values // unit),)
        planes = self.mat_vec.weights.format.planes
        codes = self.mat_vec.weights.format.encode(values)
        bits = [codes >> k & 1 for k in range(len(planes.gains))]
        if planes.is_balanced and not any(gain % 2 for gain in planes.gains):
            return tuple((gain // 2, 2 * plane - 1)
                         for gain, plane in zip(planes.gains, bits, strict=True))
        rows = list(zip(planes.gains, bits, strict=True))
        return (*rows, (planes.offset, np.ones_like(values))) if planes.offset else tuple(rows)

    @cached_property
    def sums(self) -> SharedSums:
        """Graphs of all rows, plane after plane: row ``m * n_out + j`` is plane ``m`` of output j.

        Column ``i * bits + k`` is bit ``k`` of input ``i``.
        """
        gains = np.asarray(self.x.format.planes.gains, np.int64)
        matrix = np.concatenate([np.kron(rows, gains[np.newaxis]) for _, rows in self.weight_rows])
        return shared_sums(matrix, lut_inputs=self.lut_inputs, group=self.rows)

    @cached_property
    def constants(self) -> np.ndarray:
        """What is added to the weighed sums of nodes, int64 ``(n_out,)``."""
        offset = self.x.format.planes.offset * self.mat_vec.weights.to_dense().sum(axis=1)
        own = np.asarray([output.constant for output in self.sums.outputs], np.int64)
        own = own.reshape(len(self.weight_rows), self.n_out)
        gains = np.asarray([gain for gain, _ in self.weight_rows], np.int64)
        return gains @ own + offset + self.mat_vec.bias_or_zero

    def terms(self, output: int) -> list[tuple[int, int, int]]:
        """``(gain, graph, node)`` whose sum, and the constant, is the accumulator of ``output``."""
        return [(gain * own, self.sums.where[m * self.n_out + output], node)
                for m, (gain, _) in enumerate(self.weight_rows)
                for own, node in self.sums.outputs[m * self.n_out + output].terms]

    def addends(self, output: int) -> list[tuple[Addend, int, int]]:
        """The same as shifted values ``(addend, graph, node)``, those that are added first."""
        found = [(addend, g, node) for gain, g, node in self.terms(output)
                 for addend in addends_of(gain, self.sums.graphs[g].nodes[node].high)]
        return sorted(found, key=lambda term: (term[0].negative, term[0].shift))

    def sum_range(self, output: int) -> tuple[int, int]:
        """Least and largest sum of :meth:`terms`, each node taken by itself."""
        ends = [gain * self.sums.graphs[g].nodes[node].high
                for gain, g, node in self.terms(output)]
        return sum(min(0, end) for end in ends), sum(max(0, end) for end in ends)

    # -- stage -----------------------------------------------------------------------------------

    @property
    def acc_format(self) -> Fixed:
        """That of the results, whose range the network states."""
        return Fixed.covering(self.acc_edge.lo, self.acc_edge.hi)

    @property
    def out_edge(self) -> Edge:
        return super().out_edge

    @property
    def in_lanes(self):
        return self.n_in

    @property
    def vectors(self) -> int:
        """Vectors in a frame."""
        return math.prod(self.x.shape[:-1])

    @property
    def interval_cycles(self):
        return self.vectors

    @cached_property
    def last_level(self) -> int:
        """Adders in a row in the deepest graph."""
        return max((graph.nodes[node].level for graph, node in self._ends), default=0)

    @property
    def last_slot(self) -> int:
        """Registers of the deepest graph."""
        return slot(self.last_level, self.levels_per_register)

    @cached_property
    def register_after(self) -> list[bool]:
        """Whether a register follows each level of adders that weigh and add up nodes.

        They go on where the deepest graph ended; the last level always has one.
        """
        levels = max(1, *(sum_levels([addend for addend, *_ in self.addends(output)])
                          for output in range(self.n_out)))
        first = self.last_level - self.last_slot * self.levels_per_register
        return [level == levels or (first + level) % self.levels_per_register == 0
                for level in range(1, levels + 1)]

    @property
    def sum_registers(self) -> int:
        """Registers of these: ``ceil((left + levels) / levels_per_register)``.

        ``left`` levels of the deepest graph come behind its last register.
        """
        return sum(self.register_after)

    @property
    def code_registers(self) -> int:
        """1 where several comparisons, each as long as an adder, are not looked up at once."""
        is_long = isinstance(self.post, Threshold) and self.post.table.shape[1] > 1
        return int(is_long and self.levels_per_register == 1)

    @property
    def _ends(self):
        return [(self.sums.graphs[g], node) for g, output in
                zip(self.sums.where, self.sums.outputs, strict=True) for _, node in output.terms]

    @property
    def post_registers(self):
        """Comparisons; of a requantise its own, and one behind the constant."""
        return super().post_registers + 1 if isinstance(self.post, Requantise) else (
            self.code_registers)

    @property
    def latency_cycles(self) -> int:
        """From a vector's transfer to that of its result."""
        return EDGE_REGISTERS + self.last_slot + self.sum_registers + self.post_registers

    @property
    def fifo_depth(self) -> int:
        """Vectors under way, so that one can follow each cycle."""
        return self.latency_cycles + 1

    def flow(self, arrivals):
        return Flow.at_once(arrivals, [cycle + self.latency_cycles for cycle in arrivals])

    @property
    def memory_bits(self):
        """Weights are logic: nothing is stored."""
        return {}

    @property
    def folding(self):
        return {"levels_per_register": self.levels_per_register, "lut_inputs": self.lut_inputs,
                "rows": self.rows}

    def estimate(self, target):
        return unrolled_cells(self, target)
