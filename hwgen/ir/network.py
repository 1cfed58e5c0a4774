"""A network: nodes in processing order, and the check that gathers every fault."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from ..numeric import SpecError
from .base import Edge, Node
from .meta import plain

__all__ = ["CheckError", "Network", "check"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


class CheckError(SpecError):
    """A network breaks rules; ``faults`` lists all of them, one sentence each."""

    def __init__(self, name: str, faults: list[str]):
        self.faults = tuple(faults)
        lines = "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"network '{name}' has {len(faults)} fault(s):{lines}")


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """Integer nodes in an order in which each reads only earlier ones.

    Parameters
    ----------
    name : str           letters, digits, ``_`` and ``-``
    nodes : tuple of Node
    outputs : tuple of str
        Names of the nodes whose values leave the network: the scores, then the Argmax if any.
    meta : mapping       JSON-ready notes (data set, accuracy, recipe); not part of ``digest``.
        Kept as plain Python values: tuples become lists, numpy numbers Python numbers.

    Raises
    ------
    CheckError           With all faults, on construction.
    SpecError            If ``meta`` holds NaN or an infinity.
    TypeError            If a field is of the wrong type, or ``meta`` not JSON-ready.
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    meta: Mapping = field(default_factory=dict)

    def __post_init__(self):
        nodes, outputs = self.nodes, self.outputs
        if not isinstance(self.name, str):
            raise TypeError(f"network name must be a str, not {self.name!r}")
        if not isinstance(nodes, (tuple, list)) or not all(isinstance(n, Node) for n in nodes):
            raise TypeError(f"network '{self.name}': nodes must be a tuple of Node, not {nodes!r}")
        if not isinstance(outputs, (tuple, list)) or not all(isinstance(o, str) for o in outputs):
            raise TypeError(f"network '{self.name}': outputs must be a tuple of node names,"
                            f" not {outputs!r}")
        if not isinstance(self.meta, Mapping):
            raise TypeError(f"network '{self.name}': meta must be a mapping, not {self.meta!r}")
        meta = plain(dict(self.meta), f"network '{self.name}': meta")
        object.__setattr__(self, "nodes", tuple(nodes))
        object.__setattr__(self, "outputs", tuple(outputs))
        object.__setattr__(self, "meta", MappingProxyType(meta))
        faults = check(self)
        if faults:
            raise CheckError(self.name, faults)

    def __repr__(self):
        ends = ", ".join(f"{name} {self.edges[name].shape}" for name in self.outputs)
        return (f"<Network '{self.name}' of {len(self.nodes)} nodes:"
                f" {self.input.name} {self.input.shape} to {ends}>")

    @cached_property
    def edges(self) -> Mapping[str, Edge]:
        """The edge that each node produces, by node name."""
        return MappingProxyType(_infer(self.nodes)[0])

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of everything that decides what is computed; ``meta`` is left out."""
        from .store import content_digest

        return content_digest(self)

    def node(self, name: str) -> Node:
        """The node called ``name``; SpecError lists the names there are."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise SpecError(f"network '{self.name}' must have a node '{name}', it has"
                        f" {[n.name for n in self.nodes]}")

    @property
    def input(self) -> Node:
        """The node at which the vector enters."""
        return self.nodes[0]

    @property
    def scores(self) -> str:
        """Name of the node whose value is the vector of scores."""
        return self.outputs[0]

    def save(self, path) -> None:
        """Write the network file, aside first and then renamed. See :func:`hwgen.ir.save`."""
        from .store import save

        save(self, path)


def check(network: Network) -> list[str]:
    """All faults of ``network``, each with the node's name; an empty list if it is sound."""
    faults = []
    if not NAME.match(network.name):
        faults.append(f"name must start with a letter and hold letters, digits, '_', '-',"
                      f" not {network.name!r}")
    kinds = [node.kind for node in network.nodes]
    if kinds.count("input") != 1 or kinds[0] != "input":
        faults.append(f"nodes must begin with one input, not {kinds}")
    edges, node_faults = _infer(network.nodes)
    faults += node_faults
    if not network.outputs:
        faults.append("outputs must name at least one node, not ()")
    if len(set(network.outputs)) != len(network.outputs):
        faults.append(f"outputs must be distinct, not {network.outputs}")
    names = {node.name for node in network.nodes}
    unknown = [output for output in dict.fromkeys(network.outputs) if output not in names]
    faults += [f"outputs must name nodes, not '{output}'" for output in unknown]
    return faults


def _infer(nodes) -> tuple[dict[str, Edge], list[str]]:
    edges: dict[str, Edge] = {}
    faults, seen = [], set()
    for index, node in enumerate(nodes):
        here = [*_naming_faults(node, seen)]
        seen.add(node.name)
        if not here and all(name in edges for name in node.inputs):
            ins = [edges[name] for name in node.inputs]
            here = node.faults(*ins)
            if not here:
                edges[node.name] = node.infer(*ins)
        faults += [f"node {index} '{node.name}': {fault}" for fault in here]
    return edges, faults


def _naming_faults(node: Node, seen: set[str]):
    if not NAME.match(node.name):
        yield f"name must start with a letter and hold letters, digits, '_', '-', not {node.name!r}"
    if node.name in seen:
        yield "name must be used once"
    if len(node.inputs) != node.arity:
        yield f"{node.kind} must read {node.arity} node(s), not {len(node.inputs)}"
    for name in node.inputs:
        if name not in seen:
            yield f"input must be an earlier node, not '{name}'"
