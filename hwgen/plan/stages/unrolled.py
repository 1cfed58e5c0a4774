"""The unrolled binarised core: every weight is wiring, one vector a cycle."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...ir import Requantise, Threshold
from ...numeric import SpecError, as_int
from .unrolled_cells import unrolled_cells
from .unrolled_graph import slot
from .unrolled_sums import SharedSums, shared_sums
from .weighed_sum import Addend, addends_of, sum_levels
from .whole_vector import WholeVectorStage

__all__ = ["UnrolledStage"]

MAX_PLANES = 8
"""Most planes of weights, and of inputs."""

MAX_THRESHOLDS = 15


@dataclass(frozen=True, eq=False)
class UnrolledStage(WholeVectorStage):
    """Weights are constants of the logic; rows share sums (:mod:`.unrolled_sums`).

    All formats are sums of bit planes: each bit of an input is a column of its own, each plane of
    weights beyond two bits a row of its own, and ``y = sum(gain * row) + constant``. Thresholds are
    constants.

    A vector's result leaves ``2 + last_slot + sum_registers + post_registers`` cycles after it came
    (:attr:`latency_cycles`). Taken where it is asked for, ``{"core": "binary-unrolled"}``, or where
    it is cheaper than the folded core with one fold (:mod:`hwgen.plan.matrix_core`).

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
    choices: ClassVar[tuple[str, ...]] = ("lut_inputs", "rows", "multipliers")
    most_weights: ClassVar[int] = 1 << 18
    instead: ClassVar[str] = "folded binary core"
    lut_inputs: int = 4
    rows: int | None = None

    @classmethod
    def stands_in(cls, mat_vec, x, post=None):
        few = not isinstance(post, Threshold) or post.table.shape[1] <= MAX_THRESHOLDS
        return super().stands_in(mat_vec, x) and few and all(map(
            _has_few_planes, (mat_vec.weights.format, x.format)))

    def __post_init__(self):
        super().__post_init__()
        as_int(self.lut_inputs, f"{self.where}: lut_inputs")
        if self.lut_inputs not in (4, 6):
            raise SpecError(f"{self.where}: lut_inputs must be 4 or 6, not {self.lut_inputs}")
        if self.rows is not None and as_int(self.rows, f"{self.where}: rows") < 1:
            raise SpecError(f"{self.where}: rows must be at least 1, not {self.rows}")
        for what, fmt in (("weights", self.mat_vec.weights.format), ("input", self.x.format)):
            if not _has_few_planes(fmt):
                raise SpecError(f"{self.where}: {what} must be sums of at most {MAX_PLANES} bit"
                                f" planes, not {fmt}; choose a folded core")
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
    def inner_registers(self):
        return self.last_slot + self.sum_registers

    @property
    def folding(self):
        return {"levels_per_register": self.levels_per_register, "lut_inputs": self.lut_inputs,
                "rows": self.rows} | self.ways_chosen

    def estimate(self, target):
        return unrolled_cells(self, target)


def _has_few_planes(fmt) -> bool:
    return fmt.planes is not None and len(fmt.planes.gains) <= MAX_PLANES
