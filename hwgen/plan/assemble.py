"""A network's nodes grouped into stages: which nodes share a core, and what hardware can follow."""

from collections.abc import Callable

from ..ir import (
    Argmax,
    Edge,
    Flatten,
    MatVec,
    MaxPool,
    Network,
    Node,
    Piecewise,
    Requantise,
    SlidingWindow,
    SumPool,
    Table,
    Thermometer,
    Threshold,
)
from ..numeric import SpecError
from .stages import (
    ArgmaxStage,
    PiecewiseStage,
    PoolStage,
    RequantiseStage,
    Stage,
    TableStage,
    ThermometerStage,
    ThresholdStage,
    WindowStage,
)

__all__ = ["assemble"]


def assemble(network: Network, *,
             mat_vec: Callable[[MatVec, Edge, Node | None], Stage],
             thermometer: Callable[[Thermometer, Edge], ThermometerStage],
             window: Callable[[SlidingWindow, Edge], WindowStage],
             pool: Callable[[MaxPool | SumPool, Edge], PoolStage],
             threshold: Callable[[Threshold, Edge], ThresholdStage],
             requantise: Callable[[Requantise, Edge], RequantiseStage],
             table: Callable[[Table, Edge], TableStage],
             piecewise: Callable[[Piecewise, Edge], PiecewiseStage]) -> tuple[Stage, ...]:
    """Stages for all nodes but the input, in order.

    A matrix and the threshold or requantise behind it share a stage, which ``mat_vec`` makes from
    both and the edge that is read, or of the matrix alone; ``thermometer``, ``window``, ``pool``,
    ``threshold``, ``requantise``, ``table`` and ``piecewise`` make those of their nodes. A flatten
    has none: elements travel in its order.

    Raises
    ------
    SpecError    If the network branches, an argmax is not the last node, or the outputs are not the
                 scores and the class.
    """
    _require_outputs(network)
    stages: list[Stage] = []
    nodes, previous = list(network.nodes[1:]), network.nodes[0]
    while nodes:
        node = nodes.pop(0)
        _require_chain(node, previous)
        edge = network.edges[previous.name]
        previous = node
        if isinstance(node, MatVec):
            post = nodes[0] if nodes and isinstance(nodes[0], Threshold | Requantise) else None
            if post is not None:
                _require_chain(post, node)
            stages.append(mat_vec(node, edge, post))
            if post in stages[-1].nodes:
                previous = nodes.pop(0)
        elif isinstance(node, Thermometer):
            stages.append(thermometer(node, edge))
        elif isinstance(node, SlidingWindow):
            stages.append(window(node, edge))
        elif isinstance(node, MaxPool | SumPool):
            stages.append(pool(node, edge))
        elif isinstance(node, Threshold):
            stages.append(threshold(node, edge))
        elif isinstance(node, Requantise):
            stages.append(requantise(node, edge))
        elif isinstance(node, Table):
            stages.append(table(node, edge))
        elif isinstance(node, Piecewise):
            stages.append(piecewise(node, edge))
        elif isinstance(node, Flatten):
            continue
        elif isinstance(node, Argmax):
            if nodes:
                raise SpecError(f"node '{node.name}': an argmax must be the last node,"
                                f" not before '{nodes[0].name}'")
            stages.append(ArgmaxStage(node, edge))
    return tuple(stages)


def _require_chain(node, previous):
    if node.inputs != (previous.name,):
        raise SpecError(f"node '{node.name}' must read the node before it, '{previous.name}',"
                        f" not {list(node.inputs)}: branches have no hardware yet")


def _require_outputs(network):
    """The hardware sends the scores and then the class, so these must be the outputs."""
    last = network.nodes[-1]
    expected = (*last.inputs, last.name) if isinstance(last, Argmax) else (last.name,)
    if network.outputs != expected:
        raise SpecError(f"network '{network.name}': outputs must be {list(expected)},"
                        f" not {list(network.outputs)}")
