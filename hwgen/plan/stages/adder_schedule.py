"""Between which registers each adder of a graph stands, so that few bits wait."""

from collections import Counter
from functools import cached_property

from .adder_graph import AdderGraph
from .unrolled_graph import slot

__all__ = ["Schedule"]

PASSES = 2


class Schedule:
    """Levels of a graph's values, with a register after every ``levels_per_register``-th.

    Adders first stand as early as they can. Then each moves, within what its operands and readers
    leave, to where it and its operands wait in the fewest bits: later where the operands wait for
    others anyway, as one value is then narrower than it was as a sum.

    Members
    -------
    levels : list of int     of each value; inputs and constants 0
    last : int               registers behind the inputs' to the outputs': ``ceil(depth / levels)``
    """

    def __init__(self, graph: AdderGraph, levels_per_register: int):
        self.graph, self.levels_per_register = graph, levels_per_register
        self.levels = [value.level for value in graph.values]
        self.last = -(-graph.depth // levels_per_register)
        self._readers = [[] for _ in graph.values]
        self._reads = [Counter() for _ in graph.values]
        for number, value in enumerate(graph.values):
            for term in value.terms:
                self._readers[term.value].append(number)
                self._reads[term.value][self.reads_at(number)] += 1
        for output in graph.outputs:
            if output is not None:
                self._reads[output.value][self.last] += 1
        adders = [number for number, value in enumerate(graph.values) if value.terms]
        for _ in range(PASSES):
            for number in adders[::-1] + adders:
                self._move(number)

    def slot(self, number: int) -> int:
        """Registers between the inputs' and the value as it is computed."""
        return slot(self.levels[number], self.levels_per_register)

    def reads_at(self, number: int) -> int:
        """Registers between the inputs' and the operands of value ``number``."""
        return slot(self.levels[number] - 1, self.levels_per_register)

    def is_registered(self, number: int) -> bool:
        """Whether a register follows the adder of value ``number``."""
        return self.levels[number] % self.levels_per_register == 0

    @cached_property
    def taps(self) -> list[list[int]]:
        """Slots in which each value is read, ascending."""
        return [sorted(+reads) for reads in self._reads]

    def waits(self, number: int) -> int:
        """Registers in which a value waits or ends."""
        value = self.graph.values[number]
        if not value.terms and number >= self.graph.n_in:
            return 0
        begin = self.reads_at(number) if value.terms else 0
        return max(0, max(self._reads[number], default=0) - begin, self.slot(number) - begin)

    @property
    def register_bits(self) -> int:
        """Flip-flops of all values behind the inputs' registers."""
        return sum(value.bits * self.waits(number)
                   for number, value in enumerate(self.graph.values))

    def _move(self, number):
        value, levels = self.graph.values[number], self.levels
        first = 1 + max(levels[term.value] for term in value.terms)
        final = min((levels[reader] for reader in self._readers[number]),
                    default=self.graph.depth + 1) - 1
        if first == final:
            return
        self._count(number, -1)
        costs = []
        for level in range(first, final + 1):
            levels[number] = level
            self._count(number, 1)
            costs.append((self._cost(number), abs(level - value.level), level))
            self._count(number, -1)
        levels[number] = min(costs)[2]
        self._count(number, 1)

    def _count(self, number, change):
        for term in self.graph.values[number].terms:
            reads, at = self._reads[term.value], self.reads_at(number)
            reads[at] += change
            if not reads[at]:
                del reads[at]

    def _cost(self, number):
        """Bits in which the value and its operands wait."""
        values = self.graph.values
        some = {number, *(term.value for term in values[number].terms)}
        return sum(values[n].bits * self.waits(n) for n in some)
