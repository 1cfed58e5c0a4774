"""A whole network on an EIE engine: all its layers on one core, weights loaded by stream."""

from typing import NamedTuple

import numpy as np

from ..emit.engines.eie import EieWork, through
from ..golden.run import GOLDEN
from ..host.eie import EieHost, Exchange
from ..host.eie_layer import SparseLayer
from ..ir import MatVec, Network, Requantise
from ..numeric import SpecError
from ..plan.engines import EieSpec
from ..plan.engines.eie_timing import EieTiming

__all__ = ["Parts", "network_cycles", "parts_of", "run_network", "work_of"]

ROUNDINGS = ("half_up", "floor")
"""What an addition to the bias does."""


class Parts(NamedTuple):
    """Where a network is cut.

    Members
    -------
    before : tuple of Node        for the host, in front of the first matrix; the input first
    layers : tuple of SparseLayer for the engine
    engine : tuple of Node        what these are of, in order
    after : tuple of Node         for the host again
    """

    before: tuple
    layers: tuple
    engine: tuple
    after: tuple


def parts_of(network: Network, *, thresholds=None) -> Parts:
    """The layers of ``network`` for an EIE engine, and what is left for its host.

    A layer is a matrix and the requantisation that follows it; without one its sums must have a
    place among the engine's activations. A multiplier is in the weights, what rounds and a zero
    point in the biases: ``(w m) x + (b m + 2**(s - 1) + z 2**s)``, so that the engine's shift,
    which floors, gives the same. Nodes in front of the first matrix and behind the last layer are
    the golden model's, on the host.

    Parameters
    ----------
    network : Network
    thresholds : mapping of a matrix's name to int, optional    for an engine with ``delta``

    Raises
    ------
    SpecError    If there is no matrix, or something between two of them that is no layer, or a
                 requantisation whose numbers the engine cannot give exactly; with the node's name;
                 or if a threshold is of no matrix.
    """
    nodes = list(network.nodes)
    matrices = [k for k, node in enumerate(nodes) if isinstance(node, MatVec)]
    if not matrices:
        raise SpecError(f"network '{network.name}' must have a matrix for an engine, it has none")
    names = [nodes[k].name for k in matrices]
    unknown = [name for name in thresholds or {} if name not in names]
    if unknown:
        raise SpecError(f"thresholds must be of matrices, {names}, not of '{unknown[0]}'")
    first, last = matrices[0], matrices[-1]
    narrows = last + 1 < len(nodes) and isinstance(nodes[last + 1], Requantise)
    engine = nodes[first:last + 1 + narrows]
    layers, thresholds = [], thresholds or {}
    for node, following in zip(engine, [*engine[1:], None], strict=True):
        _require_in_chain(network, node, engine)
        if isinstance(node, MatVec):
            post = following if isinstance(following, Requantise) else None
            layers.append(_layer(network, node, post, thresholds.get(node.name, 0)))
        elif not isinstance(node, Requantise):
            raise SpecError(f"{node.path}: must be a matrix or a requantisation between two"
                            f" matrices, which is what the engine computes, not {node.kind}")
    _require_alone(network, engine, nodes[last + 1 + narrows:])
    return Parts(tuple(nodes[:first]), tuple(layers), tuple(engine),
                 tuple(nodes[last + 1 + narrows:]))


def _require_in_chain(network, node, engine):
    shape = network.edges[node.inputs[0]].shape
    if len(shape) != 1:
        raise SpecError(f"{node.path}: input must be a vector (n,), as the engine's layers are of"
                        f" vectors, not {shape}: convolutions are not for this engine, 'hwgen"
                        f" generate' takes them")
    before = engine[engine.index(node) - 1].name if node is not engine[0] else node.inputs[0]
    if node.inputs != (before,):
        raise SpecError(f"{node.path}: must read '{before}' alone, as layers follow one another,"
                        f" not {list(node.inputs)}")
    if isinstance(node, Requantise) and not isinstance(engine[engine.index(node) - 1], MatVec):
        raise SpecError(f"{node.path}: must follow a matrix, not '{before}'")


def _require_alone(network, engine, after):
    """What the engine keeps to itself nobody else may want."""
    inside = {node.name for node in engine[:-1]}
    wanted = {name for node in after for name in node.inputs} | set(network.outputs)
    for name in sorted(inside & wanted):
        raise SpecError(f"{network.node(name).path}: must be read by the next layer alone, as it"
                        f" does not leave the engine")


def _layer(network, node, post, threshold) -> SparseLayer:
    edge = network.edges[node.name]
    weights, bias = node.weights.to_dense(), node.bias_or_zero
    if post is None:
        return SparseLayer(node.name, weights, bias, 0, edge.lo, edge.hi, threshold)
    multipliers, shifts = (set(np.asarray(v).reshape(-1).tolist())
                           for v in (post.multiplier, post.shifts))
    for what, values in (("multiplier", multipliers), ("shift", shifts)):
        if len(values) > 1:
            raise SpecError(f"{post.path}: {what} must be one for all channels, as the layer has"
                            f" one codebook and one shift, not {sorted(values)}")
    multiplier, shift = multipliers.pop(), shifts.pop()
    if post.rounding not in ROUNDINGS and not (shift == 0 and not post.is_doubling):
        raise SpecError(f"{post.path}: rounding must be one of {list(ROUNDINGS)}, which the bias"
                        f" can do, not {post.rounding!r}")
    if post.slope_shift:
        raise SpecError(f"{post.path}: slope_shift must be 0, as the engine shifts both signs"
                        f" alike, not {post.slope_shift}")
    half = 1 << shift - 1 if post.rounding == "half_up" and shift else 0
    bias = bias * multiplier + half + (post.zero_point << shift)
    return SparseLayer(node.name, weights * multiplier, bias, shift, post.least, post.most,
                       threshold)


def work_of(network: Network, x, *, huffman: bool = False, thresholds=None) -> EieWork:
    """The layers of ``network``, and what they are given for integers ``x`` ``(n, *shape)``.

    For :func:`hwgen.flow.engine.build_engine` and ``verify_engine``.
    """
    parts = parts_of(network, thresholds=thresholds)
    values = {network.input.name: GOLDEN["input"](network.input, x)}
    _compute(parts.before[1:], values)
    return EieWork(parts.layers, values[parts.engine[0].inputs[0]], huffman)


def run_network(network: Network, x, host: EieHost, exchange: Exchange, *,
                huffman: bool = False, thresholds=None) -> dict[str, np.ndarray]:
    """What leaves ``network``, and what the engine gives, for integers ``x`` ``(n, *shape)``.

    Parameters
    ----------
    network : Network
    x : integers (n, *shape)      with ``thresholds`` the steps of one sequence
    host : EieHost
    exchange : callable           see :meth:`EieHost.run`
    huffman : bool                whether entries are sent as Huffman codes
    thresholds : mapping, optional

    Returns
    -------
    dict    int64 ``(n, *edge.shape)`` of each node that is not inside the engine.

    Raises
    ------
    SpecError       As of :func:`parts_of` and :meth:`EieHost.program`.
    RuntimeError    If the engine told an error.
    """
    parts = parts_of(network, thresholds=thresholds)
    program = host.program(parts.layers, huffman=huffman)
    values = {network.input.name: GOLDEN["input"](network.input, x)}
    _compute(parts.before[1:], values)
    vectors = values[parts.engine[0].inputs[0]]
    values[parts.engine[-1].name] = host.run(program.words, vectors, parts.layers[-1].n_out,
                                             exchange)
    _compute(parts.after, values)
    return values


def _compute(nodes, values):
    for node in nodes:
        values[node.name] = GOLDEN[node.kind](node, *(values[name] for name in node.inputs))


def network_cycles(spec: EieSpec, network: Network, x, *, huffman: bool = False,
                   thresholds=None) -> list[int]:
    """The cycle in which each vector's last result leaves, weights loaded in front: exact.

    With ``delta`` the vectors are the steps of one sequence, with ``thresholds`` as of
    :func:`run_network`.

    Raises
    ------
    SpecError    As of :func:`run_network`.
    """
    layers, vectors, _ = work_of(network, x, huffman=huffman, thresholds=thresholds)
    program = EieHost.from_manifest(spec.to_dict()).program(layers, huffman=huffman)
    _, sent = through(layers, vectors, lanes=spec.lanes, delta=spec.delta)
    timing = EieTiming(spec, program.counts, [layer.n_out for layer in layers])
    return timing.ends(sent, program.steps)
