"""Pools whose windows overlap or are padded, as a sliding window and what is made of each window.

A step of the planner in front of the choice of cores.
"""

from dataclasses import replace
from math import prod

from ..ir import MaxPool, Network, SlidingWindow, SumPool, WindowMax, WindowSum

__all__ = ["windowed"]


def windowed(network: Network) -> Network:
    """``network`` with a :class:`SlidingWindow` in front of pools whose windows are not apart.

    The pool becomes a :class:`WindowMax` or :class:`WindowSum` of the same name and value; padding
    becomes the least value that the map can have, which is no maximum beside another. Pools whose
    windows are apart stay: they need no more than a line of what they have so far.
    """
    names, nodes = {node.name for node in network.nodes}, []
    for node in network.nodes:
        if not isinstance(node, MaxPool | SumPool) or node.is_apart:
            nodes.append(node)
            continue
        name = f"{node.name}_window"
        while name in names:
            name += "_"
        names.add(name)
        kind = WindowMax if isinstance(node, MaxPool) else WindowSum
        nodes += [SlidingWindow(name, node.inputs, node.size, node.stride, padding=node.around,
                                pad_value=network.edges[node.inputs[0]].lo),
                  kind(node.name, (name,), prod(node.size))]
    if len(nodes) == len(network.nodes):
        return network
    return replace(network, nodes=tuple(nodes))
