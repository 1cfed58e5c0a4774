"""The unrolled constant matrix: a graph of shifts and adders, one vector a cycle."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ...numeric import Fixed, SpecError, as_int
from .adder_graph import AdderGraph
from .adder_rows import constant_product, least_depth
from .adder_schedule import Schedule
from .cut import Cut, cut_of
from .fixed import require_fixed
from .fixed_unrolled_cells import fixed_unrolled_cells
from .whole_vector import WholeVectorStage

__all__ = ["FixedUnrolledStage"]


@dataclass(frozen=True, eq=False)
class FixedUnrolledStage(WholeVectorStage):
    """Weights and biases are shifts and adders (:mod:`.adder_rows`); weights of 0 are nothing.

    A vector's result leaves ``2 + ceil(depth / levels_per_register) + post_registers`` cycles after
    it came (:attr:`latency_cycles`), with ``depth`` adders in a row in the graph.

    Taken where it is asked for, ``{"core": "fixed-unrolled"}``, or where it is cheaper than a core
    with all its products side by side (:mod:`hwgen.plan.matrix_core`).

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
    choices: ClassVar[tuple[str, ...]] = ("levels_per_register", "max_depth", "multipliers")
    compares: ClassVar[bool] = False
    most_weights: ClassVar[int] = 1 << 17
    instead: ClassVar[str] = "folded fixed core"
    max_depth: int | None = None

    @classmethod
    def stands_in(cls, mat_vec, x, post=None):
        return super().stands_in(mat_vec, x) and isinstance(x.format, Fixed)

    def __post_init__(self):
        super().__post_init__()
        require_fixed(self)
        if self.max_depth is None:
            return
        least = least_depth(self.mat_vec.weights.to_dense(), self.constants)
        if as_int(self.max_depth, f"{self.where}: max_depth") < least:
            raise SpecError(f"{self.where}: max_depth must be at least {least} for these weights,"
                            f" not {self.max_depth}")

    @cached_property
    def graph(self) -> AdderGraph:
        """Adders of ``weights @ x + constants``: of the accumulators, and what rounds them.

        Widths are those of each input's own range, where the network proves one.
        """
        ends = self.x.ends
        return constant_product(self.mat_vec.weights.to_dense(), ends.lo, ends.hi,
                                self.constants, max_depth=self.max_depth)

    @cached_property
    def cut(self) -> Cut | None:
        """How sums are cut to results of a requantise that is no more than a shift; else None."""
        return cut_of(self.post, self.n_out)

    @cached_property
    def constants(self) -> np.ndarray:
        """What is added to the products: biases, and what rounds where sums are cut."""
        bias = self.mat_vec.bias_or_zero
        return bias if self.cut is None else bias + self.cut.constants

    @property
    def post_registers(self):
        """Of results that are cut, one."""
        return super().post_registers if self.cut is None else 1

    @cached_property
    def adders(self) -> Schedule:
        """The graph with its registers."""
        return Schedule(self.graph, self.levels_per_register)

    @property
    def inner_registers(self):
        return self.adders.last

    @property
    def folding(self):
        return {"levels_per_register": self.levels_per_register,
                "max_depth": self.max_depth} | self.ways_chosen

    def estimate(self, target):
        return fixed_unrolled_cells(self, target)
