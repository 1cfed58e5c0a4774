"""Graphs of adders for a constant matrix: rows that are alike, shared sums, trees of the rest."""

from bisect import insort

import numpy as np

from ...numeric import SpecError
from .adder_digits import digits, ones, ones_of
from .adder_graph import AdderGraph, Term, bits_of
from .adder_sharing import Sharing

__all__ = ["constant_product", "least_depth"]

WORTHWHILE = 0.75
"""Part of the digits that may be left where rows are built from others."""


def least_depth(matrix: np.ndarray, constants: np.ndarray) -> int:
    """Fewest adders in a row that the digits of the longest row and its constant need."""
    terms = [sum(map(ones, row)) + (constant != 0)
             for row, constant in zip(matrix.tolist(), constants.tolist(), strict=True)]
    return max((max(0, count - 1).bit_length() for count in terms), default=0)


def constant_product(matrix: np.ndarray, lo, hi, constants=None, *,
                     max_depth: int | None = None) -> AdderGraph:
    """The graph of ``matrix @ x + constants``.

    Rows that are alike come first (:func:`_alike`, the first stage of da4ml, arXiv 2507.04535),
    where that leaves fewer digits; then sums that rows share (:class:`Sharing`); then each row's
    terms are added up.

    Parameters
    ----------
    matrix : int64 (rows, n_in)
    lo, hi : int, or sequence (n_in,)    least and largest input
    constants : int64 (rows,), optional  added to the rows
    max_depth : int, optional
        Most adders in a row; at least :func:`least_depth`. None for one more than that, which costs
        no adders, and rows that start from others. A row of which nothing is added ends in one
        adder more, for its sign.

    Raises
    ------
    SpecError    If ``max_depth`` is below the least, or there are more than 2**20 values.
    """
    matrix = np.asarray(matrix, np.int64)
    rows, n_in = matrix.shape
    constants = np.zeros(rows, np.int64) if constants is None else np.asarray(constants, np.int64)
    least = least_depth(matrix, constants)
    if max_depth is not None and max_depth < least:
        raise SpecError(f"max_depth must be at least {least} for these weights, not {max_depth}")
    own, parents = _alike(matrix) if max_depth is None else (matrix, [None] * rows)
    has_parent = np.asarray([parent is not None for parent in parents])
    if max_depth is None:
        max_depth = least_depth(own, constants) + 1
    shared = Sharing(own, max_depth, (constants != 0) + has_parent)
    graph = AdderGraph(np.broadcast_to(lo, n_in), np.broadcast_to(hi, n_in))
    values = [Term(x, 0, False) for x in range(n_in)]
    for a, b, shift, minus, flipped in shared.sums:
        values.append(graph.add(_changed(values[a], max(0, -shift), flipped),
                                _changed(values[b], max(0, shift), minus != flipped)))
    terms = [[_changed(values[x], power, minus) for x, weight in row.items()
              for power, minus in digits(weight)] for row in shared.rows]
    _add_up(graph, terms, constants.tolist(), parents, max_depth)
    return graph


def _changed(term, shift, minus=False):
    return Term(term.value, term.shift + shift, term.negative != minus)


# -- rows that are alike -------------------------------------------------------------------------


def _alike(matrix):
    """What is left of each row without its parent, and ``(parent, minus)`` of it, or None.

    A minimum spanning tree (Prim) over the rows and 0, in which rows are as far from each other as
    their sum or difference has digits. Shared sums find much of the same, so the tree is only taken
    where it saves a good part.
    """
    left, parents = matrix.copy(), [None] * len(matrix)
    lone = ones_of(matrix).sum(axis=1)
    near, waiting = lone.copy(), list(range(len(matrix)))
    while waiting:
        row = min(waiting, key=lambda k: (near[k], k))
        waiting.remove(row)
        for minus, sign in enumerate((-1, 1)):
            rest = matrix + sign * matrix[row]
            far = ones_of(rest).sum(axis=1) + 1
            for other in waiting:
                if far[other] < near[other]:
                    near[other], left[other] = far[other], rest[other]
                    parents[other] = (row, bool(minus))
    if near.sum() > WORTHWHILE * lone.sum():
        return matrix, [None] * len(matrix)
    return left, parents


def _in_order(parents):
    """Rows, each behind its parent."""
    order, seen = [], set()
    for row in range(len(parents)):
        path, at = [], row
        while at is not None and at not in seen:
            seen.add(at)
            path.append(at)
            at = parents[at][0] if parents[at] else None
        order += path[::-1]
    return order


# -- trees ---------------------------------------------------------------------------------------


def _add_up(graph, terms, constants, parents, depth):
    """The outputs, each row within ``depth`` if its parent leaves that much."""
    sums = [None] * len(terms)
    for row in _in_order(parents):
        constant = constants[row]
        if parents[row] is not None and sums[parents[row][0]] is not None:
            parent, minus = parents[row]
            terms[row].append(_changed(sums[parent], 0, minus))
            constant += constants[parent] if minus else -constants[parent]
        if constant:
            terms[row].append(graph.constant(constant))
        sums[row] = _sum(graph, terms[row], max(depth, _depth(graph, terms[row])))
    graph.end_in([term and graph.negated(term) for term in sums])


def _depth(graph, terms):
    """Fewest adders in a row for terms that come at their levels."""
    return max(0, _load(graph, terms) - 1).bit_length()


def _load(graph, terms):
    return sum(1 << graph.values[term.value].level for term in terms)


def _sum(graph, terms, depth):
    """Terms that end lowest are added first, so that adders are short; within ``depth``."""
    ready = sorted((_end(graph, term), k, term) for k, term in enumerate(terms))
    count = len(ready)
    while len(ready) > 1:
        spare = (1 << depth) - _load(graph, [term for *_, term in ready])
        levels = [graph.values[term.value].level for *_, term in ready]
        a, b = _pair(levels, spare)
        total = graph.add(ready.pop(b)[2], ready.pop(a)[2])
        insort(ready, (_end(graph, total), count, total))
        count += 1
    return ready[0][2] if ready else None


def _pair(levels, spare):
    """Places of the first term and of the first one that it may be added to."""
    for b in range(1, len(levels)):
        if abs((1 << levels[b]) - (1 << levels[0])) <= spare:
            return 0, b
    # Two of the lowest levels always fit: all others, and the room, are multiples of theirs.
    return sorted(sorted(range(len(levels)), key=lambda k: (levels[k], k))[:2])


def _end(graph, term):
    """Where the bits of a term end."""
    value = graph.values[term.value]
    return bits_of(value.lo, value.hi) + term.shift
