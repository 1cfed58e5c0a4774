"""A graph of counts and two-operand sums of input bits, with exact ranges and levels."""

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

from ...numeric import SpecError

__all__ = ["Bit", "Graph", "Heap", "Node", "slot"]

MAX_NODES = 400_000
"""Beyond this neither generation nor synthesis ends in reasonable time."""


class Bit(NamedTuple):
    """Input bit ``index``, complemented if ``inverted``."""

    index: int
    inverted: bool


class Node(NamedTuple):
    """A value from 0 to ``high``: the number of ones in ``bits``, or a sum.

    With operands ``(a, b)`` it is ``a + (b << shift)`` and the one bit of ``bits``, if there is
    one, which is only where ``shift`` is 0.
    """

    operands: tuple[int, ...]
    bits: tuple[Bit, ...]
    shift: int
    high: int
    level: int

    @property
    def width(self) -> int:
        return self.high.bit_length()


@dataclass(eq=False)
class Heap:
    """What is still to be added up: bits by the power of two that they weigh, and nodes."""

    bits: dict[int, list[Bit]] = field(default_factory=dict)
    nodes: list[int] = field(default_factory=list)

    def take(self, other: "Heap") -> None:
        """Add what ``other`` holds."""
        for power, bits in other.bits.items():
            self.bits.setdefault(power, []).extend(bits)
        self.nodes.extend(other.nodes)

    @property
    def size(self) -> int:
        return len(self.nodes) + sum(map(len, self.bits.values()))


def slot(level: int, levels_per_register: int) -> int:
    """Registers in front of what follows level ``level``."""
    return level // levels_per_register


class Graph:
    """Nodes in an order in which operands come first.

    Parameters
    ----------
    lut_inputs : int    of one LUT: leaves count 3 bits in two LUTs of 4, or 6 in three of 6 inputs
    """

    def __init__(self, lut_inputs: int):
        self.lut_inputs = lut_inputs
        self.leaf_bits = 6 if lut_inputs >= 6 else 3
        self.nodes: list[Node] = []

    def node(self, heap: Heap) -> int | None:
        """The sum of ``heap`` as a node; None if it is empty."""
        sums = {power: self._sum(bits, heap.nodes if power == 0 else [])
                for power, bits in heap.bits.items() if bits}
        if 0 not in sums and heap.nodes:
            sums[0] = self._sum([], heap.nodes)
        if not sums:
            return None
        total, (at, *rest) = None, sorted(sums, reverse=True)
        total = sums[at]
        for power in rest:
            total, at = self._add(sums[power], total, shift=at - power), power
        # A heap without a bit that weighs 1 comes from columns that share a power of two.
        return total if at == 0 else self._scaled(total, at)

    def _scaled(self, number, power):
        node = self.nodes[number]
        return self._append(Node((number, number), (), power, node.high << power, node.level + 1))

    def _sum(self, bits, nodes):
        """Leaves and a tree; the carry-ins of its adders take bits, so leaves need fewer."""
        leaves = self._leaves(len(bits), len(nodes))
        carries = min(max(0, leaves + len(nodes) - 1), len(bits) - leaves)
        rest, taken, each = list(bits[:carries]), list(bits[carries:]), []
        for left in range(leaves - 1, -1, -1):
            count = min(self._most(len(bits), len(nodes)), len(taken) - left)
            each.append(taken[:count])
            taken = taken[count:]
        ready = [(self.nodes[n].high, self.nodes[n].level, n) for n in nodes]
        ready += [(len(leaf), 1, self._append(Node((), tuple(leaf), 0, len(leaf), 1)))
                  for leaf in each]
        heapq.heapify(ready)
        while len(ready) > 1:
            a, b = heapq.heappop(ready)[2], heapq.heappop(ready)[2]
            number = self._add(a, b, bit=rest.pop() if rest else None)
            node = self.nodes[number]
            heapq.heappush(ready, (node.high, node.level, number))
        return ready[0][2]

    def _leaves(self, bits, nodes):
        """The fewest whose bits, and the carry-ins that come with them, are enough."""
        if bits < nodes:
            return 0
        if bits <= self._most(bits, nodes) and not nodes:
            return 1
        return -(-(bits - nodes + 1) // (self.leaf_bits + 1))

    def _most(self, bits, nodes):
        """Bits of a leaf; four that are alone take three LUTs of 4 inputs."""
        return 4 if bits == 4 and not nodes else self.leaf_bits

    def _add(self, a, b, *, bit=None, shift=0):
        first, second = self.nodes[a], self.nodes[b]
        high = first.high + (second.high << shift) + (bit is not None)
        level = 1 + max(first.level, second.level)
        return self._append(Node((a, b), () if bit is None else (bit,), shift, high, level))

    def _append(self, node):
        if len(self.nodes) >= MAX_NODES:
            raise SpecError(f"unrolled sums must be at most {MAX_NODES} adders, not more;"
                            f" choose the folded core")
        self.nodes.append(node)
        return len(self.nodes) - 1

    def luts(self, number: int) -> int:
        """LUTs, or slots of a carry chain, of a node."""
        node = self.nodes[number]
        if not node.operands:
            return 0 if node.high == 1 else node.width
        if node.operands[0] == node.operands[1]:
            return 0
        widths = [self.nodes[n].width for n in node.operands]
        width = max(widths[0] - node.shift, widths[1])
        return width if self.lut_inputs >= 6 else width + 1

    def registers(self, levels_per_register: int, outputs=(), last: int = 0) -> int:
        """Flip-flops of all nodes, those that only wait among them; input bits come extra.

        ``outputs`` are waited for until ``last``.
        """
        until = dict.fromkeys(outputs, last)
        for node in self.nodes:
            at = slot(node.level - 1, levels_per_register)
            for operand in node.operands:
                until[operand] = max(until.get(operand, 0), at)
        return sum(node.width * max(until.get(number, 0), slot(node.level, levels_per_register))
                   - node.width * slot(node.level - 1, levels_per_register)
                   for number, node in enumerate(self.nodes))

    def waits(self, levels_per_register: int) -> dict[int, int]:
        """For each input bit the last slot in which it is read."""
        found: dict[int, int] = {}
        for node in self.nodes:
            at = slot(node.level - 1, levels_per_register)
            for bit in node.bits:
                found[bit.index] = max(found.get(bit.index, 0), at)
        return found
