"""A trained float network to its fixed-point twin, ready to be trained further."""

import copy
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
import torch.fx
from torch import nn

from hwgen.numeric import SpecError

from .activation import QuantActivation
from .add import QuantAdd
from .average import QuantAvgPool2d
from .between import Between
from .calibrate import calibrate
from .conv import Flatten, QuantConv2d, QuantDepthwiseConv2d
from .fixed import QuantInput, QuantLinear, QuantReLU
from .form import forms_of, latent, put
from .graph import as_graph, layer_of
from .normalise import fold_batch_norm

__all__ = ["quantise"]

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
LEFT_OUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity)


@torch.no_grad()
def quantise(module, samples, *, weight_bits, activation_bits, calibrator=calibrate) -> nn.Module:
    """The fixed-point twin of ``module``: batch norms folded, every step calibrated.

    Each ``Linear`` and ``Conv2d`` (with the batch norm behind it) becomes a QuantLinear,
    QuantConv2d or QuantDepthwiseConv2d, each ``ReLU`` a QuantReLU and each average pool a
    QuantAvgPool2d of the same name; ``MaxPool2d`` stays, and so do forms of weights
    (:class:`~hwgen.compress.form.Form`). Behind a ``Flatten`` the columns of the next matrix are
    put in the order of :class:`~hwgen.compress.Flatten`, channels last. ``module`` is not changed.
    Train the result with :func:`~hwgen.compress.train` to win back what rounding costs.

    Parameters
    ----------
    module : torch.nn.Module
        QuantInput, then Linear, Conv2d (of one group, or depthwise), BatchNorm1d, BatchNorm2d,
        ReLU, ReLU6, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten, Dropout, and sums; or the
        operations of torch that do the same, see :func:`hwgen.compress.graph.as_graph`.
    samples : integers (batch, n_in) or (batch, c, h, w)
        Training samples, on which the steps are chosen.
    weight_bits, activation_bits : int, or mapping of layer name to int
    calibrator : callable(module, samples)
        Sets the steps of the twin; :func:`~hwgen.compress.calibrate` unless given.

    Returns
    -------
    torch.nn.Sequential where ``module`` is one of layers alone, else torch.fx.GraphModule

    Raises
    ------
    SpecError    For any other layer, or a layer's setting that its twin does not have.
    """
    whole = as_graph(module)
    whole.eval()
    graph = whole.graph
    nodes = [node for node in graph.nodes if node.op == "call_module"]
    layers = {node: layer_of(whole, node) for node in nodes}
    kept = [node for node in nodes if not isinstance(layers[node], LEFT_OUT)]
    if not kept or not isinstance(layers[kept[0]], QuantInput):
        found = repr(layers[kept[0]]) if kept else "empty"
        raise SpecError(f"quantise: module must begin with QuantInput, which says what integers"
                        f" come in, not {found}")
    twin = _Twin(whole, weight_bits, activation_bits)
    first = torch.tensor(np.asarray(samples[:1])).float()
    states = {next(iter(graph.nodes)): (_State(0, 0), first)}
    for node in nodes:
        states[node] = twin.convert(node, [states[source] for source in node.all_input_nodes])
    result = twin.result(is_sequence=type(module) is nn.Sequential
                         and all(not isinstance(part, nn.Sequential) for part in module))
    return calibrator(result, samples)


class _Twin:
    """The twin of a graph of layers, as it grows."""

    def __init__(self, whole, weight_bits, activation_bits):
        self.whole, self.bits = whole, (weight_bits, activation_bits)
        self.twins = OrderedDict()

    def convert(self, node, read):
        """The state and the value of a sample after ``node``."""
        layer, (state, value) = layer_of(self.whole, node), read[0]
        if isinstance(layer, LEFT_OUT) or self._is_folded(node, layer):
            self._leave_out(node)
            return state, value
        state = copy.copy(state)
        state.is_signed = any(each.is_signed for each, _ in read)
        state.norm = self._norm(node)
        state.shape = tuple(value.shape[1:])
        convert = next((convert for kind, convert in TWINS.items() if isinstance(layer, kind)),
                       _unknown)
        try:
            state.weight_bits, state.activation_bits = (
                bits if isinstance(bits, int) else bits.get(node.target, 0) for bits in self.bits)
            if len({each.flattened for each, _ in read}) > 1:
                raise SpecError("must read values whose elements are in one order: flatten behind"
                                " the sum")
            self.twins[node.target] = convert(layer, state)
        except SpecError as error:
            raise SpecError(f"quantise: module '{node.target}': {error}") from error
        return state, self.twins[node.target](*(value for _, value in read))

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
class _State:
    """What a layer's twin depends on besides the layer.

    Members
    -------
    weight_bits, activation_bits : int
    norm : torch.nn.Module or None    the batch norm that follows
    shape : tuple of int              of a sample that comes in
    is_signed : bool                  whether values that come in may be below 0
    flattened : (c, h, w) or None     of the map whose elements come in as torch orders them
    """

    weight_bits: int
    activation_bits: int
    norm: nn.Module | None = None
    shape: tuple[int, ...] = ()
    is_signed: bool = True
    flattened: tuple[int, int, int] | None = None


def _input(layer: QuantInput, state):
    state.is_signed = layer.signed or layer.zero_point > 0
    return _unchanged(layer, state)


def _linear(layer: nn.Linear, state):
    flattened, state.flattened = state.flattened, None

    def arrange(weight):
        if flattened is None:
            return weight
        return weight.unflatten(1, flattened).permute(0, 2, 3, 1).flatten(1)

    return _filled(QuantLinear(layer.in_features, layer.out_features, bits=state.weight_bits,
                               bias=_has_bias(layer, state)), arrange, layer, state)


def _convolution(layer: nn.Conv2d, state):
    options = {"stride": layer.stride, "dilation": layer.dilation, "padding": _padding(layer),
               "bits": state.weight_bits, "bias": _has_bias(layer, state)}
    c_in, c_out = layer.in_channels, layer.out_channels
    if layer.groups == 1:
        twin = QuantConv2d(c_in, c_out, layer.kernel_size, **options)


        def arrange(weight):
            return weight.permute(0, 2, 3, 1).flatten(1)
    elif layer.groups == c_in:
        twin = QuantDepthwiseConv2d(c_in, layer.kernel_size, multiplier=c_out // c_in, **options)


        def arrange(weight):
            return weight.flatten(1)
    else:
        raise SpecError(f"groups must be 1, or the {c_in} channels that come in (depthwise), not"
                        f" {layer.groups}")
    return _filled(twin, arrange, layer, state)


def _padding(layer: nn.Conv2d):
    """Rows and columns added at each side."""
    if layer.padding_mode != "zeros":
        raise SpecError(f"padding_mode must be 'zeros', not {layer.padding_mode!r}")
    if layer.padding == "valid":
        return 0
    if layer.padding != "same":
        return layer.padding
    total = [(k - 1) * apart for k, apart in zip(layer.kernel_size, layer.dilation, strict=True)]
    if any(n % 2 for n in total):
        raise SpecError(f"padding must be the same at both sides, not that of 'same' for a kernel"
                        f" of {tuple(layer.kernel_size)}")
    return tuple(n // 2 for n in total)


def _has_bias(layer, state) -> bool:
    return layer.bias is not None or state.norm is not None


def _filled(twin, arrange, layer, state):
    """``twin`` with the parameters of ``layer``, the norm that follows folded in, and its forms."""
    weight, bias, factor = arrange(latent(layer)), layer.bias, None
    if state.norm is not None:
        ones = torch.ones(len(weight), 1, dtype=weight.dtype)
        factor = fold_batch_norm(ones, None, state.norm)[0][:, 0]
        weight, bias = fold_batch_norm(weight, bias, state.norm)
    twin.weight.copy_(weight)
    if bias is not None:
        twin.bias.copy_(bias)
    for form in forms_of(layer):
        put(twin, form.moved(arrange, factor))
    state.is_signed = True
    return twin


def _relu(layer: nn.ReLU, state):
    state.is_signed = False
    return QuantReLU(bits=state.activation_bits)


def _relu6(layer: nn.ReLU6, state):
    state.is_signed = False
    return QuantActivation(state.activation_bits, signed=False, high=6.0)


def _between(layer: Between, state):
    return QuantActivation(state.activation_bits, signed=state.is_signed)


def _sum(layer: QuantAdd, state):
    return QuantAdd()


def _unchanged(layer, state):
    return copy.deepcopy(layer)


def _average(layer: nn.AvgPool2d, state):
    for what, wanted in (("padding", 0), ("ceil_mode", False), ("divisor_override", None)):
        if getattr(layer, what) not in (wanted, (wanted, wanted)):
            raise SpecError(f"{what} must be {wanted}, not {getattr(layer, what)}")
    return QuantAvgPool2d(layer.kernel_size, stride=layer.stride, bits=state.activation_bits,
                          signed=state.is_signed)


def _whole_average(layer: nn.AdaptiveAvgPool2d, state):
    if layer.output_size not in (1, (1, 1)):
        raise SpecError(f"output_size must be 1, the average of the whole map, not"
                        f" {layer.output_size}")
    return QuantAvgPool2d(None, bits=state.activation_bits, signed=state.is_signed)


def _flatten(layer: nn.Flatten, state):
    if (layer.start_dim, layer.end_dim) not in ((1, -1), (1, len(state.shape))):
        raise SpecError(f"start_dim and end_dim must be 1 and -1, so that samples become vectors,"
                        f" not {layer.start_dim} and {layer.end_dim}")
    if len(state.shape) == 3:
        state.flattened = state.shape
    return Flatten()


def _unknown(layer, state):
    raise SpecError(f"must be QuantInput, Linear, Conv2d, a batch norm behind one of these, ReLU,"
                    f" ReLU6, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten, Dropout or a"
                    f" sum, not {layer!r}")


TWINS = {
    QuantInput: _input, nn.Linear: _linear, nn.Conv2d: _convolution, nn.ReLU: _relu,
    nn.MaxPool2d: _unchanged, nn.AvgPool2d: _average, nn.AdaptiveAvgPool2d: _whole_average,
    nn.ReLU6: _relu6, nn.Flatten: _flatten, Flatten: _unchanged, QuantAdd: _sum,
    Between: _between,
}
"""``TWINS[kind](layer, state)``; the first kind that a layer is of."""
