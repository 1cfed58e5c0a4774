"""Sums of several streams element by element: where branches join."""

from dataclasses import dataclass
from typing import ClassVar

from ...ir import Add, Edge
from ..target import Cells
from .base import Flow
from .elementwise import ElementwiseStage, narrowest

__all__ = ["AddStage", "add_of"]

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
        """Adders and a register for each term of each level of the tree, the queue.

        Bits below those of both terms need no adder, and no sum is wider than the result. Carries
        of an ECP5 come two by two; a register of an iCE40 that no adder feeds is a logic cell.
        """
        most, lut, ff = self.out_edge.format.bits, 0, 0
        terms = [(shift, edge.format.bits + shift)
                 for edge, shift in zip(self.xs, self.add.shifts, strict=True)]
        while len(terms) > 1:
            pairs = [terms[k:k + 2] for k in range(0, len(terms) & ~1, 2)]
            sums = [(min(a[0], b[0]), min(most, max(a[1], b[1]) + 1)) for a, b in pairs]
            adders = [high - max(a[0], b[0]) for (_, high), (a, b) in zip(sums, pairs, strict=True)]
            terms = sums + terms[len(terms) & ~1:]
            bits = sum(high - low for low, high in terms)
            lone = bits - sum(adders) if target.family == "ice40" else 0
            even = adders if target.family != "ecp5" else [bits + bits % 2 for bits in adders]
            lut, ff = lut + sum(even) + lone, ff + bits
        return self.with_queue(Cells(lut=lut, ff=ff), target) + Cells(lut=len(self.xs))


def add_of(node: Add, xs: tuple[Edge, ...], interval_cycles: int) -> AddStage:
    """The narrowest stage that reaches ``interval_cycles``, or else the widest.

    Lanes divide the channels or are a multiple of them, as those of the cores in front do.
    """
    lanes = narrowest(xs[0].size, interval_cycles, period=xs[0].shape[-1])
    return AddStage(node, xs, lanes)
