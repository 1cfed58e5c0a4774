"""Products with a constant matrix whose rows share sums: columns of one pattern are counted once.

Rows are taken in small groups. In a group of ``k`` rows the columns fall into at most
``2**(k - 1)`` classes (signs) that are equal but for a sign, which is free: the bit or its
complement. The bits of a class are counted once for all rows (Lupanov 1956; Arlazarov et al.
1970, transposed). Then one row after another is split off: the classes that differ only in that
row are added pairwise, and the row itself is the sum of those that count negative, from which
``y = T - 2 S`` follows with the sum ``T`` of all classes. About ``2**(k + 1)`` adders of few bits
and one popcount serve ``k`` rows.
"""

from dataclasses import dataclass

import numpy as np

from .unrolled_graph import Bit, Graph, Heap

__all__ = ["Output", "SharedSums", "shared_sums"]

MAX_GROUP = 9

SMALL, SAMPLE_GROUPS = 1 << 17, 4
"""Entries of a matrix that is built whole to find the best number of rows in a group; groups that
are built of a larger one."""


@dataclass(frozen=True)
class Output:
    """``y = sum(gain * node) + constant``."""

    terms: tuple[tuple[int, int], ...]
    constant: int


@dataclass(frozen=True, eq=False)
class SharedSums:
    """Graphs of all groups of rows; ``outputs[r]`` is of ``graphs[where[r]]``."""

    graphs: tuple[Graph, ...]
    where: tuple[int, ...]
    outputs: tuple[Output, ...]

    def evaluate(self, bits: np.ndarray) -> np.ndarray:
        """``y`` (n, rows) of input bits ``(n, columns)``, node by node; to test the graphs with."""
        values = [_evaluate(graph, bits) for graph in self.graphs]
        return np.stack([
            sum((gain * values[g][node] for gain, node in output.terms),
                np.full(len(bits), output.constant, np.int64))
            for g, output in zip(self.where, self.outputs, strict=True)], axis=-1)


def _evaluate(graph, bits):
    values = []
    for node in graph.nodes:
        total = sum((bits[:, index] ^ inverted for index, inverted in node.bits),
                    np.zeros(len(bits), np.int64))
        if node.operands:
            a, b = node.operands
            total = (values[b] << node.shift) + total + (values[a] if a != b else 0)
        values.append(total)
    return values


def shared_sums(matrix: np.ndarray, *, lut_inputs: int = 4, group: int | None = None) -> SharedSums:
    """Graphs for ``matrix @ bits``.

    Parameters
    ----------
    matrix : int64 (rows, columns)      small integers; best -1, 0 and 1
    lut_inputs : int                    of the target's LUTs
    group : int, optional               rows that share; the cheapest for the first groups if None
    """
    order = _similar(matrix)
    if group is None:
        most = min(MAX_GROUP, len(matrix))
        group = min(range(1, most + 1), key=lambda k: _cost(matrix, order, k, lut_inputs))
    where, outputs = [0] * len(matrix), [None] * len(matrix)
    graphs = []
    for number, rows in enumerate(_groups(order, group)):
        graph, found = _group(matrix[rows], lut_inputs)
        graphs.append(graph)
        for row, output in zip(rows, found, strict=True):
            where[row], outputs[row] = number, output
    return SharedSums(tuple(graphs), tuple(where), tuple(outputs))


def _groups(order, most):
    """``order`` in parts of ``most`` rows, or one fewer in some so that none is much smaller."""
    count = -(-len(order) // most)
    ends = [len(order) * k // count for k in range(count + 1)]
    return [order[a:b] for a, b in zip(ends, ends[1:], strict=False)]


def _similar(matrix):
    """Rows in an order in which each is much like those just before it, or their complement."""
    gram = np.abs(matrix @ matrix.T)
    left, order = list(range(len(matrix))), []
    while left:
        recent = order[-4:]
        best = max(left, key=lambda row: (int(gram[row, recent].max(initial=0)), -row))
        left.remove(best)
        order.append(best)
    return order


def _cost(matrix, order, most, lut_inputs):
    """LUTs for each row; of a large matrix those of its first groups."""
    groups, rows_seen, total = _groups(order, most), 0, 0
    for rows in groups if matrix.size <= SMALL else groups[:SAMPLE_GROUPS]:
        graph, outputs = _group(matrix[rows], lut_inputs)
        total += sum(map(graph.luts, range(len(graph.nodes))))
        for output in outputs:
            total += sum(graph.nodes[node].width for _, node in output.terms[1:])
        rows_seen += len(rows)
    return total / rows_seen


def _classes(matrix):
    """Pattern of the columns -> its bits; and the constants that complemented bits leave."""
    classes: dict[tuple[int, ...], Heap] = {}
    constants = np.zeros(len(matrix), np.int64)
    for index, column in enumerate(matrix.T.tolist()):
        first = next((value for value in column if value), 0)
        if not first:
            continue
        power = min((value & -value).bit_length() - 1 for value in column if value)
        sign = -1 if first < 0 else 1
        pattern = tuple(sign * value >> power for value in column)
        heap = classes.setdefault(pattern, Heap())
        heap.bits.setdefault(power, []).append(Bit(index, first < 0))
        if first < 0:
            constants += column
    return classes, constants


def _group(matrix, lut_inputs):
    """Graph and outputs of rows that share: the last row is split off, then the one before."""
    graph = Graph(lut_inputs)
    classes, constants = _classes(matrix)
    # With every first entry 1 the first row is the sum of all classes, whatever was merged.
    has_total = all(pattern[0] == 1 for pattern in classes)
    found = []
    for row in range(len(matrix) - 1, 0, -1):
        found.append(_split(graph, classes, row, has_total))
        classes = _merged(classes, row)
    last = _sums(graph, classes, 0, None)
    total = last[0][1] if has_total and last else None
    outputs = [last]
    for base, terms in reversed(found):
        outputs.append(([(base, total)] if base and total is not None else []) + terms)
    return graph, [Output(tuple(terms), int(constant))
                   for terms, constant in zip(outputs, constants, strict=True)]


def _split(graph, classes, row, has_total):
    """``(base, terms)``: the row is ``base * T`` and ``terms``; classes used again become nodes."""
    base = 0
    if has_total:
        sizes: dict[int, int] = {}
        for pattern, heap in classes.items():
            sizes[pattern[row]] = sizes.get(pattern[row], 0) + heap.size
        base = max(sorted(sizes), key=lambda value: sizes[value], default=0)
    for pattern, heap in classes.items():
        if pattern[row] != base and any(pattern[:row]) and heap.size > 1:
            heap.nodes, heap.bits = [graph.node(heap)], {}
    return base, _sums(graph, classes, row, base)


def _sums(graph, classes, row, base):
    """Gains and nodes: a sum of the classes of each value in ``row``, but 0 and ``base``."""
    base = base or 0
    heaps: dict[int, Heap] = {}
    for pattern, heap in classes.items():
        if pattern[row] != base:
            heaps.setdefault(pattern[row] - base, Heap()).take(heap)
    return [(gain, graph.node(heap)) for gain, heap in sorted(heaps.items()) if heap.size]


def _merged(classes, row):
    """Classes without ``row``: those that become equal are one."""
    merged: dict[tuple[int, ...], Heap] = {}
    for pattern, heap in classes.items():
        if any(pattern[:row]):
            merged.setdefault(pattern[:row], Heap()).take(heap)
    return merged
