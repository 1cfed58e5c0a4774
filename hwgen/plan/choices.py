"""What is chosen by hand for the matrix nodes of a network, before anything is planned."""

from collections.abc import Mapping

from ..ir import MatVec, Network
from ..numeric import SpecError, did_you_mean
from .assemble import sole_readers
from .matrix_core import default_core
from .stages import MATRIX_CORES
from .target import Target

__all__ = ["WEIGHTS", "loaded_nodes", "require_choices"]

WEIGHTS = ("rom", "ram")
"""Whether weights are constants, or are loaded while the hardware runs."""


def loaded_nodes(network: Network, cores: Mapping[str, Mapping], weights: str | None
                 ) -> dict[str, bool]:
    """Of each matrix node that says so, or for which ``weights`` does, whether it is loaded.

    Raises
    ------
    SpecError    If it is to be something else than :data:`WEIGHTS`.
    """
    wanted = {}
    for node in network.nodes:
        if isinstance(node, MatVec):
            choice = cores.get(node.name, {}).get("weights", weights)
            if choice is not None and choice not in WEIGHTS:
                raise SpecError(f"weights of '{node.name}' must be one of {', '.join(WEIGHTS)},"
                                f" not {choice!r}" + did_you_mean(choice, WEIGHTS))
            if choice is not None:
                wanted[node.name] = choice == "ram"
    return wanted


def require_choices(network: Network, cores: Mapping[str, Mapping], target: Target) -> None:
    """That ``cores`` are nodes of ``network``, cores, and choices that these cores offer.

    Raises
    ------
    SpecError    If one is not.
    TypeError    If what is chosen for a node is not a mapping.
    """
    following = sole_readers(network)
    nodes = {node.name: node for node in network.nodes if isinstance(node, MatVec)}
    for name, choice in cores.items():
        if name not in nodes:
            raise SpecError(f"cores must name matrix nodes of '{network.name}' ({list(nodes)}),"
                            f" not '{name}'" + did_you_mean(name, nodes))
        if not isinstance(choice, Mapping):
            raise TypeError(f"choices of '{name}' must be a mapping such as {{'pe': 4}},"
                            f" not {choice!r}")
        core = choice.get("core")
        if core is not None and core not in list(MATRIX_CORES):
            raise SpecError(f"core of '{name}' must be one of {sorted(MATRIX_CORES)},"
                            f" not {core!r}" + did_you_mean(core, MATRIX_CORES))
        edge = network.edges[nodes[name].inputs[0]]
        core = core or default_core(nodes[name], edge, following.get(name))
        allowed = ("core", *MATRIX_CORES[core].choices)
        unknown = sorted(map(str, set(choice) - set(allowed)))
        if unknown:
            raise SpecError(f"choices of '{name}' on the {core} core must be among"
                            f" {list(allowed)}, not {unknown}" + (
                                ": this core's weights are constants, which cannot be loaded"
                                if "weights" in unknown else _slip(unknown, allowed)))
        offered = list(dict.fromkeys(("none", target.fabric.packing)))
        if choice.get("packing", "none") not in offered:
            raise SpecError(f"packing of '{name}' must be among {offered}, which the multiplier"
                            f" blocks of '{target.name}' ({target.family}) offer, not"
                            f" {choice['packing']!r}")


def _slip(unknown, allowed) -> str:
    """What was meant by the first of ``unknown`` that is a choice of no core at all."""
    of_others = {choice for core in MATRIX_CORES.values() for choice in core.choices}
    return next((did_you_mean(name, allowed) for name in unknown if name not in of_others), "")
