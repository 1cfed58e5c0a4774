"""Golden delta networks: matrices see only what moved, and keep their sums."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..ir import MatVec, Network
from ..numeric import SpecError, as_int
from .input import accept
from .run import GOLDEN

__all__ = ["DeltaRun", "run_delta"]


class DeltaRun(NamedTuple):
    """What a delta network made of a sequence.

    Members
    -------
    values : dict of str to int64 (steps, *shape)    of every node, as :func:`hwgen.golden.run`
    sent : dict of str to bool (steps, n_in)         of every matrix which inputs it was sent
    """

    values: dict
    sent: dict


def run_delta(network: Network, x, thresholds: Mapping[str, int] | int = 0) -> DeltaRun:
    """Every node's value for the sequence ``x`` ``(steps, *shape)``, with delta networks' rule.

    Of each matrix (arXiv 1612.05571): an input is sent if it moved by more than the threshold since
    it was last sent, ``abs(x - x_sent) > threshold``, as the difference; products of differences
    are added to sums that are kept. Inputs that are not sent keep their reference, so that no error
    adds up: sums are those of what was sent last, exactly. Before the first step all are 0. With a
    threshold of 0 values are those of :func:`hwgen.golden.run`.

    Parameters
    ----------
    network : Network         whose matrices are of vectors
    x : integers (steps, *shape)
    thresholds : int, or mapping of a matrix's name to int; 0 of those that are left out

    Raises
    ------
    TypeError   If ``x`` or a threshold are no integers.
    SpecError   If a threshold is below 0 or names no matrix, or a matrix is of a map.
    """
    matrices = [node for node in network.nodes if isinstance(node, MatVec)]
    limits = _limits(matrices, thresholds)
    for node in matrices:
        if len(network.edges[node.inputs[0]].shape) != 1:
            raise SpecError(f"{node.path}: input must be a vector (n,), not"
                            f" {network.edges[node.inputs[0]].shape}")
    steps = accept(network.input, x)
    kept = {node.name: (np.zeros(node.weights.shape[1], np.int64),
                        node.bias_or_zero.astype(np.int64)) for node in matrices}
    every = {node.name: [] for node in network.nodes}
    sent = {node.name: [] for node in matrices}
    for step in steps:
        values = {network.input.name: step[np.newaxis]}
        for node in network.nodes[1:]:
            operands = [values[name] for name in node.inputs]
            if node.name in kept:
                moved, kept[node.name] = _moved(node, operands[0][0], kept[node.name],
                                                limits[node.name])
                sent[node.name].append(moved)
                values[node.name] = kept[node.name][1][np.newaxis]
            else:
                values[node.name] = GOLDEN[node.kind](node, *operands)
        for name, value in values.items():
            every[name].append(value[0])
    return DeltaRun({name: np.array(rows) for name, rows in every.items()},
                    {name: np.array(rows) for name, rows in sent.items()})


def _limits(matrices, thresholds) -> dict[str, int]:
    names = [node.name for node in matrices]
    given = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(names, thresholds)
    for name, threshold in given.items():
        if name not in names:
            raise SpecError(f"thresholds must be of matrices, {names}, not of '{name}'")
        if as_int(threshold, f"threshold of '{name}'") < 0:
            raise SpecError(f"threshold of '{name}' must be at least 0, not {threshold}")
    return {name: given.get(name, 0) for name in names}


def _moved(node, x, kept, threshold):
    """Which inputs are sent; the references and sums after it."""
    reference, sums = kept
    moved = np.abs(x - reference) > threshold
    difference = np.where(moved, x - reference, 0)
    return moved, (np.where(moved, x, reference), sums + node.weights.to_dense() @ difference)
