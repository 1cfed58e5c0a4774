"""A whole network on an engine that multiplies matrices, layer by layer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..emit import read_manifest, write_engine
from ..golden.run import GOLDEN
from ..host.systolic import JobFrames, SystolicHost
from ..ir import MatVec, Network
from ..numeric import SpecError, as_int64
from ..plan.engines import SystolicSpec
from .artefact import ELABORATION
from .netlist import write_netlist

__all__ = ["build_engine", "layer_cycles", "run_layers", "verify_engine"]

CLK_HZ = 125_000_000
"""What netlists are made for, unplaced."""


def build_engine(spec, folder, *, name: str | None = None, products=None, progress=None):
    """Write the artefact of an engine: see :func:`hwgen.emit.write_engine`; the folder."""
    tell = progress and (lambda line: progress("generate", None, line))
    with ELABORATION:
        return write_engine(spec, folder, name=name, products=products, progress=tell)


def verify_engine(folder, *, netlist=None, progress=None, **options):
    """Run the engine's Verilog and compare every result: :func:`hwgen.verify.simulate_engine`.

    With ``netlist``, a board by name or file or a :class:`hwgen.synth.Device`, it is the engine's
    netlist for that device which runs.
    """
    from ..verify import simulate_engine

    folder, gates = Path(folder), None
    if netlist is not None:
        gates = write_netlist(folder, read_manifest(folder, "engine"), netlist, clk_hz=CLK_HZ,
                              progress=progress)
    return simulate_engine(folder, netlist=gates, progress=progress, **options)


def run_layers(network: Network, x, host: SystolicHost,
               exchange: Callable[[list[JobFrames]], list[bytes]]) -> dict[str, np.ndarray]:
    """Every value of ``network`` for integers ``x`` ``(n, *shape)``; its matrices by an engine.

    Each matrix is one product: the vectors of all inputs, and of all pixels, times the transposed
    weights. Biases and all other nodes are the golden model's, on the host. So no weights are in
    the hardware, and one engine runs every network whose numbers it can multiply.

    Parameters
    ----------
    network : Network
    x : integers ``(n, *shape)``
    host : SystolicHost
    exchange : callable(list of JobFrames) -> list of bytes    what is behind the engine's streams

    Returns
    -------
    dict    For each node int64 ``(n, *edge.shape)``, as :func:`hwgen.golden.run` has it.

    Raises
    ------
    SpecError    If a matrix is too large for the engine, or one of its values or inputs has no
                 place in its formats; before anything is sent to it, with the node's name.
    """
    _require_matrices(network, host)
    values = {network.input.name: GOLDEN["input"](network.input, x)}
    for node in network.nodes[1:]:
        operands = [values[name] for name in node.inputs]
        if not isinstance(node, MatVec):
            values[node.name] = GOLDEN[node.kind](node, *operands)
            continue
        vectors = operands[0].reshape(-1, operands[0].shape[-1])
        sums = host.multiply(vectors, node.weights.to_dense().T, exchange)
        values[node.name] = (sums + node.bias_or_zero).reshape(*operands[0].shape[:-1], -1)
    return values


def layer_cycles(network: Network, spec: SystolicSpec, n: int) -> dict[str, int]:
    """Cycles of each matrix of ``network`` on an engine for ``n`` inputs, without stalls.

    Raises
    ------
    SpecError    If one has more inputs than a sum of the engine can have terms.
    """
    cycles = {}
    for node in network.nodes:
        if isinstance(node, MatVec):
            n_out, n_in = node.weights.shape
            vectors = n * network.edges[node.inputs[0]].size // n_in
            cycles[node.name] = spec.cycles(vectors, n_in, n_out)
    return cycles


def _require_matrices(network, host):
    for node in network.nodes:
        if not isinstance(node, MatVec):
            continue
        edge, weights = network.edges[node.inputs[0]], node.weights.to_dense()
        ends = np.resize(as_int64([edge.lo, edge.hi], "range"), (2, weights.shape[1]))
        try:
            host.frames(ends, weights.T)
        except SpecError as error:
            raise SpecError(f"{node.path}: {error}") from error
