"""Networks whose weights may be exchanged, and what must be the same in those that follow."""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace

import numpy as np

from ..numeric import SpecError
from .laid_out import laid_out
from .matrices import (
    Dense,
    Loaded,
    LoadedPerChannel,
    LoadedPowerSums,
    LoadedShared,
    PerChannel,
    PowerSums,
    Shared,
)
from .network import CheckError, Network
from .nodes import MatVec, Threshold

__all__ = ["LOADED_KINDS", "replaced", "with_loaded"]

LOADED_KINDS = {Dense: Loaded, PowerSums: LoadedPowerSums, Shared: LoadedShared,
                PerChannel: LoadedPerChannel}
"""Kind of a matrix -> that of the same whose entries may be exchanged."""


def with_loaded(network: Network, choices: Mapping[str, bool]) -> Network:
    """``network`` with the matrices of some nodes loaded (True), as :class:`Loaded`, or not.

    The values of all nodes are the same; the ranges of edges are those of any weights.

    Raises
    ------
    SpecError    If a matrix is of a kind that stores something else than its entries, or a later
                 node does not take the ranges that any weights give.
    """
    nodes = tuple(_as_loaded(node, choices[node.name]) if node.name in choices else node
                  for node in network.nodes)
    if all(new is old for new, old in zip(nodes, network.nodes, strict=True)):
        return network
    try:
        return Network(network.name, nodes, network.outputs, network.meta)
    except CheckError as error:
        faults = "; ".join(error.faults)
        raise SpecError(f"network '{network.name}': weights that are loaded must leave every node"
                        f" in its range, whatever they are, but {faults}") from error


def _as_loaded(node: MatVec, is_loaded: bool, **more) -> MatVec:
    matrix = node.weights
    if node.is_loaded == is_loaded:
        return node
    kinds = LOADED_KINDS if is_loaded else {loaded: kind for kind, loaded in LOADED_KINDS.items()}
    kind = kinds.get(type(matrix))
    if kind is None:
        known = ", ".join(f"'{each.kind}'" for each in kinds)
        raise SpecError(f"node '{node.name}': weights that are loaded must be a matrix of kind"
                        f" {known}, not '{matrix.kind}'")
    try:
        values = {field.name: getattr(matrix, field.name) for field in fields(_plain(matrix))}
        return replace(node, weights=kind(**values, **more), bias_bits=None)
    except SpecError as error:
        raise SpecError(f"node '{node.name}': {error}") from error


def replaced(network: Network, other: Network, *, thresholds: Collection[str] = ()) -> Network:
    """``network`` with the loaded weights, and their biases, of ``other``.

    Parameters
    ----------
    network, other : Network
    thresholds : collection of str
        Names of the :class:`~hwgen.ir.Threshold` nodes whose thresholds and inversions are loaded
        with the weights before them: those of a stage that compares.

    Raises
    ------
    SpecError    If ``other`` differs in anything else than these and its name: in a node, a format,
                 a number that stays in the hardware; or if a bias is outside its range.
    """
    other = laid_out(other)
    if len(network.nodes) != len(other.nodes):
        raise SpecError(f"network '{other.name}' must have the {len(network.nodes)} nodes of"
                        f" '{network.name}', not {len(other.nodes)}")
    nodes = [_exchanged(network, old, new, other.name, old.name in thresholds)
             for old, new in zip(network.nodes, other.nodes, strict=True)]
    return Network(network.name, tuple(nodes), network.outputs, other.meta)


def _exchanged(network, old, new, other, has_thresholds):
    """``new``, which may differ from ``old`` in what is loaded alone."""
    loaded = isinstance(old, MatVec) and old.is_loaded
    if loaded and isinstance(new, MatVec) and _plain(new.weights) is _plain(old.weights):
        _require_range(network, old, new)
        held = {what: getattr(old.weights, what) for what in ("bits", "most")
                if isinstance(old.weights, LoadedShared)}
        new = replace(_as_loaded(_as_loaded(new, False), True, **held),
                      bias_bits=_bias_bits(network, old))
    free = {"weights", "bias", "bias_bits"} if loaded else set()
    if has_thresholds and isinstance(old, Threshold):
        free = {"thresholds", "invert"}
    _require_same(old, new, other, free)
    return new


def _plain(matrix):
    """The kind of a matrix, or that of which it is the loaded one."""
    return next((kind for kind, loaded in LOADED_KINDS.items() if type(matrix) is loaded),
                type(matrix))


def _bias_bits(network, node) -> int | None:
    """Bits of a bias in the hardware of ``node``."""
    most = node.bias_range(network.edges[node.inputs[0]])[1]
    return None if node.bias is None else most.bit_length() + 1


def _require_range(network, old, new):
    if new.weights.structure != old.weights.structure:
        raise SpecError(f"node '{old.name}': weights must be {old.weights.structure}, as the"
                        f" hardware has them, not {new.weights.structure}")
    if (new.bias is None) != (old.bias is None):
        there = "there, as it is" if new.bias is None else "left out, as it is not"
        raise SpecError(f"node '{old.name}': bias must be {there} in the hardware")
    least, most = old.bias_range(network.edges[old.inputs[0]])
    if new.bias is not None and not least <= int(new.bias.min()) <= int(new.bias.max()) <= most:
        raise SpecError(f"node '{old.name}': biases must be in {least}..{most}, which the hardware"
                        f" has the bits for, not {int(new.bias.min())}..{int(new.bias.max())}")


def _require_same(old, new, other: str, free: set[str]):
    """Every field of both nodes but those that are ``free``."""
    if type(old) is not type(new):
        raise SpecError(f"node '{new.name}' must be a {old.kind}, as the hardware has it in that"
                        f" place, not a {new.kind}")
    for field in fields(old):
        left, right = getattr(old, field.name), getattr(new, field.name)
        if field.name not in free and not _equal(left, right):
            raise SpecError(f"node '{old.name}': {field.name} must be as the hardware has it, since"
                            f" it is not loaded, and is another in"
                            f" network '{other}'")
        if field.name == "weights" and type(left) is not type(right):
            raise SpecError(f"node '{old.name}': weights must be a matrix of kind"
                            f" '{_plain(left).kind}', not '{right.kind}'")


def _equal(left, right) -> bool:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return np.array_equal(left, right)
    if type(left) is type(right) and hasattr(left, "to_dense"):
        return all(_equal(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return left == right
