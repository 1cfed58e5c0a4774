"""Sums of several streams element by element: where branches join."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Add, Edge
from ..target import Cells
from .base import Flow
from .elementwise import ElementwiseStage, narrowest

__all__ = ["AddStage", "add_of"]

CONTROL = Cells(lut=2)
"""What lets a beat of each input in at once, for each input."""


@dataclass(frozen=True, eq=False)
class AddStage(ElementwiseStage):
    """``lanes`` elements of each input a cycle, shifted and added in a tree with registers.

    It takes a beat of every input at once, so it waits for the last one. A frame takes
    ``size / lanes`` cycles; a sum leaves ``1 + ceil(log2(inputs))`` cycles after its elements came:
    a register for each level of the tree, and the output queue.

    Parameters
    ----------
    add : Add
    xs : tuple of Edge      one for each input, of one shape
    lanes : int             elements of each input side by side; a divisor of the size

    Raises
    ------
    SpecError    If ``lanes`` does not divide.
    """

    core: ClassVar[str] = "add"
    add: Add
    xs: tuple[Edge, ...]
    lanes: int

    @property
    def nodes(self):
        return (self.add,)

    @property
    def x(self) -> Edge:
        """The first input; the others are of its shape."""
        return self.xs[0]

    @property
    def in_edges(self):
        return self.xs

    @property
    def out_edge(self):
        return self.add.infer(*self.xs)

    @property
    def latency_cycles(self) -> int:
        """From the transfer of the last input's element to that of the sum."""
        return 1 + (len(self.xs) - 1).bit_length()

    def flow(self, *arrivals):
        taken = [max(cycles) for cycles in zip(*arrivals, strict=True)]
        return Flow.at_once(taken, [cycle + self.latency_cycles for cycle in taken])

    def estimate(self, target):
        """An adder for each input but one, a register for each sum of the tree, the queue."""
        bits, sums = self.out_edge.format.bits, len(self.xs) - 1
        each = Cells(lut=sums * bits, ff=sums * bits)
        return self.with_queue(each, target) + sum([CONTROL] * len(self.xs), Cells())


def add_of(node: Add, xs: tuple[Edge, ...], interval_cycles: int) -> AddStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest.

    Lanes divide the channels or are a multiple of them, as those of the cores in front do.
    """
    lanes = narrowest(xs[0].size, interval_cycles, period=xs[0].shape[-1])
    return AddStage(node, xs, lanes)
