"""Every bit that a network stores, part by part, and what the memories of its cores hold."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwgen.ir import (
    MatVec,
    Network,
    PerChannel,
    Piecewise,
    Requantise,
    Structured,
    Table,
    Threshold,
    laid_out,
)
from hwgen.numeric import Codebook, Fixed

from .cores import Core, OfPlanes, core_of, stored_bits
from .planes import between_bits, start_bits, threshold_bits
from .storage import STORAGES, Storage

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
    storage : str    of a matrix: how it is stored
    """

    node: str
    part: str
    bits: int
    storage: str = ""


@dataclass(frozen=True)
class Account:
    """What a network stores, and what its origin did.

    Entries are as steps chose to store matrices (a Huffman code), or as the matrix has them (the
    few numbers of a structured one), or else as the cores store them. Those that are held are as
    the cores do in any case: as their memories of constants are generated for the cores that are
    taken unless told otherwise, or for the elements that the step ``code`` was told. What depends
    on a folding is left out: a table of a function, and channels of numbers behind no matrix, count
    once, though each lane may have them; elements are one unless told, with absolute indices; a
    plan may choose more elements and other indices where that saves blocks of its board, or weights
    that are logic.

    Members
    -------
    entries : tuple of Entry
    parameters : int          of the float module
    nonzeros, weights : int   entries of all matrices that are not 0, and all
    held : tuple of Entry     as the memories of the cores hold them
    """

    entries: tuple[Entry, ...]
    parameters: int
    nonzeros: int
    weights: int
    held: tuple[Entry, ...]

    @property
    def bits(self) -> int:
        """Of everything."""
        return sum(entry.bits for entry in self.entries)

    @property
    def memory_bits(self) -> int:
        """Of everything, as the memories of the cores hold it; see above."""
        return sum(entry.bits for entry in self.held)

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
        return _sums((entry.part, entry.bits) for entry in self.entries)

    @property
    def by_node(self) -> dict[str, int]:
        """Bits of each node."""
        return _sums((entry.node, entry.bits) for entry in self.entries)

    def to_dict(self) -> dict:
        """Ready for JSON."""
        return {"bits": self.bits, "memory_bits": self.memory_bits, "float_bits": self.float_bits,
                "ratio": round(self.ratio, 3), "parameters": self.parameters,
                "weights": self.weights, "nonzeros": self.nonzeros, "by_part": self.by_part,
                "by_node": self.by_node, "storage": _storages(self.entries),
                "memory_by_part": _sums((entry.part, entry.bits) for entry in self.held),
                "memory_storage": _storages(self.held)}


def _sums(pairs) -> dict[str, int]:
    total: Counter = Counter()
    for name, bits in pairs:
        total[name] += bits
    return dict(total)


def _storages(entries) -> dict[str, str]:
    return {entry.node: entry.storage for entry in entries if entry.storage}


def account_of(network: Network, storage=None, parameters: int = 0) -> Account:
    """The account of a network; weights that are loaded count as these constants.

    Parameters
    ----------
    network : Network
    storage : mapping of node name to storage or its name, optional
        Of the matrices; where it has none, that of a structured one is its own, and that of another
        is of the core which takes it unless told otherwise.
    parameters : int    of the float module
    """
    chosen = {name: STORAGES[kind] if isinstance(kind, str) else kind
              for name, kind in (storage or {}).items() if kind is not None}
    plain = laid_out(network)
    counted = _Counted(plain, {name: own.held for name, own in chosen.items() if own.held})
    entries, held = [], []
    for node, of_core in zip(network.nodes, plain.nodes, strict=True):
        if isinstance(node, MatVec):
            as_held = counted.matrix(of_core)
            held += as_held
            own, weights = chosen.get(node.name), node.weights
            if own:
                entries += _as(own, node)
            elif isinstance(weights, Structured):
                entries += _entries(node, weights.stored_parts, weights.kind)
            else:
                entries += as_held
        beside = _entries(node, counted.beside(of_core))
        entries += beside
        held += beside
    values = [_values(node.weights) for node in network.nodes if isinstance(node, MatVec)]
    return Account(tuple(entries), parameters, sum(int(np.count_nonzero(each)) for each in values),
                   sum(each.size for each in values), tuple(held))


def matrix_bits(values, entry_bits: int, storage: str | Storage) -> int:
    """Bits of a matrix: of ``values`` int64 (n_out, n_in), a plain entry of ``entry_bits``."""
    storage = STORAGES[storage] if isinstance(storage, str) else storage
    return storage.bits(values, entry_bits)


def _values(matrix):
    """What is given of a matrix: of a depthwise one, the windows alone."""
    return matrix.values if isinstance(matrix, PerChannel) else matrix.to_dense()


def _entries(node, parts: dict[str, int], storage: str = "") -> list[Entry]:
    return [Entry(node.name, part, bits, storage) for part, bits in parts.items() if bits]


def _as(storage: Storage, node: MatVec) -> list[Entry]:
    """A matrix in a storage that a step chose; signs and the like take the bits of their codes."""
    fmt, values = node.weights.format, _values(node.weights)
    entry_bits = stored_bits(fmt) if isinstance(fmt, Codebook) else fmt.bits
    return _entries(node, storage.parts(values, entry_bits), storage.kind)


@dataclass(frozen=True, eq=False)
class _Counted:
    """What the cores hold of each node of a network.

    Parameters
    ----------
    network : Network
    told : dict    by matrix node, what a core holds that is told how to be folded
    """

    network: Network
    told: dict[str, Storage]

    @cached_property
    def cores(self) -> dict[str, Core]:
        """By matrix node, the core that takes it; of those that are not told."""
        return {node.name: core_of(node, self._x(node), self._post(node))
                for node in self.network.nodes
                if isinstance(node, MatVec) and node.name not in self.told}

    def matrix(self, node: MatVec) -> list[Entry]:
        """A matrix without its biases."""
        if node.name in self.told:
            return _as(self.told[node.name], node)
        core = self.cores[node.name]
        return _entries(node, core.parts(node, self._x(node)), core.kind)

    def beside(self, node) -> dict[str, int]:
        """What is stored beside a matrix, or of a node that has none."""
        if isinstance(node, MatVec):
            return {"bias": self._bias(node)}
        if isinstance(node, Threshold):
            return {"thresholds": self._thresholds(node)}
        if isinstance(node, Requantise):
            return {"scales": _scales(node)}
        if isinstance(node, Table):
            return {"table": len(node.values) * node.format.bits}
        if isinstance(node, Piecewise):
            return {"table": len(node.bases) * (_covering(node.bases) + _covering(node.slopes))}
        return {}

    def _x(self, node):
        """The edge that a node reads."""
        return self.network.edges[node.inputs[0]]

    def _post(self, node):
        """The node that reads ``node``, if it is the only one."""
        readers = [each for each in self.network.nodes if node.name in each.inputs]
        return readers[0] if len(readers) == 1 else None

    def _is_of_planes(self, node: MatVec) -> bool:
        return isinstance(self.cores.get(node.name), OfPlanes)

    def _bias(self, node: MatVec) -> int:
        """Biases; sums of planes start from them, or have them in the thresholds that follow."""
        if self._is_of_planes(node):
            is_compared = isinstance(self._post(node), Threshold)
            return 0 if is_compared else start_bits(node, self._x(node).format)
        if node.bias is None:
            return 0
        count = node.bias.size
        if node.name in self.told:
            count = self.told[node.name].outputs(count)
        return count * _covering(np.append(node.bias, 0))

    def _thresholds(self, node: Threshold) -> int:
        """Thresholds and inversions: of sums of planes, or of what there is in front of them."""
        before = self.network.node(node.inputs[0])
        if (isinstance(before, MatVec) and self._post(before) is node
                and self._is_of_planes(before)):
            return threshold_bits(before, self._x(before).format, node)
        return between_bits(node, self._x(node))


def _covering(values) -> int:
    """Bits of a format that holds all of them."""
    return Fixed.covering(int(values.min()), int(values.max())).bits


def _scales(node: Requantise) -> int:
    """Multipliers and shifts where channels differ; one for all is part of the logic.

    Shifts to the right are stored as what is left to the longest; to the left where it rounds
    twice.
    """
    shifts = node.shifts
    n = max(node.multiplier.size, shifts.size)
    multipliers = _covering(node.multiplier) if len(np.unique(node.multiplier)) > 1 else 0
    aligned = [np.maximum(shifts, 0)] + [np.maximum(-shifts, 0)] * node.is_doubling
    return n * (multipliers + sum((len(np.unique(each)) - 1).bit_length() for each in aligned))
