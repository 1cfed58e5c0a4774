"""A trained float network to its fixed-point twin, ready to be trained further."""

import copy
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from hwgen.numeric import SpecError

from .average import QuantAvgPool2d
from .calibrate import calibrate
from .conv import Flatten, QuantConv2d, QuantDepthwiseConv2d
from .fixed import QuantInput, QuantLinear, QuantReLU
from .normalise import fold_batch_norm

__all__ = ["quantise"]

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
LEFT_OUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity)


@torch.no_grad()
def quantise(module, samples, *, weight_bits: int, activation_bits: int) -> nn.Sequential:
    """The fixed-point twin of ``module``: batch norms folded, every step calibrated.

    Each ``Linear`` and ``Conv2d`` (with the batch norm behind it) becomes a QuantLinear,
    QuantConv2d or QuantDepthwiseConv2d, each ``ReLU`` a QuantReLU and each average pool a
    QuantAvgPool2d of the same name; ``MaxPool2d`` stays. Behind a ``Flatten`` the columns of the
    next matrix are put in the order of :class:`~hwgen.compress.Flatten`, channels last. ``module``
    is not changed. Train the result with :func:`~hwgen.compress.train` to win back what rounding
    costs.

    Parameters
    ----------
    module : torch.nn.Sequential
        QuantInput, then Linear, Conv2d (of one group, or depthwise), BatchNorm1d, BatchNorm2d,
        ReLU, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten and Dropout.
    samples : integers (batch, n_in) or (batch, c, h, w)
        Training samples, on which the steps are chosen.
    weight_bits, activation_bits : int

    Raises
    ------
    SpecError    For any other layer, or a layer's setting that its twin does not have.
    """
    if not isinstance(module, nn.Sequential):
        raise TypeError(f"quantise: module must be a torch.nn.Sequential, not"
                        f" {type(module).__name__}")
    layers = [(name, layer) for name, layer in module.named_children()
              if not isinstance(layer, LEFT_OUT)]
    if not layers or not isinstance(layers[0][1], QuantInput):
        found = repr(layers[0][1]) if layers else "empty"
        raise SpecError(f"quantise: module must begin with QuantInput, which says what integers"
                        f" come in, not {found}")
    twin, values = OrderedDict(), torch.tensor(np.asarray(samples[:1])).float()
    state = _State(weight_bits, activation_bits)
    for k, (name, layer) in enumerate(layers):
        if isinstance(layer, NORMS) and k and isinstance(layers[k - 1][1], nn.Linear | nn.Conv2d):
            continue
        following = layers[k + 1][1] if k + 1 < len(layers) else None
        state.norm = following if isinstance(following, NORMS) else None
        state.shape = tuple(values.shape[1:])
        convert = next((convert for kind, convert in TWINS.items() if isinstance(layer, kind)),
                       _unknown)
        try:
            twin[name] = convert(layer, state)
        except SpecError as error:
            raise SpecError(f"quantise: module '{name}': {error}") from error
        values = twin[name](values)
    return calibrate(nn.Sequential(twin), samples)


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
    weight = layer.weight
    if state.flattened:
        weight = weight.unflatten(1, state.flattened).permute(0, 2, 3, 1).flatten(1)
        state.flattened = None
    return _filled(QuantLinear(layer.in_features, layer.out_features, bits=state.weight_bits,
                               bias=_has_bias(layer, state)), weight, layer.bias, state)


def _convolution(layer: nn.Conv2d, state):
    options = {"stride": layer.stride, "dilation": layer.dilation, "padding": _padding(layer),
               "bits": state.weight_bits, "bias": _has_bias(layer, state)}
    c_in, c_out = layer.in_channels, layer.out_channels
    if layer.groups == 1:
        twin = QuantConv2d(c_in, c_out, layer.kernel_size, **options)
        weight = layer.weight.permute(0, 2, 3, 1).flatten(1)
    elif layer.groups == c_in:
        twin = QuantDepthwiseConv2d(c_in, layer.kernel_size, multiplier=c_out // c_in, **options)
        weight = layer.weight.flatten(1)
    else:
        raise SpecError(f"groups must be 1, or the {c_in} channels that come in (depthwise), not"
                        f" {layer.groups}")
    return _filled(twin, weight, layer.bias, state)


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


def _filled(twin, weight, bias, state):
    """``twin`` with these parameters, the norm that follows folded in."""
    if state.norm is not None:
        weight, bias = fold_batch_norm(weight, bias, state.norm)
    twin.weight.copy_(weight)
    if bias is not None:
        twin.bias.copy_(bias)
    state.is_signed = True
    return twin


def _relu(layer: nn.ReLU, state):
    state.is_signed = False
    return QuantReLU(bits=state.activation_bits)


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
                    f" MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten or Dropout, not"
                    f" {layer!r}")


TWINS = {
    QuantInput: _input, nn.Linear: _linear, nn.Conv2d: _convolution, nn.ReLU: _relu,
    nn.MaxPool2d: _unchanged, nn.AvgPool2d: _average, nn.AdaptiveAvgPool2d: _whole_average,
    nn.Flatten: _flatten, Flatten: _unchanged,
}
"""``TWINS[kind](layer, state)``; the first kind that a layer is of."""
