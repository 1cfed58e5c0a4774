"""Every edge of a network for a batch of inputs."""

from collections.abc import Callable

import numpy as np

from ..ir import Network
from .add import add
from .argmax import argmax
from .flatten import flatten
from .input import accept
from .mat_vec import mat_vec
from .max_pool import max_pool
from .piecewise import piecewise
from .requantise import requantise
from .sliding_window import sliding_window
from .sum_pool import sum_pool
from .table import table
from .thermometer import thermometer
from .threshold import threshold
from .window_max import window_max
from .window_sum import window_sum

__all__ = ["GOLDEN", "run"]

GOLDEN: dict[str, Callable[..., np.ndarray]] = {
    "input": accept,
    "thermometer": thermometer,
    "sliding_window": sliding_window,
    "mat_vec": mat_vec,
    "threshold": threshold,
    "requantise": requantise,
    "table": table,
    "piecewise": piecewise,
    "max_pool": max_pool,
    "sum_pool": sum_pool,
    "window_max": window_max,
    "window_sum": window_sum,
    "flatten": flatten,
    "add": add,
    "argmax": argmax,
}
"""The function of each node kind: ``GOLDEN[node.kind](node, *values of node.inputs)``."""


def run(network: Network, x) -> dict[str, np.ndarray]:
    """The exact int64 value of every node.

    Parameters
    ----------
    network : Network
    x : integers of shape ``(batch, *shape)`` or ``shape``
        In the format of ``network.input``. The batch may be empty.

    Returns
    -------
    dict
        For each node name, in order, int64 ``(batch, *edge.shape)``; without the batch axis where
        ``x`` has none.

    Raises
    ------
    TypeError   If ``network`` is none, or ``x`` holds anything but integers.
    SpecError   If ``x`` is of another shape or outside the input's format; with node and index.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, not {network!r}")
    first = network.input
    entry = accept(first, x)
    is_single = entry.shape == first.shape
    values = {first.name: entry[np.newaxis] if is_single else entry}
    for node in network.nodes[1:]:
        values[node.name] = GOLDEN[node.kind](node, *(values[name] for name in node.inputs))
    return {name: value[0] for name, value in values.items()} if is_single else values
