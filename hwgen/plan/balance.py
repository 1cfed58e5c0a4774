"""Rows of a matrix dealt out to processing elements so that none has much more to do than others.

A core that interleaves rows, ``i % pe`` being the element of row ``i``, is as slow as its fullest
element. In which order the outputs of a layer stand is free where the next layer can take them so:
its columns are put into the same order, at no cost in hardware and with the same results.
"""

import heapq
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..ir import Dense, MatVec, Network, Piecewise, Requantise, Shared, Table, Threshold, laid_out
from ..numeric import SpecError, as_int

__all__ = ["balanced", "row_order"]

MOST_SWAPS = 1000
"""Pairs of rows that are exchanged once all are dealt out."""


def row_order(loads, pe: int) -> np.ndarray:
    """The row that comes to each place, int64 ``(n,)``; place ``i`` is of element ``i % pe``.

    The rows are dealt out from the fullest to the emptiest, each to the element with the least to
    do so far; then rows of the fullest element are exchanged while that makes it less full. In each
    element rows stay in their order. As they are, if that is no better.

    Parameters
    ----------
    loads : (n,)      what each row takes, such as its nonzeros
    pe : int          elements
    """
    loads = np.asarray(loads, np.float64)
    owner = _dealt(loads, pe)
    _exchange(loads, owner, pe)
    natural = np.arange(len(loads))
    if np.bincount(owner, loads).max() >= np.bincount(natural % pe, loads).max():
        return natural
    order = np.empty(len(loads), np.int64)
    for k in range(pe):
        order[k::pe] = np.flatnonzero(owner == k)
    return order


def _dealt(loads, pe: int) -> np.ndarray:
    """Element of each row."""
    owner, places = np.empty(len(loads), np.int64), [len(range(k, len(loads), pe))
                                                     for k in range(pe)]
    waiting = [(0.0, k) for k in range(pe) if places[k]]
    for row in np.argsort(-loads, kind="stable").tolist():
        load, k = heapq.heappop(waiting)
        owner[row], places[k] = k, places[k] - 1
        if places[k]:
            heapq.heappush(waiting, (load + loads[row], k))
    return owner


def _exchange(loads, owner, pe: int) -> None:
    """Exchange a row of the fullest element with one of the emptiest that can help, in place."""
    sums = np.bincount(owner, loads, pe)
    for _ in range(MOST_SWAPS):
        full = int(sums.argmax())
        for other in np.argsort(sums).tolist():
            gap = sums[full] - sums[other]
            if gap <= 0:
                return
            mine, theirs = np.flatnonzero(owner == full), np.flatnonzero(owner == other)
            gains = loads[mine][:, None] - loads[theirs]
            # What is moved must be less than the gap; best half of it.
            gains = np.where((gains > 0) & (gains < gap), np.abs(gains - gap / 2), np.inf)
            if np.isfinite(gains.min()):
                a, b = np.unravel_index(gains.argmin(), gains.shape)
                moved = loads[mine[a]] - loads[theirs[b]]
                owner[mine[a]], owner[theirs[b]] = other, full
                sums[full] -= moved
                sums[other] += moved
                break
        else:
            return


def balanced(network: Network, elements: Mapping[str, int],
             busy: Mapping[str, np.ndarray] | None = None) -> Network:
    """The same function with the outputs of hidden layers in an order that keeps elements busy.

    Of every node that ``elements`` names the rows are dealt out by their nonzeros, or, where it is
    known how often each activation is not zero, by how often they meet one. Rows, biases and what
    follows each channel up to the next matrix are put into that order, and so are the columns of
    that matrix. Scores and classes are those of ``network``; values between the layers are the same
    in another order.

    Parameters
    ----------
    network : Network
    elements : mapping of str to int    name of a matrix node: its processing elements, ``pe``
    busy : mapping of str to (n,), optional
        Name of a node, such as the input: how often each of its elements is not 0, in any unit.

    Raises
    ------
    SpecError    If a name is that of no matrix node, or of one whose order no other matrix takes:
                 the last one, one that is read by several nodes, one before a pool or a window, or
                 one whose matrix or the next one is neither dense nor shared.
    """
    shares = {name: np.asarray(share) for name, share in (busy or {}).items()}
    network = laid_out(network)
    for name, pe in elements.items():
        path = _path(network, name)
        node = path[0]
        if not 1 <= as_int(pe, f"node '{name}': pe") <= node.weights.shape[0]:
            raise SpecError(f"node '{name}': pe must be in 1..{node.weights.shape[0]}, not {pe}")
        dense = node.weights.to_dense()
        share = shares.get(node.inputs[0], np.ones(dense.shape[1]))
        order = row_order((dense != 0) @ share, pe)
        shares |= {each.name: shares[each.name][order] for each in path[:-1]
                   if each.name in shares}
        changed = {each.name: _in_order(each, order) for each in path[:-1]}
        changed[path[-1].name] = _columns_in_order(path[-1], order)
        nodes = tuple(changed.get(each.name, each) for each in network.nodes)
        network = Network(network.name, nodes, network.outputs, network.meta)
    return network


def _path(network, name: str) -> list:
    """The matrix node of that name, what narrows it, and the next matrix node."""
    node = next((node for node in network.nodes if node.name == name), None)
    if not isinstance(node, MatVec):
        raise SpecError(f"node '{name}' must be a matrix node of '{network.name}'")
    path = [node]
    while len(path) == 1 or not isinstance(path[-1], MatVec):
        readers = [each for each in network.nodes if path[-1].name in each.inputs]
        is_plain = len(network.edges[path[-1].name].shape) == 1
        if len(readers) != 1 or path[-1].name in network.outputs or not is_plain or not isinstance(
                readers[0], MatVec | Requantise | Threshold | Table | Piecewise):
            raise SpecError(f"node '{name}' must be followed by another matrix node, with nothing"
                            f" but narrowing between them, to be put into another order; what reads"
                            f" '{path[-1].name}' is {[each.name for each in readers]}")
        path.append(readers[0])
    for each in (path[0], path[-1]):
        if type(each.weights) not in (Dense, Shared):
            raise SpecError(f"node '{each.name}' must have a dense or shared matrix to be put into"
                            f" another order, not one of kind '{each.weights.kind}'")
    return path


def _in_order(node, order):
    if isinstance(node, MatVec):
        bias = None if node.bias is None else node.bias[order]
        return replace(node, weights=_matrix(node.weights, order, slice(None)), bias=bias)
    changes = {}
    for what in ("multiplier", "shift", "thresholds", "invert"):
        value = getattr(node, what, None)
        if isinstance(value, np.ndarray) and len(value) == len(order):
            changes[what] = value[order]
    return replace(node, **changes)


def _columns_in_order(node, order):
    return replace(node, weights=_matrix(node.weights, slice(None), order))


def _matrix(matrix, rows, columns):
    if isinstance(matrix, Shared):
        return Shared(matrix.indices[rows][:, columns], matrix.centroids)
    return Dense(matrix.values[rows][:, columns], matrix.format)
