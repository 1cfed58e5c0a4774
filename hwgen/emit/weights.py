"""Weights that are loaded while the hardware runs: their layout, and a network's as words."""

from collections.abc import Mapping

import numpy as np

from ..ir import Network, Threshold
from ..numeric import SpecError
from ..plan import Design
from ..plan.stages import MATRIX_CORES, MatVecStage
from ..plan.stages.loaded_memory import WORD_BITS

__all__ = ["describe_loaded", "weight_words"]


def describe_loaded(design: Design) -> dict:
    """Port, length of a set in words, and each memory with the byte at which it begins.

    ``stages`` says which cores these memories are in, and how they are folded; ``thresholds`` names
    the nodes whose thresholds are loaded with the weights before them: those that a core compares
    with.
    """
    memories, offset = [], 0
    for memory in design.loaded:
        memories.append(memory.to_dict() | {"offset": offset})
        offset += memory.words * WORD_BITS // 8
    stages = [stage for stage in design.stages if stage.loaded]
    return {"port": "s_axis_weights", "word_bits": WORD_BITS, "words": 8 * offset // WORD_BITS,
            "bytes": offset, "memories": memories,
            "stages": [{"core": stage.core, "nodes": [node.name for node in stage.nodes],
                        "folding": stage.folding} for stage in stages],
            "thresholds": [stage.post.name for stage in stages
                           if isinstance(stage.post, Threshold)]}


def weight_words(layout: Mapping, network: Network) -> np.ndarray:
    """The set that loads the weights of ``network``, and what follows from them, uint32 (words,).

    Each stage is built anew around the other network, folded as the hardware's is, and says itself
    what is in its memories.

    Parameters
    ----------
    layout : mapping      entry ``weights`` of the manifest
    network : Network     of the structure, formats and ranges of the hardware's: see
                          :func:`hwgen.ir.replaced`

    Raises
    ------
    SpecError    If a memory would lie elsewhere, or otherwise, than the layout says.
    """
    memories = [memory for entry in layout["stages"] for memory in _stage(entry, network).loaded]
    for memory, there in zip(memories, layout["memories"], strict=True):
        here = memory.to_dict() | {"offset": there["offset"]}
        if here != there:
            raise SpecError(f"memory '{memory.holds}' of node '{memory.node}' must be laid out as"
                            f" in the manifest, {there}, not {here}; was the artefact written by"
                            f" another version of hwgen?")
    return np.concatenate([memory.stream() for memory in memories])


def _stage(entry, network) -> MatVecStage:
    """The stage that ``entry`` describes, of ``network``."""
    nodes = [network.node(name) for name in entry["nodes"]]
    folding = {what: value for what, value in entry["folding"].items() if what != "weights"}
    return MATRIX_CORES[entry["core"]](
        mat_vec=nodes[0], x=network.edges[nodes[0].inputs[0]],
        post=nodes[1] if len(nodes) > 1 else None, **folding)
