"""Any module as a graph of layers: bare operations of its forward become the layers they are."""

import copy

import torch
import torch.fx
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import SpecError

from .add import QuantAdd
from .entry import take_scale
from .layer import Layer
from .plain import require_one, require_own
from .tracing import (
    IN_PLACE,
    SUMS,
    Tracer,
    check_module,
    ends_of,
    operation_of,
    place_of,
    require_unread,
    traced,
)

__all__ = ["as_graph", "layer_of", "put_between"]


class _Tracer(Tracer):
    """Goes into user's modules, those without parts of their own too."""

    def is_leaf_module(self, m, module_qualified_name):
        return _is_layer(m)


def _is_layer(module) -> bool:
    """Whether a module is a layer of torch or of ours, and no user's."""
    return not isinstance(module, nn.Sequential) and (
        isinstance(module, Layer) or type(module).__module__.startswith("torch.nn"))


def as_graph(module) -> torch.fx.GraphModule:
    """A copy of ``module`` whose forward only calls layers, each with parameters of its own.

    ``relu``, ``max_pool2d``, ``avg_pool2d``, ``flatten``, ``x.view(x.size(0), -1)``, means of whole
    maps, ``dropout`` and sums become the layers that do the same; a softmax at the end is left out,
    since it changes no class; constants that the input is scaled by become one InputScale. Layers
    keep their names.

    Raises
    ------
    TypeError    If ``module`` is no torch module.
    SpecError    If its forward depends on values, calls a layer with weights twice or has another
                 operation: its name, the line and what to do.
    """
    check_module(module)
    if _is_layer(module):
        module = nn.Sequential(module)
    require_own(module)
    root = copy.deepcopy(module)
    graph = traced(_Tracer(), root)
    ends_of(graph, root)
    _drop_softmax(graph, root)
    take_scale(graph, root)
    seen = {}
    for node in list(graph.nodes):
        if node.op == "call_module":
            require_one(node, root.get_submodule(node.target))
            _once(node, root, seen)
        elif node.op in ("call_function", "call_method") and node.users and not _is_size(node):
            _replace(node, root, graph)
        elif node.op == "get_attr":
            raise SpecError(f"operation '{node.target}'{place_of(node)}: must not use a tensor of"
                            f" the module itself: put it into a layer such as nn.Linear")
    for node in reversed(list(graph.nodes)):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)
    left = [node for node in graph.nodes if node.op in ("call_function", "call_method")]
    if left:
        raise SpecError(_unknown(left[0]))
    result = torch.fx.GraphModule(root, graph, class_name=type(module).__name__)
    return result.train(module.training)


def layer_of(graph_module, node):
    """The layer that a node calls, or None."""
    return graph_module.get_submodule(node.target) if node.op == "call_module" else None


def put_between(graph_module, source, reader, layer, name: str) -> str:
    """Let node ``reader`` read ``layer(source)`` for ``source``; the name of it, or one like it."""
    while hasattr(graph_module, name):
        name += "_"
    graph_module.add_module(name, layer)
    with graph_module.graph.inserting_before(reader):
        made = graph_module.graph.call_module(name, (source,))
    reader.replace_input_with(source, made)
    graph_module.recompile()
    return name


def _once(node, root, seen):
    """Give a further use of a layer without parameters a layer of its own."""
    if node.target not in seen:
        seen[node.target] = node
        return
    layer = root.get_submodule(node.target)
    if any(True for _ in layer.parameters()):
        raise SpecError(f"module '{node.target}'{place_of(node)}: must be called once, not twice:"
                        f" weights of two layers are not shared; make a second layer")
    node.target = _added(root, node, copy.deepcopy(layer))


def _replace(node, root, graph):
    layers, read = _layers(node, root), node.args if node.target in SUMS else node.args[:1]
    for layer in layers:
        with graph.inserting_before(node):
            new = graph.call_module(_added(root, node, layer), read)
        new.meta["line"], read = node.meta.get("line"), (new,)
    node.replace_all_uses_with(new)
    graph.erase_node(node)


def _added(root, node, layer) -> str:
    """Name under which ``layer`` is now in ``root``."""
    name, count = node.name, 1
    while hasattr(root, name):
        count += 1
        name = f"{node.name}_{count}"
    root.add_module(name, layer)
    return name


def _layers(node, root):
    """The layers that do what a bare operation does, one behind the other; of a sum one."""
    read = [n for n in node.args if isinstance(n, torch.fx.Node)]
    if node.target in SUMS:
        if len(read) == len(node.args) == 2 and not node.kwargs:
            if node.target in IN_PLACE:
                require_unread(read[0], node, root)
            return [QuantAdd()]
        raise SpecError(_unknown(node, "must add two results of layers, not a constant or with"
                                       " alpha: put a constant into a bias"))
    make = OPERATIONS.get(node.target)
    if make is None or not read or node.args[0] is not read[0]:
        raise SpecError(_unknown(node))
    try:
        return make(*node.args[1:], **node.kwargs)
    except (TypeError, SpecError) as error:
        raise SpecError(_unknown(node, str(error))) from error


def _unknown(node, reason: str | None = None) -> str:
    known = sorted({key if isinstance(key, str) else key.__name__ for key in OPERATIONS})
    return (f"operation '{operation_of(node)}'{place_of(node)}: "
            + (reason or f"must be one of add, {', '.join(known)}, or a layer that does the same:"
                         f" it has no exact form here. Write it with these, and train it so"))


def _is_size(node) -> bool:
    """Whether a node only asks how large a tensor is."""
    return operation_of(node) in ("size", "dim", "getitem", ".shape")


def _drop_softmax(graph, root):
    """Leave out what stands at the end and changes no class."""
    output = next(n for n in graph.nodes if n.op == "output")
    last = output.args[0]
    layer = root.get_submodule(last.target) if last.op == "call_module" else None
    if isinstance(layer, nn.Softmax | nn.LogSoftmax) or last.target in SOFTMAX:
        last.replace_all_uses_with(last.args[0])
        graph.erase_node(last)


SOFTMAX = (F.softmax, F.log_softmax, torch.softmax, torch.log_softmax, "softmax", "log_softmax")


def _relu(inplace=False):
    return [nn.ReLU()]


def _relu6(inplace=False):
    return [nn.ReLU6()]


def _leaky_relu(negative_slope=0.01, inplace=False):
    return [nn.LeakyReLU(negative_slope)]


def _hardtanh(min_val=-1.0, max_val=1.0, inplace=False):
    return [nn.Hardtanh(min_val, max_val)]


def _sigmoid():
    return [nn.Sigmoid()]


def _tanh():
    return [nn.Tanh()]


def _max_pool(kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
              return_indices=False):
    return [nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)]


def _avg_pool(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
              divisor_override=None):
    return [nn.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad,
                         divisor_override)]


def _adaptive(output_size):
    return [nn.AdaptiveAvgPool2d(output_size)]


def _flatten(start_dim=0, end_dim=-1):
    return [nn.Flatten(start_dim, end_dim)]


def _view(*shape):
    """Of ``x.view(x.size(0), -1)`` and its likes: samples become vectors."""
    shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    if len(shape) == 2 and isinstance(shape[1], int) and (
            not isinstance(shape[0], int) or shape[0] == -1):
        return [nn.Flatten()]
    raise SpecError("must make vectors of samples, x.view(x.size(0), -1), and nothing else")


def _dropout(p=0.5, training=True, inplace=False):
    return [nn.Dropout(p)]


def _mean(dim=None, keepdim=False, **other):
    if dim is None or other or sorted(d % 4 for d in dim) != [2, 3]:
        raise SpecError("must be the mean of whole maps, x.mean((2, 3))")
    return [nn.AdaptiveAvgPool2d(1), *([] if keepdim else [nn.Flatten()])]


def _same(*_, **__):
    return [nn.Identity()]


OPERATIONS = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, "relu", "relu_"), _relu),
    F.relu6: _relu6, F.leaky_relu: _leaky_relu, F.hardtanh: _hardtanh,
    **dict.fromkeys((torch.sigmoid, F.sigmoid, "sigmoid"), _sigmoid),
    **dict.fromkeys((torch.tanh, F.tanh, "tanh"), _tanh),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _max_pool),
    F.avg_pool2d: _avg_pool,
    F.adaptive_avg_pool2d: _adaptive,
    **dict.fromkeys((torch.flatten, "flatten"), _flatten),
    **dict.fromkeys(("view", "reshape"), _view),
    **dict.fromkeys((F.dropout, torch.dropout), _dropout),
    **dict.fromkeys((torch.mean, "mean"), _mean),
    "contiguous": _same,
}
"""``OPERATIONS[target](*arguments behind the tensor)``: the layers that do the same."""
