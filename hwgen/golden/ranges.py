"""How the values of every node lie in their formats: counted, not estimated."""

from dataclasses import asdict, dataclass

import numpy as np

from ..ir import Network, Requantise
from ..numeric import SpecError, rescale
from .run import run

__all__ = ["PASSING", "Ranges", "histogram", "ranges"]

PASSING = ("argmax", "flatten", "max_pool", "sliding_window")
"""Nodes that make no new numbers, or classes; they have no ranges of their own."""

BINS = 64


@dataclass(frozen=True)
class Ranges:
    """Of all values that one node gives for some samples, integers in steps of its format.

    Members
    -------
    node, kind : str
    low, high : int          least and largest value that can be represented behind the node
    proven : (int, int)      least and largest that any sample can give
    least, most : int        that these samples give; of a requantisation before it saturates
    values : int             how many there are
    below, above : int       how many saturate at each end: they were beyond it
    at_low, at_high : int    how many have the end's value
    is_rectified : bool      values below are those that a ReLU sets to 0
    overflows : int          how many are outside ``proven``: always 0, or the proof is wrong
    edges, counts : tuple    histogram of what ``least`` and ``most`` are of: bin ``k`` holds
                             integers in ``edges[k] .. edges[k + 1] - 1``
    """

    node: str
    kind: str
    low: int
    high: int
    proven: tuple[int, int]
    least: int
    most: int
    values: int
    below: int
    above: int
    at_low: int
    at_high: int
    is_rectified: bool
    overflows: int
    edges: tuple[int, ...]
    counts: tuple[int, ...]

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return asdict(self)


def ranges(network: Network, x) -> dict[str, Ranges]:
    """The ranges of every node of ``network`` but those of :data:`PASSING`, by name.

    Parameters
    ----------
    network : Network
    x : integers ``(batch, *shape)``, at least one sample

    Raises
    ------
    SpecError   If ``x`` holds no sample, is of another shape or outside the input's format.
    """
    if np.ndim(x) != len(network.input.shape) + 1 or not len(x):
        raise SpecError(f"x must be samples of shape {network.input.shape}, at least one, not of"
                        f" shape {np.shape(x)}")
    values = run(network, x)
    return {node.name: _ranges(network, node, values) for node in network.nodes
            if node.kind not in PASSING}


def _ranges(network, node, values) -> Ranges:
    edge, found = network.edges[node.name], values[node.name]
    low, high, raw, is_rectified = edge.format.min, edge.format.max, found, False
    if isinstance(node, Requantise):
        low, high = node.least, node.most
        raw = node.zero_point + rescale(values[node.inputs[0]], node.multiplier, node.shifts,
                                        node.rounding, node.slope_shift)
        is_rectified = low == node.zero_point
    edges, counts = histogram(raw)
    return Ranges(
        node.name, node.kind, int(low), int(high), (edge.lo, edge.hi), int(raw.min()),
        int(raw.max()), found.size, _count(raw < low), _count(raw > high), _count(found == low),
        _count(found == high), is_rectified, _count((found < edge.lo) | (found > edge.hi)),
        edges, counts)


def _count(mask) -> int:
    return int(np.count_nonzero(mask))


def histogram(values) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """``(edges, counts)`` of integers in at most :data:`BINS` bins, each of as many integers."""
    least, most = int(np.min(values)), int(np.max(values))
    width = (most - least) // BINS + 1
    bins = (most - least) // width + 1
    counts = np.bincount((np.ravel(values) - least) // width, minlength=bins)
    return tuple(least + width * k for k in range(bins + 1)), tuple(counts.tolist())
