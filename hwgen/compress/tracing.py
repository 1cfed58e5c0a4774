"""The graph of a module, down to its layers."""

from dataclasses import dataclass

import torch.fx
from torch import nn

from hwgen.numeric import SpecError

from .layer import Layer

__all__ = ["INPUT", "Step", "check_module", "trace"]


class _Tracer(torch.fx.Tracer):
    """Stops at every layer, every module without parts of its own, and at those of torch."""

    def is_leaf_module(self, m, module_qualified_name):
        whole = isinstance(m, Layer) or not any(m.children())
        return whole or super().is_leaf_module(m, module_qualified_name)


@dataclass(frozen=True)
class Step:
    """One use of a layer.

    Members
    -------
    node : str          unique name of the result
    source : str        name of the result that it reads; ``"input"`` for the module's input
    path : str          path of the layer inside the module, or the code of a bare operation
    layer : nn.Module or None
        None for an operation that is not a module
    """

    node: str
    source: str | None
    path: str
    layer: nn.Module | None


INPUT = "input"


def check_module(module) -> None:
    """TypeError unless ``module`` is a torch module."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, not {module!r}")


def trace(module) -> tuple[list[Step], str]:
    """The steps of ``module`` in order, and the name of the result that it returns.

    Raises
    ------
    TypeError   If ``module`` is not a torch module.
    SpecError   If its forward depends on values, or it takes or returns more than one tensor.
    """
    check_module(module)
    if isinstance(module, Layer):
        module = nn.Sequential(module)
    try:
        graph = _Tracer().trace(module)
    except (torch.fx.proxy.TraceError, TypeError, RuntimeError) as error:
        raise SpecError(f"module {type(module).__name__} must have a forward that does not depend"
                        f" on values, not one where torch.fx finds: {error}") from error
    inputs = [n for n in graph.nodes if n.op == "placeholder"]
    returned = next(n for n in graph.nodes if n.op == "output").args[0]
    if len(inputs) != 1 or not isinstance(returned, torch.fx.Node):
        raise SpecError(f"module {type(module).__name__} must take and return one tensor, not"
                        f" {len(inputs)} and {returned!r}")
    names = {inputs[0]: INPUT}
    used = _used(returned)
    steps = [_step(n, names, module) for n in graph.nodes if n in used and n not in names]
    return steps, names[returned]


def _used(node) -> set:
    """``node`` and everything that it depends on."""
    found, waiting = set(), [node]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += node.all_input_nodes
    return found


def _step(node, names, module) -> Step:
    is_layer = node.op == "call_module"
    sources = [names[n] for n in node.all_input_nodes]
    name = node.target.replace(".", "_") if is_layer else node.name
    names[node] = node.name if name in names.values() else name
    path = node.target if is_layer else _operation(node)
    return Step(names[node], sources[0] if len(sources) == 1 else None, path,
                module.get_submodule(node.target) if is_layer else None)


def _operation(node) -> str:
    target = node.target
    return target if isinstance(target, str) else getattr(target, "__name__", str(target))
