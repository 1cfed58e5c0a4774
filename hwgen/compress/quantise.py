"""A trained float network to its fixed-point twin, ready to be trained further."""

from collections import OrderedDict

import torch
from torch import nn

from hwgen.numeric import SpecError

from .calibrate import calibrate
from .fixed import QuantInput, QuantLinear, QuantReLU
from .normalise import fold_batch_norm

__all__ = ["quantise"]


@torch.no_grad()
def quantise(module, samples, *, weight_bits: int, activation_bits: int) -> nn.Sequential:
    """The fixed-point twin of ``module``: batch norms folded, every step calibrated.

    Each ``Linear`` (with the ``BatchNorm1d`` behind it) becomes a QuantLinear and each ``ReLU`` a
    QuantReLU of the same name. ``module`` is not changed. Train the result with
    :func:`~hwgen.compress.train` to win back what rounding costs.

    Parameters
    ----------
    module : torch.nn.Sequential
        QuantInput, then Linear, BatchNorm1d, ReLU and Dropout.
    samples : integers (batch, n_in)
        Training samples, on which the steps are chosen.
    weight_bits, activation_bits : int
    """
    if not isinstance(module, nn.Sequential):
        raise TypeError(f"quantise: module must be a torch.nn.Sequential, not"
                        f" {type(module).__name__}")
    layers = [(name, layer) for name, layer in module.named_children()
              if not isinstance(layer, (nn.Dropout, nn.Identity))]
    if not layers or not isinstance(layers[0][1], QuantInput):
        found = repr(layers[0][1]) if layers else "empty"
        raise SpecError(f"quantise: module must begin with QuantInput, which says what integers"
                        f" come in, not {found}")
    twin = OrderedDict()
    for k, (name, layer) in enumerate(layers):
        before = layers[k - 1][1] if k else None
        if isinstance(layer, QuantInput):
            twin[name] = QuantInput(bits=layer.bits, frac=int(layer.frac), signed=layer.signed)
        elif isinstance(layer, nn.Linear):
            norm = layers[k + 1][1] if k + 1 < len(layers) else None
            twin[name] = _linear(layer, norm, weight_bits)
        elif isinstance(layer, nn.ReLU):
            twin[name] = QuantReLU(bits=activation_bits)
        elif not (isinstance(layer, nn.BatchNorm1d) and isinstance(before, nn.Linear)):
            raise SpecError(f"quantise: module '{name}' must be QuantInput, Linear, BatchNorm1d"
                            f" behind a Linear, ReLU or Dropout, not {layer!r}")
    return calibrate(nn.Sequential(twin), samples)


def _linear(linear: nn.Linear, norm, bits: int) -> QuantLinear:
    weight, bias = linear.weight, linear.bias
    if isinstance(norm, nn.BatchNorm1d):
        weight, bias = fold_batch_norm(weight, bias, norm)
    layer = QuantLinear(linear.in_features, linear.out_features, bits=bits, bias=bias is not None)
    layer.weight.copy_(weight)
    if bias is not None:
        layer.bias.copy_(bias)
    return layer
