"""The order of rows that keeps sparse stages busiest, taken where the next layer can take it.

A step of the planner behind the choice of cores: see :func:`hwgen.plan.balanced`.
"""

from dataclasses import fields, replace

from ..ir import Network, Node
from ..numeric import SpecError
from .balance import balanced
from .design import Design
from .stages import MatVecStage, SparseStage, Stage

__all__ = ["reordered"]


def reordered(design: Design) -> Design:
    """The same function with rows of sparse stages dealt out evenly, where that makes one faster.

    What a stage computes is put into another order together with the columns of the next matrix,
    so that scores and classes are those of ``design``. Left as they are: the last matrix, one that
    is read by several nodes, by a pool or a window, by weights that are loaded or by a stage
    whose columns stand in groups, one of blocks of several rows, and one that would not take fewer
    cycles.
    """
    for number, stage in enumerate(design.stages):
        if isinstance(stage, SparseStage) and stage.row_elements > 1 and stage.block_rows == 1:
            network = _balanced(design.network, stage)
            if network is None or _reads_groups(design.stages[number + 1:], network):
                continue
            stages = tuple(_of_network(each, network) for each in design.stages)
            if stages[number].interval_cycles < stage.interval_cycles:
                design = replace(design, network=network, stages=stages)
    return design


def _balanced(network: Network, stage: SparseStage) -> Network | None:
    """The network with the rows of that stage dealt out; None where nothing can take the order."""
    try:
        return balanced(network, {stage.name: stage.row_elements})
    except SpecError:
        return None


def _reads_groups(behind, network: Network) -> bool:
    """Whether a stage behind has in groups what ``network`` has in another order."""
    return any(isinstance(each, MatVecStage) and each.columns_in_groups
               and network.node(each.name) is not each.mat_vec for each in behind)


def _of_network(stage: Stage, network: Network) -> Stage:
    """The stage with the nodes of ``network`` of the same names."""
    changes = {}
    for each in fields(stage):
        value = getattr(stage, each.name)
        if isinstance(value, Node) and network.node(value.name) is not value:
            changes[each.name] = network.node(value.name)
    return replace(stage, **changes) if changes else stage
