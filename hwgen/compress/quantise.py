"""A trained float network to its fixed-point twin, ready to be trained further."""


import torch
from torch import nn

from hwgen.numeric import SpecError

from .activation import QuantActivation
from .add import QuantAdd
from .average import QuantAvgPool2d
from .between import Between
from .bi_real import BiRealConv2d, bi_real_twin
from .calibrate import calibrate
from .conv import Flatten, QuantConv2d, QuantDepthwiseConv2d, padding_of
from .fixed import QuantInput, QuantLinear, QuantReLU
from .form import forms_of, latent, put
from .normalise import fold_batch_norm
from .twin import flattened, twin_of, unchanged
from .twin_functions import FUNCTION_TWINS

__all__ = ["ACTIVATIONS", "quantise"]


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
        ReLU, ReLU6, LeakyReLU (of a slope that is a power of two), Hardtanh, Sigmoid, Tanh,
        MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten, Dropout, and sums; or the operations
        of torch that do the same, see :func:`hwgen.compress.graph.as_graph`.
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
    def options(name):
        return {what: bits if isinstance(bits, int) else bits.get(name, 0) for what, bits in
                (("weight_bits", weight_bits), ("activation_bits", activation_bits))}

    return calibrator(twin_of(module, samples, TWINS, options, verb="quantise", known=KNOWN),
                      samples)


def _input(layer: QuantInput, state):
    state.is_signed = layer.signed or layer.zero_point > 0
    return unchanged(layer, state)


def _linear(layer: nn.Linear, state):
    flattened, state.flattened = state.flattened, None

    def arrange(weight):
        if flattened is None:
            return weight
        return weight.unflatten(1, flattened).permute(0, 2, 3, 1).flatten(1)

    twin = QuantLinear(layer.in_features, layer.out_features, bits=state.options["weight_bits"],
                       bias=_has_bias(layer, state))
    return _filled(twin, arrange, layer, state)


def _convolution(layer: nn.Conv2d, state):
    options = {"stride": layer.stride, "dilation": layer.dilation, "padding": padding_of(layer),
               "bits": state.options["weight_bits"], "bias": _has_bias(layer, state)}
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
    return QuantReLU(bits=state.options["activation_bits"])


def _between(layer: Between, state):
    return QuantActivation(state.options["activation_bits"], signed=state.is_signed)


def _sum(layer: QuantAdd, state):
    return QuantAdd()


def _average(layer: nn.AvgPool2d, state):
    for what, wanted in (("padding", 0), ("ceil_mode", False), ("divisor_override", None)):
        if getattr(layer, what) not in (wanted, (wanted, wanted)):
            raise SpecError(f"{what} must be {wanted}, not {getattr(layer, what)}")
    return QuantAvgPool2d(layer.kernel_size, stride=layer.stride, signed=state.is_signed,
                          bits=state.options["activation_bits"])


def _whole_average(layer: nn.AdaptiveAvgPool2d, state):
    if layer.output_size not in (1, (1, 1)):
        raise SpecError(f"output_size must be 1, the average of the whole map, not"
                        f" {layer.output_size}")
    return QuantAvgPool2d(None, bits=state.options["activation_bits"], signed=state.is_signed)


TWINS = {
    QuantInput: _input, nn.Linear: _linear, nn.Conv2d: _convolution, nn.ReLU: _relu,
    nn.MaxPool2d: unchanged, nn.AvgPool2d: _average, nn.AdaptiveAvgPool2d: _whole_average,
    **FUNCTION_TWINS, nn.Flatten: flattened, Flatten: unchanged, QuantAdd: _sum,
    Between: _between, BiRealConv2d: bi_real_twin,
}
"""``TWINS[kind](layer, state)``; the first kind that a layer is of."""

KNOWN = ("QuantInput, Linear, Conv2d, a batch norm behind one of these, ReLU, ReLU6, LeakyReLU,"
         " Hardtanh, Sigmoid, Tanh, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d(1), Flatten, Dropout or"
         " a sum")

ACTIVATIONS = (nn.ReLU, *FUNCTION_TWINS, nn.AvgPool2d, nn.AdaptiveAvgPool2d, Between)
"""Layers whose twins round to ``activation_bits``."""
