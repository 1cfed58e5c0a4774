"""Which channels of a graph's layers stand and fall together, and a smaller graph without some.

A channel is an output of a Linear, or a map of a Conv2d. What is behind it carries it on: norms,
activations, pools, depthwise convolutions, and ``Flatten``, behind which each channel is several
elements. A sum makes one channel of those that it adds. All rows and columns of one channel go at
once, so nothing is left of it; where it was 0 for the layers that read it, the model's scores stay.
"""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from hwgen.numeric import SpecError

from .add import QuantAdd
from .between import Between
from .conv import Flatten
from .fixed import QuantInput
from .form import forms_of, maker_of
from .graph import layer_of
from .twin import LEFT_OUT, NORMS

__all__ = ["Channels", "Coupled", "channels_of", "inputs_of"]

CARRIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.MaxPool2d,
            nn.AvgPool2d, nn.AdaptiveAvgPool2d, Between, QuantInput, *LEFT_OUT)
"""Layers whose channel ``k`` is a function of their input's channel ``k`` alone."""


@dataclass(frozen=True)
class Coupled:
    """Channels of the same layers.

    Members
    -------
    layers : tuple of str    Linear and Conv2d, depthwise ones too, whose outputs they are
    norms : tuple of str     batch norms that they go through
    readers : tuple of str   Linear and Conv2d that read them and make others of them
    numbers : int64 (n,)     of the channels, those that may go
    """

    layers: tuple[str, ...]
    norms: tuple[str, ...]
    readers: tuple[str, ...]
    numbers: torch.Tensor


@dataclass(frozen=True)
class Channels:
    """The channels of a model, numbered.

    Members
    -------
    count : int               of all channels
    rows : dict of str to int64 (n_out,)      by layer: the channel of each output; of norms too
    columns : dict of str to int64 (n_in,)    by Linear and Conv2d: that of each input
    stay : dict of str to str                 Linear and Conv2d whose outputs must stay, and why
    sets : tuple of Coupled                   all others
    """

    count: int
    rows: dict
    columns: dict
    stay: dict
    sets: tuple[Coupled, ...]

    def totals(self, values) -> torch.Tensor:
        """Sum of ``values``, of layers' outputs, over each channel; (count,).

        ``values`` maps names of layers to tensors (n_out,).
        """
        return _totals(self.rows, values, self.count)

    def totals_read(self, values) -> torch.Tensor:
        """The same of layers' inputs: tensors (..., n_in) become one (..., count)."""
        return _totals(self.columns, values, self.count)

    @torch.no_grad()
    def without(self, model, gone):
        """A copy of ``model`` without the channels numbered ``gone``; its graph is the same.

        Raises
        ------
        SpecError    If weights that get fewer are under a form, such as a mask.
        """
        model = copy.deepcopy(model)
        for name in dict.fromkeys((*self.rows, *self.columns)):
            rows, columns = (None if name not in each else ~torch.isin(each[name], gone)
                             for each in (self.rows, self.columns))
            if any(kept is not None and not bool(kept.all()) for kept in (rows, columns)):
                _cut(name, model.get_submodule(name), rows, columns)
        return model


def _totals(numbers, values, count):
    total = 0
    for name, each in values.items():
        sums = each.new_zeros((*each.shape[:-1], count))
        total = total + sums.index_add(-1, numbers[name], each)
    return total


def _cut(name, layer, rows, columns):
    """Leave the ``rows`` and ``columns`` that are set; None for all of them."""
    if forms_of(layer):
        raise SpecError(f"layer '{name}' must have weights of their own where channels go, not"
                        f" those of {maker_of(layer)}: remove channels first")
    if isinstance(layer, NORMS):
        layer.num_features = int(rows.sum())
        for what in ("weight", "bias", "running_mean", "running_var"):
            _keep(layer, what, rows)
        return
    _keep(layer, "bias", rows)
    _keep(layer, "weight", rows)
    n_out, n_in = int(rows.sum()), int(columns.sum())
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = n_out, n_in
    else:
        layer.out_channels, layer.in_channels = n_out, n_in
    if getattr(layer, "groups", 1) > 1:
        layer.groups = n_in
    else:
        _keep(layer, "weight", (slice(None), columns))


def _keep(layer, what, index):
    """Leave of a parameter or buffer what ``index`` says; nothing where the layer has none."""
    value = getattr(layer, what)
    if value is not None:
        left = value.detach()[index].clone()
        is_parameter = isinstance(value, nn.Parameter)
        setattr(layer, what, nn.Parameter(left, value.requires_grad) if is_parameter else left)


@torch.no_grad()
def channels_of(model, samples) -> Channels:
    """The channels of a prepared model in float.

    Parameters
    ----------
    model : torch.fx.GraphModule    of layers alone, see :func:`hwgen.compress.graph.as_graph`
    samples : tensor or integers (n, ...)    of which the first is sent through
    """
    walk = _Walk()
    model.eval()
    for node in model.graph.nodes:
        if node.op == "placeholder":
            walk.enter(node, torch.as_tensor(samples[:1]).float())
        elif node.op == "call_module":
            walk.pass_on(node, layer_of(model, node))
        elif node.op == "output":
            walk.pin(walk.numbers[node.args[0]], "they are its scores")
    return walk.result()


class _Walk:
    """Numbers the channels from layer to layer; what a sum adds gets one number in the end."""

    def __init__(self):
        self.parent, self.pinned = [], {}
        self.values, self.numbers = {}, {}      # of each node, numbers for each element of axis 1
        self.layers, self.rows, self.columns = {}, {}, {}

    def new(self, count: int) -> list[int]:
        """Numbers of further channels."""
        first = len(self.parent)
        self.parent += range(first, first + count)
        return self.parent[first:]

    def root(self, number: int) -> int:
        """The one number of a channel that has several."""
        while self.parent[number] != number:
            number = self.parent[number]
        return number

    def pin(self, numbers, reason: str) -> None:
        """Let these channels stay."""
        self.pinned |= {number: reason for number in numbers if number not in self.pinned}

    def enter(self, node, value) -> None:
        """Begin with the model's input."""
        self.values[node], self.numbers[node] = value, self.new(value.shape[1])
        self.pin(self.numbers[node], "its input is added to them")

    def pass_on(self, node, layer) -> None:
        """Send the values that a node reads through its layer, and their numbers."""
        values = [self.values[each] for each in node.args]
        self.values[node] = value = layer(*values)
        self.layers[node.target] = layer
        read = [self.numbers[each] for each in node.args]
        numbers = self._through(node.target, layer, read, values[0])
        if numbers is None:
            numbers = self.new(value.shape[1])
            for each in (*read, numbers):
                self.pin(each, f"they are read or made by '{node.target}', a"
                               f" {type(layer).__name__}")
        self.numbers[node] = numbers

    def _through(self, name, layer, read, value):
        """Numbers behind a layer; None where they are not known."""
        if isinstance(layer, QuantAdd):
            return self._united(read)
        (numbers,) = read
        if isinstance(layer, CARRIERS):
            return numbers
        if isinstance(layer, Flatten | nn.Flatten):
            sent = torch.tensor(numbers).view(1, -1, *[1] * (value.dim() - 2))
            sent = layer(sent.expand(value.shape))[0]
            return sent.tolist() if sent.dim() == 1 else None
        if isinstance(layer, NORMS):
            self.rows[name] = numbers
            return numbers
        if isinstance(layer, nn.Linear) and value.dim() == 2 or isinstance(layer, nn.Conv2d):
            return self._matrix(name, layer, numbers)
        return None

    def _united(self, read):
        first, *others = read
        if any(len(each) != len(first) for each in others):
            return None
        for each in others:
            for a, b in zip(first, each, strict=True):
                self.parent[self.root(a)] = self.root(b)
        return first

    def _matrix(self, name, layer, numbers):
        """Of depthwise ones the outputs are channels that come in."""
        groups, n_out = getattr(layer, "groups", 1), len(layer.weight)
        if groups not in (1, len(numbers)):
            return None
        self.columns[name] = numbers
        self.rows[name] = self.new(n_out) if groups == 1 else [
            number for number in numbers for _ in range(n_out // groups)]
        return self.rows[name]

    def result(self) -> Channels:
        """What was found, channels numbered without gaps."""
        roots = sorted({self.root(number) for number in range(len(self.parent))})
        place = {root: k for k, root in enumerate(roots)}

        def final(numbers):
            return torch.tensor([place[self.root(number)] for number in numbers])

        rows = {name: final(each) for name, each in self.rows.items()}
        columns = {name: final(each) for name, each in self.columns.items()}
        pinned = {place[self.root(number)]: reason for number, reason in self.pinned.items()}
        stay = {name: reason for name in columns
                if (reason := next((pinned[k] for k in rows[name].tolist() if k in pinned), None))}
        return Channels(len(roots), rows, columns, stay, _sets(rows, columns, pinned, self.layers))


def _sets(rows, columns, pinned, layers):
    """Layers whose outputs have channels in common, as long as there are some that may go."""
    sets: list[tuple[list[str], set[int]]] = []
    for name, numbers in rows.items():
        free = {*numbers.tolist()} - pinned.keys()
        joined = [each for each in sets if each[1] & free]
        sets = [each for each in sets if each not in joined]
        if free:
            sets.append(([*(n for names, _ in joined for n in names), name],
                         free.union(*(each for _, each in joined))))
    return tuple(Coupled(
        tuple(name for name in names if name in columns),
        tuple(name for name in names if name not in columns),
        tuple(name for name, each in columns.items() if free & {*each.tolist()}
              and getattr(layers[name], "groups", 1) == 1),
        torch.tensor(sorted(free))) for names, free in sets)


def inputs_of(model, names, samples):
    """``({name: what that layer reads of ``samples``}, scores)`` in evaluation mode.

    Where torch records gradients, each of them keeps its own: that of what this layer makes of it.
    """
    seen, handles = {}, []
    for name in names:
        def note(_, args, name=name):
            seen[name] = args[0].clone()
            if torch.is_grad_enabled():
                seen[name].requires_grad_().retain_grad()
            return (seen[name],)
        handles.append(model.get_submodule(name).register_forward_pre_hook(note))
    scores = model.eval()(torch.as_tensor(samples).float())
    for handle in handles:
        handle.remove()
    return seen, scores
