"""Networks of which every matrix is one that a core takes."""

from dataclasses import replace

from .matrices import Structured
from .network import Network
from .nodes import MatVec

__all__ = ["laid_out", "structures"]


def laid_out(network: Network) -> Network:
    """``network`` with every entry given of matrices that are :class:`Structured`.

    All values are the same. ``network`` itself where there are none.
    """
    if not structures(network):
        return network
    return replace(network, nodes=tuple(
        replace(node, weights=node.weights.laid_out()) if _is_structured(node) else node
        for node in network.nodes))


def structures(network: Network) -> dict[str, str]:
    """Kind of each matrix that :func:`laid_out` changes, by name of its node."""
    return {node.name: node.weights.kind for node in network.nodes if _is_structured(node)}


def _is_structured(node) -> bool:
    return isinstance(node, MatVec) and isinstance(node.weights, Structured)
