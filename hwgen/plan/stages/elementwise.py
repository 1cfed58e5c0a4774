"""What stages share that compute each element of a frame from itself alone."""

from dataclasses import dataclass

from ...numeric import ERROR_UNIT
from ..target import Cells, Target
from .base import Flow, Lanes, Stage, divisors, require_divisor, require_fixed_point
from .unit_cells import output_queue_cells

__all__ = ["ElementwiseStage", "FunctionStage", "narrowest"]


@dataclass(frozen=True, eq=False)
class ElementwiseStage(Lanes, Stage):
    """``lanes`` elements a cycle; results leave :attr:`latency_cycles` after their elements came.

    What computes them never waits: the output queue has a place for all that are under way, so a
    frame takes ``size / lanes`` cycles whatever stalls it.

    Members
    -------
    latency_cycles : int    from an element's transfer to that of its result

    Raises
    ------
    SpecError    If ``lanes`` does not divide the size.
    """

    def __post_init__(self):
        require_divisor(self.where, "lanes", self.lanes, "n", self.x.size)

    @property
    def where(self) -> str:
        """For messages: the core and its node."""
        return f"{self.core} core '{self.nodes[0].name}'"

    @property
    def out_edge(self):
        return self.nodes[0].infer(self.x)

    @property
    def fifo_depth(self) -> int:
        """Beats under way, so that one can follow each cycle."""
        return self.latency_cycles + 1

    @property
    def interval_cycles(self):
        return self.x.size // self.lanes

    def flow(self, arrivals):
        return Flow.at_once(arrivals, [cycle + self.latency_cycles for cycle in arrivals])

    @property
    def folding(self):
        return {"lanes": self.lanes}

    def with_queue(self, each: Cells, target: Target) -> Cells:
        """Cells of lanes that take ``each``, of the output queue, and of flags beside the data."""
        queue = output_queue_cells(target, self.fifo_depth, self.lanes * self.out_edge.format.bits
                                   + 1, self.interval_cycles)
        return sum([each] * self.lanes, queue) + Cells(ff=self.latency_cycles - 1)


@dataclass(frozen=True, eq=False)
class FunctionStage(ElementwiseStage):
    """A function of fixed-point values, as its node gives it: by table, or by straight lines.

    Raises
    ------
    SpecError    If ``lanes`` does not divide the size, or the input is not fixed point.
    """

    def __post_init__(self):
        super().__post_init__()
        require_fixed_point(self.where, self.x)

    def to_dict(self):
        """With the function that it stands for, and its largest error in steps of the result."""
        node = self.nodes[0]
        return super().to_dict() | {"function": node.function,
                                    "error_steps": node.error / ERROR_UNIT}


def narrowest(size: int, interval_cycles: int, *, period: int = 0) -> int:
    """The fewest lanes that reach ``interval_cycles``, or else the most.

    With a ``period`` they divide it or are a multiple of it, so that memories stay small.
    """
    every = [n for n in divisors(size) if not period or period % n == 0 or n % period == 0]
    return next((n for n in every if size // n <= interval_cycles), every[-1])
