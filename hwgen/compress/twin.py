"""A module of twins: each layer of a graph put in another's place, in the order of the calls."""

import copy
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
import torch.fx
from torch import nn

from hwgen.numeric import SpecError

from .conv import Flatten
from .fixed import QuantInput
from .graph import as_graph, layer_of
from .tracing import place_of

__all__ = ["LEFT_OUT", "NORMS", "PLAIN", "State", "flattened", "twin_of", "unchanged"]

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
LEFT_OUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity)
PLAIN = {"known": "QuantInput, Linear, Conv2d, a batch norm behind one of these, ReLU, MaxPool2d,"
                  " Flatten or Dropout",
         "instead": ", or take 'quantise'"}
"""What :func:`twin_of` is to say of networks of these layers alone."""


def unchanged(layer, state):
    """A copy: the twin of a layer that computes the same on what comes in then."""
    return copy.deepcopy(layer)


def flattened(layer: nn.Flatten, state):
    """The layer that remembers the map whose elements it puts in a row."""
    if (layer.start_dim, layer.end_dim) not in ((1, -1), (1, len(state.shape))):
        raise SpecError(f"start_dim and end_dim must be 1 and -1, so that samples become vectors,"
                        f" not {layer.start_dim} and {layer.end_dim}")
    if len(state.shape) == 3:
        state.flattened = state.shape
    return Flatten()


def twin_of(module, samples, table, options, *, verb: str, known: str, instead: str = ""):
    """``module`` with the twin of each layer in its place; dropout is left out.

    Parameters
    ----------
    module : torch.nn.Module                 begins with QuantInput; not changed
    samples : integers (batch, ...)          of which the first is sent through the twins
    table : mapping of layer type to ``convert(layer, state)``    the first that a layer is of
    options : callable(name) -> dict         becomes ``state.options``
    verb : str                               what is being done, for errors
    known : str                              the layers that it can be, for errors
    instead : str                            what else can be done about others

    Returns
    -------
    torch.nn.Sequential where ``module`` is one of layers alone, else torch.fx.GraphModule
    """
    whole = as_graph(module)
    whole.eval()
    graph = whole.graph
    nodes = [node for node in graph.nodes if node.op == "call_module"]
    layers = {node: layer_of(whole, node) for node in nodes}
    kept = [node for node in nodes if not isinstance(layers[node], LEFT_OUT)]
    if not kept or not isinstance(layers[kept[0]], QuantInput):
        found = repr(layers[kept[0]]) if kept else "empty"
        raise SpecError(f"{verb}: module must begin with QuantInput, which says what integers"
                        f" come in, not {found}")
    rule = f"must be {known}, not {{}}: put one of these in its place{instead}"
    twins = _Twins(whole, table, options, verb, rule)
    first = torch.tensor(np.asarray(samples[:1])).float()
    states = {next(iter(graph.nodes)): (State({}), first)}
    for node in nodes:
        states[node] = twins.convert(node, [states[source] for source in node.all_input_nodes])
    return twins.result(is_sequence=type(module) is nn.Sequential
                        and all(not isinstance(part, nn.Sequential) for part in module))


class _Twins:
    """The twin of a graph of layers, as it grows."""

    def __init__(self, whole, table, options, verb, rule):
        self.whole, self.table, self.rule = whole, table, rule
        self.options, self.verb, self.twins = options, verb, OrderedDict()

    def convert(self, node, read):
        """The state and the value of a sample after ``node``."""
        layer, (state, value) = layer_of(self.whole, node), read[0]
        if isinstance(layer, LEFT_OUT) or self._is_folded(node, layer):
            self._leave_out(node)
            return state, value
        state = copy.copy(state)
        state.read = tuple(each for each, _ in read)
        state.is_signed = any(each.is_signed for each, _ in read)
        state.norm = self._norm(node)
        state.shape = tuple(value.shape[1:])
        state.options = self.options(node.target)
        convert = next((convert for kind, convert in self.table.items() if isinstance(layer, kind)),
                       self._refuse)
        try:
            if len({each.flattened for each, _ in read}) > 1:
                raise SpecError("must read values whose elements are in one order: flatten behind"
                                " the sum")
            self.twins[node.target] = convert(layer, state)
        except SpecError as error:
            raise SpecError(f"{self.verb}: module '{node.target}'{place_of(node)}: {error}"
                            ) from error
        return state, self.twins[node.target](*(value for _, value in read))

    def _refuse(self, layer, state):
        raise SpecError(self.rule.format(repr(layer)))

    def _norm(self, node):
        """The batch norm that alone reads ``node``, or None."""
        following = [layer_of(self.whole, user) for user in node.users]
        return following[0] if len(following) == 1 and isinstance(following[0], NORMS) else None

    def _is_folded(self, node, layer) -> bool:
        source = layer_of(self.whole, node.args[0]) if isinstance(layer, NORMS) else None
        return isinstance(source, nn.Linear | nn.Conv2d) and len(node.args[0].users) == 1

    def _leave_out(self, node):
        node.replace_all_uses_with(node.args[0])

    def result(self, *, is_sequence: bool):
        """The twin as a module of its own."""
        if is_sequence:
            return nn.Sequential(self.twins)
        return _assembled(nn.Module(), self.whole, self.twins)


def _assembled(root, whole, twins):
    """A GraphModule of ``whole``'s graph with ``twins`` in the places of its layers."""
    graph = whole.graph
    for node in reversed(list(graph.nodes)):
        if node.op == "call_module" and node.target not in twins:
            graph.erase_node(node)
    for name, layer in twins.items():
        *path, last = name.split(".")
        parent = root
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, nn.Module())
            parent = getattr(parent, part)
        parent.add_module(last, layer)
    return torch.fx.GraphModule(root, graph, class_name=type(whole).__name__)


@dataclass
class State:
    """What a layer's twin depends on besides the layer.

    Members
    -------
    options : dict                    what was asked for the layer
    norm : torch.nn.Module or None    the batch norm that follows
    shape : tuple of int              of a sample that comes in
    is_signed : bool                  whether values that come in may be below 0
    flattened : (c, h, w) or None     of the map whose elements come in as torch orders them
    is_open : bool                    whether sums come in, which no activation has bounded yet
    has_signs : bool                  whether values that come in are signs, or sums of some
    scaled : layer or None            that made these signs, where they have scales
    read : tuple of State             those of all values that come in
    bounded : layer or None           that rounded what comes in; affine
    scale : float64 (1,) or (c,)      that makes real numbers of the integers that come in; affine
    frac : int                        fraction bits that these have besides; affine
    """

    options: dict
    norm: nn.Module | None = None
    shape: tuple[int, ...] = ()
    is_signed: bool = True
    flattened: tuple[int, int, int] | None = None
    is_open: bool = False
    has_signs: bool = False
    scaled: nn.Module | None = None
    read: tuple["State", ...] = ()
    bounded: nn.Module | None = None
    scale: torch.Tensor | None = None
    frac: int = 0
