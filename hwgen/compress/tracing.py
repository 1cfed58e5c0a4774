"""The graph of a module, down to its layers."""

import operator
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.fx
from torch import nn

from hwgen.numeric import SpecError

from .add import QuantAdd
from .conv import Flatten
from .layer import Layer

__all__ = ["INPUT", "IN_PLACE", "SUMS", "Step", "Tracer", "check_module", "ends_of",
           "operation_of", "place_of", "require_unread", "trace", "traced"]

NOT_USERS = ("<", *(Path(file).parent.as_posix()
                    for file in (__file__, torch.__file__, np.__file__)))
"""How files begin that are no user's; code without a file is ``<...>``."""


class _Value(torch.fx.Proxy):
    """Tells ``a += b``, which changes a tensor, from ``a + b``."""

    def __iadd__(self, other):
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})


class Tracer(torch.fx.Tracer):
    """Stops at every layer, every module without parts of its own, and at those of torch.

    Notes the line of the user's code that each operation stands in, see :func:`place_of`.
    """

    def is_leaf_module(self, m, module_qualified_name):
        whole = isinstance(m, Layer) or not any(m.children())
        return whole or super().is_leaf_module(m, module_qualified_name)

    def proxy(self, node):
        return _Value(node, self)

    def create_node(self, kind, *args, **kwargs):
        node = super().create_node(kind, *args, **kwargs)
        frame = sys._getframe()
        while frame.f_code is not traced.__code__ and not _is_users(frame.f_code.co_filename):
            frame = frame.f_back
        if kind != "placeholder" and frame.f_code is not traced.__code__:
            node.meta["line"] = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        return node


def _is_users(file: str) -> bool:
    return not Path(file).as_posix().startswith(NOT_USERS)


@dataclass(frozen=True)
class Step:
    """One use of a layer.

    Members
    -------
    node : str          unique name of the result
    sources : tuple of str      names of the results that it reads; ``"input"`` for the module's
    path : str          path of the layer inside the module, or the code of a bare operation
    layer : nn.Module or None
        :class:`~hwgen.compress.QuantAdd` for a sum; None for another operation that is no module
    place : str         where the user's code calls it, as :func:`place_of`
    """

    node: str
    sources: tuple[str, ...]
    path: str
    layer: nn.Module | None
    place: str


INPUT = "input"

SUMS = (operator.add, operator.iadd, torch.add, "add", "add_")
"""What adds two values, in a graph of torch.fx."""

IN_PLACE = (operator.iadd, "add_")

SAME_MEMORY = (nn.Identity, nn.Dropout, Flatten)
"""Layers whose result may be the tensor that they are given."""


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
    graph = traced(Tracer(), module)
    entry, returned = ends_of(graph, module)
    names = {entry: INPUT}
    used = _used(returned)
    steps = [_step(n, names, module) for n in graph.nodes if n in used and n not in names]
    return steps, names[returned]


def traced(tracer: Tracer, module) -> torch.fx.Graph:
    """The graph of ``module``'s forward, each node with its line where that is the user's.

    Raises
    ------
    SpecError   If the forward depends on values: the line and what to do.
    """
    try:
        graph = tracer.trace(module)
    except (torch.fx.proxy.TraceError, TypeError, RuntimeError, ValueError) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_users(f.filename)]
        where = f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        said = f" ('{frames[-1].line}')" if frames and frames[-1].line else ""
        raise SpecError(f"module {type(module).__name__} must have a forward that does not depend"
                        f" on values{where}{said}: torch.fx finds: {error}. Take the branch out, or"
                        f" choose it in __init__") from error
    if isinstance(module, torch.fx.GraphModule):      # traced before: lines are those of then
        lines = {node.target: node.meta.get("line") for node in module.graph.nodes}
        for node in graph.nodes:
            node.meta["line"] = lines.get(node.target)
    return graph


def ends_of(graph, module):
    """The node that comes into ``graph``, traced of ``module``, and the one that it returns.

    Raises
    ------
    SpecError    If there is not one of each.
    """
    inputs = [n for n in graph.nodes if n.op == "placeholder"]
    returned = next(n for n in graph.nodes if n.op == "output").args[0]
    if len(inputs) != 1:
        raise SpecError(f"module {type(module).__name__} must take one tensor, not {len(inputs)}"
                        f" ({', '.join(node.name for node in inputs)}): let __init__ have the rest")
    if not isinstance(returned, torch.fx.Node):
        raise SpecError(f"module {type(module).__name__} must return one tensor, the scores, not"
                        f" {returned!r}")
    return inputs[0], returned


def place_of(node) -> str:
    """`` (FILE:LINE)`` of the user's code that a node of :func:`traced` stands in; "" if unknown.

    As it is of a layer in ``nn.Sequential``, which is called in no line of the user's.
    """
    line = node.meta.get("line")
    return "" if line is None else f" ({line})"


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
    read = [n for n in node.args if isinstance(n, torch.fx.Node)]
    is_sum = node.target in SUMS and len(read) == len(node.args) == 2 and not node.kwargs
    sources = [names[n] for n in (read if is_layer or is_sum else node.all_input_nodes)]
    name = node.target.replace(".", "_") if is_layer else node.name
    names[node] = node.name if name in names.values() else name
    path = node.target if is_layer else operation_of(node)
    layer = module.get_submodule(node.target) if is_layer else QuantAdd() if is_sum else None
    if is_sum and node.target in IN_PLACE:
        require_unread(read[0], node, module)
    return Step(names[node], tuple(sources), path, layer, place_of(node))


def require_unread(node, addition, module):
    """Raise SpecError if the tensor that ``addition`` changes in place is read again."""
    while True:
        if len(node.users) > 1:
            raise SpecError(f"operation '{operation_of(addition)}'{place_of(addition)}: must not"
                            f" change '{node.name}', which is read again: write a + b for a += b")
        if node.op != "call_module" or not isinstance(module.get_submodule(node.target),
                                                      SAME_MEMORY):
            return
        node = node.args[0]


def operation_of(node) -> str:
    """What a bare operation is called; ``.NAME`` of an attribute such as ``x.T``."""
    if node.target is getattr:
        return f".{node.args[1]}"
    return node.target if isinstance(node.target, str) else getattr(
        node.target, "__name__", str(node.target))
