"""What stages share that take a whole vector each cycle, their weights being logic."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ...numeric import Fixed, SpecError, as_int
from .base import Flow
from .folded import MatVecStage

__all__ = ["WholeVectorStage"]

EDGE_REGISTERS = 2
"""The input's register and the output queue."""


@dataclass(frozen=True, eq=False)
class WholeVectorStage(MatVecStage):
    """A beat holds a whole vector, and one is taken each cycle: in a convolution, one window.

    Parameters
    ----------
    levels_per_register : int       adder levels between two registers
    """

    most_weights: ClassVar[int]
    """More would neither be generated nor synthesised in reasonable time."""
    instead: ClassVar[str]
    """The core for more weights."""
    levels_per_register: int = 1

    @classmethod
    def suits(cls, mat_vec, x, post=None):
        """Never, as a folded core does; see :meth:`stands_in`."""
        return False

    @classmethod
    def stands_in(cls, mat_vec, x, post=None) -> bool:
        """Whether it can take the place of a folded core, where no Loaded weights are asked for."""
        n_out, n_in = mat_vec.weights.shape
        return not mat_vec.is_loaded and n_out * n_in <= cls.most_weights

    @classmethod
    def candidates(cls, mat_vec, x, post, *, interval_cycles, levels_per_register, choice):
        options = {"levels_per_register": levels_per_register, **choice}
        return [cls(mat_vec, x, post, mat_vec.weights.shape[0], **options)]

    def __post_init__(self):
        super().__post_init__()
        if self.pe != self.n_out:
            raise SpecError(f"{self.where}: pe must be n_out = {self.n_out}, not {self.pe}")
        if as_int(self.levels_per_register, f"{self.where}: levels_per_register") < 1:
            raise SpecError(f"{self.where}: levels_per_register must be at least 1,"
                            f" not {self.levels_per_register}")
        if self.n_out * self.n_in > self.most_weights:
            raise SpecError(f"{self.where}: weights must be at most {self.most_weights},"
                            f" not {self.n_out} * {self.n_in}; choose the {self.instead}")

    @property
    @abstractmethod
    def inner_registers(self) -> int:
        """Registers between the input's and the accumulators of a vector."""

    @property
    def acc_format(self) -> Fixed:
        """That of the results, whose range the network states."""
        return Fixed.covering(self.acc_edge.lo, self.acc_edge.hi)

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
        return EDGE_REGISTERS + self.inner_registers + self.post_registers

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
