"""Beginning a training of integer weights with those of a float network."""

import torch
from torch import nn

from hwgen.numeric import SpecError

from .linear import IntegerLinear

__all__ = ["adopt"]


@torch.no_grad()
def adopt(module, source):
    """Give integer layers of ``module`` the weights of the same names in ``source``; returns it.

    Each matrix is divided by its largest magnitude, so that it fills the range of latent weights;
    the factor is left to the batch norm that follows, as all common factors are. Batch norms and
    biases start anew: train the result.

    Parameters
    ----------
    module : torch.nn.Module    with IntegerLinear or IntegerConv2d
    source : torch.nn.Module    with a Linear or Conv2d in their places; it is not changed
    """
    known = dict(source.named_modules())
    for name, layer in module.named_modules():
        if isinstance(layer, IntegerLinear):
            weight = _matrix(known.get(name))
            if weight is None or weight.shape != layer.weight.shape:
                raise SpecError(f"adopt: source must have a Linear or Conv2d of weights"
                                f" {tuple(layer.weight.shape)} at '{name}', not"
                                f" {known.get(name)!r}")
            peak = weight.abs().max().clamp_min(torch.finfo(weight.dtype).tiny)
            layer.weight.copy_(weight / peak)
            layer.quantiser.start(layer.weight)
    return module


def _matrix(layer):
    """The weights as ``(n_out, n_in)``, windows in the order ``kh, kw, c_in``, or None."""
    if isinstance(layer, nn.Conv2d):
        return layer.weight.permute(0, 2, 3, 1).flatten(1)
    return layer.weight if isinstance(layer, nn.Linear) else None
