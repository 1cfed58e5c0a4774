"""A network and an EIE engine made to fit each other: sizes, depth of queues, order of rows."""

from dataclasses import replace

import numpy as np

from ..host.eie import EieHost
from ..host.eie_columns import shares_of
from ..ir import MatVec, Network, laid_out
from ..numeric import Fixed, SpecError
from ..plan.balance import balanced
from ..plan.engines import EieSpec
from ..plan.engines.eie_timing import HIT_CYCLES, EieTiming
from ..plan.stages.sparse_storage import bits_for
from .eie import parts_of

__all__ = ["DEPTHS", "dealt_out", "fitted_spec"]

DEPTHS = tuple((1 << bits) - 1 - HIT_CYCLES for bits in range(4, 7))
"""Depths of queues that fill their memories, which have a power of two of rows."""

FITTED = 1.02
"""How near the cycles with the deepest queues shallower ones must come."""


def dealt_out(network: Network, pe: int) -> Network:
    """The same function with the rows of hidden layers dealt out evenly over ``pe`` elements.

    Element ``k`` holds the rows ``i`` with ``i % pe == k``, and a layer takes as long as its
    fullest element: see :func:`hwgen.plan.balance.balanced`. Scores stay as they are. A layer whose
    order nothing behind it can take stays as it is.
    """
    network = laid_out(network)
    for node in network.nodes:
        if isinstance(node, MatVec) and node.weights.shape[0] > pe:
            try:
                network = balanced(network, {node.name: pe})
            except SpecError:
                continue
    return network


def fitted_spec(network: Network, *, pe: int, lanes: int, **more) -> EieSpec:
    """The least engine of so many elements that holds ``network``; ``more`` are other choices.

    Formats, codes, accumulators and all depths are what the network needs; the index has the bits
    with which entries take the fewest in all, unless ``index_bits`` is given. Queues are the
    shallowest of :data:`DEPTHS` with which a vector without zeros takes at most 2 % more cycles
    than with the deepest, unless ``queue_depth`` is given.

    Raises
    ------
    SpecError    As of :func:`~hwgen.flow.eie.parts_of`, or if a size is more than an engine can
                 have.
    """
    parts = parts_of(network)
    layers, edge = parts.layers, network.edges[parts.engine[0].inputs[0]]
    ends = [edge.lo, edge.hi, *(v for layer in layers[:-1] for v in (layer.low, layer.high))]
    x = more.setdefault("x", Fixed.covering(min(ends), max(ends)))
    weights = [layer.weights for layer in layers]
    more.setdefault("weights", Fixed.covering(min(int(w.min()) for w in weights),
                                              max(int(w.max()) for w in weights)))
    more.setdefault("code_bits", max(bits_for(len(np.union1d(w, [0]))) for w in weights))
    if "index_bits" not in more:
        code_bits = more["code_bits"]
        more["index_bits"] = min(range(1, 9), key=lambda bits: (code_bits + bits) * sum(
            len(share.runs) for layer in layers
            for share in shares_of(layer, pe=pe, code_bits=16, index_bits=bits)))
    reach = [(x.min, x.max), *((layer.low, layer.high) for layer in layers)]
    sums = [end for layer, ends in zip(layers, reach, strict=False) for end in layer.ends(*ends)]
    sums += [layers[-1].low, layers[-1].high]
    more.setdefault("accumulator_bits", max(
        8, Fixed.covering(min(-1, *sums), max(sums)).bits))
    rows = [-(-layer.n_out // pe) for layer in layers]
    more.setdefault("rows", sum(rows) if more.get("delta") else max(rows))
    columns = sum(-(-layer.n_in // lanes) * lanes + 1 for layer in layers)
    fills = [sum(len(share.codes) for share in element) for element in zip(*(
        shares_of(layer, pe=pe, code_bits=more["code_bits"], index_bits=more["index_bits"])
        for layer in layers), strict=True)]
    sizes = {"layers": len(layers), "columns": columns, "entries": max(1, *fills),
             "vector": max(max(layer.n_in, layer.n_out) for layer in layers),
             "biases": sum(-(-layer.n_out // lanes) for layer in layers)}
    spec = EieSpec(pe=pe, lanes=lanes, **sizes | more)
    return spec if "queue_depth" in more else replace(spec, queue_depth=_depth(spec, layers))


def _depth(spec, layers) -> int:
    """The shallowest queues that are deep enough for these layers."""
    program = EieHost.from_manifest(spec.to_dict()).program(layers)
    counts = program.counts
    sent = [np.ones((1, layer.n_in), bool) for layer in layers]

    def cycles(depth):
        return EieTiming(replace(spec, queue_depth=depth), counts,
                         [layer.n_out for layer in layers]).cycles(sent)

    most = FITTED * cycles(DEPTHS[-1])
    return next(depth for depth in DEPTHS if cycles(depth) <= most)
