"""Every bit that a network stores, part by part."""

from dataclasses import dataclass

import numpy as np

from hwgen.ir import (
    Dense,
    MatVec,
    Network,
    PerChannel,
    Piecewise,
    Requantise,
    Shared,
    Table,
    Threshold,
)
from hwgen.numeric import Codebook, Fixed

from .storage import STORAGES, Storage, bits_for, fewest, signed_bits

__all__ = ["Account", "Entry", "account_of", "matrix_bits"]

FLOAT_BITS = 32
"""Of a parameter of the module that it all began with."""


@dataclass(frozen=True)
class Entry:
    """Bits of one part of one node.

    Members
    -------
    node : str
    part : str       weights, index, padding, pointers, codebook, bias, thresholds, ...
    bits : int
    storage : str    of a matrix: one of STORAGES
    """

    node: str
    part: str
    bits: int
    storage: str = ""


@dataclass(frozen=True)
class Account:
    """What a network stores, and what its origin did.

    Members
    -------
    entries : tuple of Entry
    parameters : int          of the float module
    nonzeros, weights : int   entries of all matrices that are not 0, and all
    """

    entries: tuple[Entry, ...]
    parameters: int
    nonzeros: int
    weights: int

    @property
    def bits(self) -> int:
        """Of everything."""
        return sum(entry.bits for entry in self.entries)

    @property
    def float_bits(self) -> int:
        """Of the float module's parameters."""
        return self.parameters * FLOAT_BITS

    @property
    def ratio(self) -> float:
        """By which it is smaller."""
        return self.float_bits / self.bits

    @property
    def by_part(self) -> dict[str, int]:
        """Bits of each part over all nodes."""
        parts: dict[str, int] = {}
        for entry in self.entries:
            parts[entry.part] = parts.get(entry.part, 0) + entry.bits
        return parts

    @property
    def by_node(self) -> dict[str, int]:
        """Bits of each node."""
        nodes: dict[str, int] = {}
        for entry in self.entries:
            nodes[entry.node] = nodes.get(entry.node, 0) + entry.bits
        return nodes

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {"bits": self.bits, "float_bits": self.float_bits, "ratio": round(self.ratio, 3),
                "parameters": self.parameters, "weights": self.weights, "nonzeros": self.nonzeros,
                "by_part": self.by_part, "by_node": self.by_node,
                "storage": {e.node: e.storage for e in self.entries if e.storage}}


def account_of(network: Network, storage=None, parameters: int = 0) -> Account:
    """The account of a network.

    Parameters
    ----------
    network : Network
    storage : mapping of node name to storage or its name, optional
        Of the matrices; where it has none, the fewest bits that a core reads.
    parameters : int    of the float module
    """
    entries, nonzeros, weights = [], 0, 0
    for node in network.nodes:
        if isinstance(node, MatVec):
            chosen = (storage or {}).get(node.name)
            entries += _matrix(node, chosen)
            values = _values(node.weights)
            nonzeros += int(np.count_nonzero(values))
            weights += values.size
        else:
            entries += [Entry(node.name, part, bits) for part, bits in _others(node).items()
                        if bits]
    return Account(tuple(entries), parameters, nonzeros, weights)


def matrix_bits(values, entry_bits: int, kind: str | Storage | None) -> tuple[str, dict[str, int]]:
    """Name of a matrix's storage, the fewest bits where it is None, and the bits of its parts."""
    storage = STORAGES[kind] if isinstance(kind, str) else kind or fewest(values, entry_bits)
    return storage.kind, storage.parts(values, entry_bits)


def _values(matrix):
    """What is given of a matrix: of a depthwise one, the windows alone."""
    return matrix.values if isinstance(matrix, PerChannel) else matrix.to_dense()


def _matrix(node: MatVec, kind: str | Storage | None):
    fmt, values = node.weights.format, _values(node.weights)
    entry_bits = signed_bits(values) if isinstance(fmt, Codebook) else fmt.bits
    if kind is None and not isinstance(node.weights, Dense | Shared | PerChannel):
        parts, kind = {"weights": node.weights.stored_bits}, node.weights.kind
    else:
        kind, parts = matrix_bits(values, entry_bits, kind)
    entries = [Entry(node.name, part, bits, kind) for part, bits in parts.items()]
    if node.bias is not None:
        ends = Fixed.covering(min(0, int(node.bias.min())), int(node.bias.max()))
        entries.append(Entry(node.name, "bias", node.bias.size * ends.bits))
    return entries


def _others(node) -> dict[str, int]:
    if isinstance(node, Threshold):
        return {"thresholds": node.table.size * signed_bits(node.table),
                "inversions": node.invert.size if node.invert.any() else 0}
    if isinstance(node, Requantise):
        return _scales(node)
    if isinstance(node, Table):
        return {"table": len(node.values) * node.format.bits}
    if isinstance(node, Piecewise):
        return {"table": len(node.bases) * (signed_bits(node.bases) + signed_bits(node.slopes))}
    return {}


def _scales(node: Requantise) -> dict[str, int]:
    """Multipliers and shifts where channels differ; one for all is part of the logic."""
    multipliers, shifts = (np.atleast_1d(each) for each in (node.multiplier, node.shift))
    bits = 0
    for each in (multipliers, shifts):
        bits += each.size * bits_for(int(each.max()) + 1) if each.size > 1 else 0
    return {"scales": bits}
