"""A network's nodes grouped into stages: which nodes share a core, and what hardware can follow."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from ..ir import (
    Add,
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
    WindowMax,
    WindowSum,
)
from ..numeric import SpecError
from .stages import (
    AddStage,
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

__all__ = ["assemble", "sole_readers"]


def assemble(network: Network, *,
             mat_vec: Callable[[MatVec, Edge, Node | None], Stage],
             thermometer: Callable[[Thermometer, Edge], ThermometerStage],
             window: Callable[[SlidingWindow, Edge], WindowStage],
             pool: Callable[[MaxPool | SumPool, Edge], PoolStage],
             window_pool: Callable[[WindowMax | WindowSum, Edge], Stage],
             threshold: Callable[[Threshold, Edge], ThresholdStage],
             requantise: Callable[[Requantise, Edge], RequantiseStage],
             table: Callable[[Table, Edge], TableStage],
             piecewise: Callable[[Piecewise, Edge], PiecewiseStage],
             add: Callable[[Add, tuple[Edge, ...]], AddStage]) -> tuple[Stage, ...]:
    """Stages for all nodes but the input, each behind those that it reads.

    A matrix and the threshold or requantise that alone reads it share a stage, which ``mat_vec``
    makes from both and the edge that is read, or of the matrix alone; ``thermometer``, ``window``,
    ``pool``, ``window_pool``, ``threshold``, ``requantise``, ``table``, ``piecewise`` and ``add``
    make those of their nodes. A flatten has none: elements travel in its order.

    Raises
    ------
    SpecError    If a node is read by none, an argmax is not the last node, or the outputs are not
                 the scores and the class.
    """
    _require_outputs(network)
    alone = sole_readers(network)
    makers = {Thermometer: thermometer, SlidingWindow: window, MaxPool: pool, SumPool: pool,
              WindowMax: window_pool, WindowSum: window_pool,
              Threshold: threshold, Requantise: requantise, Table: table, Piecewise: piecewise,
              Argmax: ArgmaxStage}
    stages: list[Stage] = []
    shared: set[Node] = set()       # stand in a stage with the matrix in front of them
    for node in network.nodes[1:]:
        edges = tuple(network.edges[name] for name in node.inputs)
        if node in shared or isinstance(node, Flatten):
            continue
        if isinstance(node, MatVec):
            post = alone.get(node.name)
            post = post if isinstance(post, Threshold | Requantise) else None
            stages.append(mat_vec(node, edges[0], post))
            shared |= {post} & set(stages[-1].nodes)
        elif isinstance(node, Add):
            stages.append(add(node, edges))
        else:
            stages.append(makers[type(node)](node, edges[0]))
    return tuple(stages)


def sole_readers(network: Network) -> Mapping[str, Node]:
    """The node that reads each node, by the name of that, where there is only one."""
    readers = _readers(network)
    return {name: nodes[0] for name, nodes in readers.items() if len(nodes) == 1}


def _readers(network):
    readers = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    return readers


def _require_outputs(network):
    """The hardware sends the scores and then the class, so these must be the outputs."""
    last = network.nodes[-1]
    for node, following in zip(network.nodes, network.nodes[1:], strict=False):
        if isinstance(node, Argmax):
            raise SpecError(f"node '{node.name}': an argmax must be the last node,"
                            f" not before '{following.name}'")
    expected = (*last.inputs, last.name) if isinstance(last, Argmax) else (last.name,)
    if network.outputs != expected:
        raise SpecError(f"network '{network.name}': outputs must be {list(expected)},"
                        f" not {list(network.outputs)}")
    readers = _readers(network)
    for node in network.nodes[:-1]:
        if not readers[node.name]:
            raise SpecError(f"node '{node.name}' must be read by a later node, as a design has one"
                            f" output, that of '{last.name}': leave it out, or add it to another"
                            f" value")
