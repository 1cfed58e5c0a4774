"""The unrolled constant matrix: a graph of shifts and adders, one vector a cycle."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from ...ir import Edge
from ...numeric import Fixed, SpecError, as_int
from .adder_graph import AdderGraph
from .adder_rows import constant_product, least_depth
from .adder_schedule import Schedule
from .base import Flow
from .fixed import require_fixed
from .fixed_unrolled_cells import fixed_unrolled_cells
from .folded import MatVecStage
from .unrolled import EDGE_REGISTERS

__all__ = ["FixedUnrolledStage"]

MAX_WEIGHTS = 1 << 17
"""Most weights: more would neither be generated nor synthesised in reasonable time."""


@dataclass(frozen=True, eq=False)
class FixedUnrolledStage(MatVecStage):
    """Weights and biases are shifts and adders (:mod:`.adder_rows`); weights of 0 are nothing.

    A beat holds a whole vector, and one vector is taken each cycle: in a convolution, one window.
    A vector's result leaves ``2 + ceil(depth / levels_per_register) + post_registers`` cycles after
    it came (:attr:`latency_cycles`), with ``depth`` adders in a row in the graph.

    Taken only where it is asked for: ``{"core": "fixed-unrolled"}``.

    Parameters
    ----------
    levels_per_register : int    adders in a row between two registers
    max_depth : int or None      most adders in a row; see :func:`.adder_rows.constant_product`

    Raises
    ------
    SpecError    If the input is not fixed point, a Threshold follows, there are more than 2**17
                 weights, or ``max_depth`` is less than what the weights' digits need.
    """

    core: ClassVar[str] = "fixed-unrolled"
    choices: ClassVar[tuple[str, ...]] = ("levels_per_register", "max_depth")
    compares: ClassVar[bool] = False
    levels_per_register: int = 1
    max_depth: int | None = None

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """Never: it must be asked for."""
        return False

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        options = {"levels_per_register": levels_per_register, **choice}
        return [cls(mat_vec, x, post, mat_vec.weights.shape[0], **options)]

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        if self.pe != self.n_out:
            raise SpecError(f"{self.where}: pe must be n_out = {self.n_out}, not {self.pe}")
        if as_int(self.levels_per_register, f"{self.where}: levels_per_register") < 1:
            raise SpecError(f"{self.where}: levels_per_register must be at least 1,"
                            f" not {self.levels_per_register}")
        if self.n_out * self.n_in > MAX_WEIGHTS:
            raise SpecError(f"{self.where}: weights must be at most {MAX_WEIGHTS}, not {self.n_out}"
                            f" * {self.n_in}; choose the folded fixed core")
        if self.max_depth is None:
            return
        least = least_depth(self.mat_vec.weights.to_dense(), self.mat_vec.bias_or_zero)
        if as_int(self.max_depth, f"{self.where}: max_depth") < least:
            raise SpecError(f"{self.where}: max_depth must be at least {least} for these weights,"
                            f" not {self.max_depth}")

    @cached_property
    def graph(self) -> AdderGraph:
        """Adders of ``weights @ x + bias``; its outputs are the accumulators."""
        return constant_product(self.mat_vec.weights.to_dense(), self.x.lo, self.x.hi,
                                self.mat_vec.bias_or_zero, max_depth=self.max_depth)

    @cached_property
    def adders(self) -> Schedule:
        """The graph with its registers."""
        return Schedule(self.graph, self.levels_per_register)

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

    @property
    def latency_cycles(self) -> int:
        """From a vector's transfer to that of its result."""
        return EDGE_REGISTERS + self.adders.last + self.post_registers

    @property
    def fifo_depth(self) -> int:
        """Vectors under way, so that one can follow each cycle."""
        return self.latency_cycles + 1

    def flow(self, arrivals):
        return Flow.at_once(arrivals, [cycle + self.latency_cycles for cycle in arrivals])

    @property
    def memory_bits(self):
        """Weights are adders: nothing is stored."""
        return {}

    @property
    def folding(self):
        return {"levels_per_register": self.levels_per_register, "max_depth": self.max_depth}

    def estimate(self, target):
        return fixed_unrolled_cells(self, target)
